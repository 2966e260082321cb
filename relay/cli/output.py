"""What commands print: one JSON document, or text for people that stays readable in pipes and at 80 columns.

Everything that others wrote is printed without its control characters: it must not drive the operator's terminal.
On a terminal long cells wrap and nothing is cut; elsewhere each row is one line without colours.
"""

from __future__ import annotations

import json
import re
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, Literal

import click

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from rich.table import Table

_UNPRINTED: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)
_UNBROKEN: Final = 10_000
"""Columns of a pipe: none of its lines is wrapped."""
_UNITS: Final = (("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1))


def as_document(document: object) -> None:
    """Print one JSON document; ASCII only, so that any terminal and any reader takes it."""
    click.echo(json.dumps(document, indent=2))


def say(text: str = "", *, bold: bool = False) -> None:
    """Print a line, however long, without wrapping it: what it holds can be copied."""
    click.echo(click.style(clean(text), bold=True) if bold else clean(text))


def note(text: str) -> None:
    """Print a line on standard error, beside the answer."""
    click.echo(clean(text), err=True)


def pairs(rows: Mapping[str, object], *, indent: str = "") -> None:
    """Print labels and values under each other; a value of several lines stays in its column."""
    width = max((len(label) for label in rows), default=0)
    for label, value in rows.items():
        first, *rest = clean(str(value)).split("\n")
        say(f"{indent}{label.ljust(width)}  {first}".rstrip())
        for line in rest:
            say(f"{indent}{' ' * width}  {line}")


def table(
    columns: Sequence[str],
    rows: Iterable[Sequence[object]],
    *,
    right: Iterable[str] = (),
    folds: Iterable[str] = (),
) -> None:
    """Print a table. `right`: columns of numbers. `folds`: columns that may take several lines; no other does."""
    from rich.table import Table
    from rich.text import Text

    numbers, folding = set(right), set(folds)
    drawn = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for column in columns:
        justify: Literal["left", "right"] = "right" if column in numbers else "left"
        drawn.add_column(column, justify=justify, overflow="fold", no_wrap=column not in folding)
    for row in rows:
        drawn.add_row(*(Text(clean(str(cell))) for cell in row))
    _draw(drawn)


def width() -> int:
    """Return how many columns there are to print on; very many in a pipe."""
    from rich.console import Console

    return Console().width if sys.stdout.isatty() else _UNBROKEN


def clean(text: str) -> str:
    r"""Return the text with control and direction characters written out, such as `\x1b`, and what is no text at all.

    A byte of a file's name that is no UTF-8 is a surrogate, U+DC00 and the byte (PEP 383).
    """
    return _UNPRINTED.sub(_spelled, text)


def _spelled(found: re.Match[str]) -> str:
    code = ord(found[0])
    return f"\\x{code - 0xDC00 if 0xDC80 <= code <= 0xDCFF else code:02x}"


def stamp(at: float | None) -> str | None:
    """Return a time for programs: RFC 3339, UTC, whole seconds."""
    return None if at is None else datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def when(stamped: str | None, now: float) -> str:
    """Return a time that `stamp` wrote for people, like `moment`; `never` for None."""
    return "never" if stamped is None else moment(datetime.fromisoformat(stamped).timestamp(), now)


def moment(at: float, now: float) -> str:
    """Return a time for people, with how far it is from `now`."""
    shown = datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M UTC")
    return f"{shown} ({ago(at, now)})"


def ago(at: float, now: float) -> str:
    """Return how far a time is from `now`: `3 hours ago`, `in 2 days`, `just now`."""
    if abs(now - at) < 1:
        return "just now"
    return f"{span(now - at)} ago" if now > at else f"in {span(at - now)}"


def span(seconds: float) -> str:
    """Return a length of time in its largest unit: `3 hours`."""
    for name, size in _UNITS:
        if abs(seconds) >= size or size == 1:
            return counted(int(abs(seconds) / size), name)
    raise AssertionError  # seconds take whatever is left


def counted(count: int, thing: str, things: str = "") -> str:
    """Return a number of things: `1 post`, `1,200 posts`; `things` where it is not an `s` that is added."""
    return f"{count:,} {thing}" if count == 1 else f"{count:,} {things or thing + 's'}"


def size(count: int) -> str:
    """Return a number of bytes for people."""
    if count < 1024:
        return f"{count} bytes"
    if count < 1024 * 1024:
        return f"{count / 1024:.1f} KiB"
    return f"{count / 1024 / 1024:.1f} MiB"


def _draw(drawn: Table) -> None:
    from rich.console import Console

    terminal = sys.stdout.isatty()
    console = Console(width=width(), no_color=not terminal, force_terminal=terminal, highlight=False)
    with console.capture() as captured:
        console.print(drawn)
    for line in captured.get().splitlines():
        click.echo(line.rstrip())
