"""Where processor time goes: a sampler for the own process, and what it found as a flame graph.

The system sends a signal whenever the process has used a few milliseconds of processor time (`ITIMER_PROF`). So a
machine that gives the process less time than it wants changes nothing in the picture, as it does where moments are
counted by the clock on the wall. Time in C code counts for the function that called it.
"""

from __future__ import annotations

import signal
from collections import Counter
from contextlib import contextmanager
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from bench.world import results

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from types import FrameType

EVERY = 0.001
"""Seconds of processor time between two looks; most systems count in steps of 4 ms."""
WIDTH, ROW, LEAST = 1400, 18, 0.002
"""Pixels; a box that is a smaller share of the whole is not drawn."""

Stack = tuple[str, ...]


@contextmanager
def sampling() -> Iterator[Counter[Stack]]:
    """Count the stacks of the main thread, the outermost function first."""
    found: Counter[Stack] = Counter()

    def look(_: int, frame: FrameType | None) -> None:
        stack = []
        while frame is not None:
            code = frame.f_code
            stack.append(f"{code.co_qualname} ({Path(code.co_filename).name})")
            frame = frame.f_back
        found[tuple(reversed(stack))] += 1

    before = signal.signal(signal.SIGPROF, look)
    signal.setitimer(signal.ITIMER_PROF, EVERY, EVERY)
    try:
        yield found
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def draw(found: Counter[Stack], name: str, within: Sequence[str]) -> Path:
    """Write bench/results/NAME.svg and, for other tools, NAME.stacks; only stacks with one of the words `within`."""
    stacks: Counter[Stack] = Counter()
    for stack, count in found.items():
        first = next((at for at, frame in enumerate(stack) if frame.startswith(tuple(within))), None)
        if first is not None:
            stacks[stack[first:]] += count
    lines = "".join(f"{';'.join(stack)} {count}\n" for stack, count in sorted(stacks.items()))
    results(f"{name}.stacks").write_text(lines)
    deepest = max((len(stack) for stack in stacks), default=0)
    boxes = "\n".join(_boxes(sorted(stacks.items()), sum(stacks.values()) or 1, 0, 0.0))
    path = results(f"{name}.svg")
    path.write_text(
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {deepest * ROW}" '
        f'font-family="monospace" font-size="11">\n{boxes}\n</svg>\n'
    )
    return path


def _boxes(stacks: Sequence[tuple[Stack, int]], whole: int, depth: int, left: float) -> Iterable[str]:
    """The boxes of one row and of those below it. `stacks` are in order, so that equal frames are together."""
    at = 0
    while at < len(stacks):
        if len(stacks[at][0]) <= depth:
            left += stacks[at][1] / whole
            at += 1
            continue
        end, frame = at, stacks[at][0][depth]
        while end < len(stacks) and len(stacks[end][0]) > depth and stacks[end][0][depth] == frame:
            end += 1
        share = sum(count for _, count in stacks[at:end]) / whole
        if share >= LEAST:
            yield _box(frame, share, depth, left)
            yield from _boxes(stacks[at:end], whole, depth + 1, left)
        left += share
        at = end


def _box(frame: str, share: float, depth: int, left: float) -> str:
    x, y, width = left * WIDTH, depth * ROW, share * WIDTH
    shown = escape(frame[: max(0, int(width / 7) - 1)])
    hue = sum(map(ord, frame)) % 45
    return (
        f'<g><title>{escape(frame)}: {share:.1%}</title><rect x="{x:.1f}" y="{y}" width="{width:.1f}" '
        f'height="{ROW - 1}" fill="hsl({hue},80%,65%)"/><text x="{x + 3:.1f}" y="{y + 13}">{shown}</text></g>'
    )
