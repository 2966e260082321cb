"""What the brake costs per post: the sketch of its text, and all detectors. Budget: 50 microseconds for a sketch.

    python -m bench.waves

Beside it stands what parsing the body of such a post takes with the standard library, in the same run. Only posts of
new accounts are sketched; a post of anybody else is counted and no more. Texts differ from each other, so that no
cache helps, and many others came before.
"""

from __future__ import annotations

import json
import random
import statistics
import time
from typing import TYPE_CHECKING, Any

from bench.world import save
from relay.domain.waves.sighting import Sighting
from relay.domain.waves.watch import Sensitivity, Watch
from relay.domain.waves.wording import sketch_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

POSTS, ROUNDS, BUDGET = 1_000, 3, 50e-6
_chance = random.Random(7)  # noqa: S311 - made-up texts
_WORDS = ["".join(_chance.choices("etaoinshrdlu", k=_chance.randint(2, 9))) for _ in range(3_000)]
_HAN = [chr(0x4E00 + number) for number in range(2_000)]
_KANA = [chr(0x3042 + number) for number in range(70)]
_LINKS = (
    '<span class="h-card"><a href="https://m.test/@bob" class="u-url mention">@<span>bob</span></a></span> '
    '<a href="https://x.test/a?b=c" rel="nofollow"><span class="invisible">https://</span><span>x.test/a</span></a>'
)


def english(words: int) -> dict[str, Any]:
    """A post as Mastodon writes it: a mention, a link, and so many words."""
    return {"content": f"<p>{_LINKS} {' '.join(_chance.choices(_WORDS, k=words))}</p>"}


def japanese(runs: int) -> dict[str, Any]:
    """A post in Japanese, its letters changing as they do there."""
    text = "".join(
        "".join(_chance.choices(_HAN, k=2)) + "".join(_chance.choices(_KANA, k=3)) for _ in range(runs)
    )
    return {"content": f"<p>{_LINKS} {text}</p>"}


def seconds_each(work: Callable[[Any], object], items: Sequence[Any]) -> float:
    """Processor seconds for each item: these machines are shared."""
    began = time.process_time()
    for item in items:
        work(item)
    return (time.process_time() - began) / len(items)


def sightings(documents: Sequence[dict[str, Any]], *, young: bool) -> list[Sighting]:
    return [
        Sighting(f"post {n}", f"account {n}", f"server {n % 500}", 1e9 + n, young, document=one)
        for n, one in enumerate(documents)
    ]


def measure(documents: Sequence[dict[str, Any]]) -> tuple[float, float, float]:
    """Seconds per post: the sketch alone, all of it for a new account, all of it for another."""
    watch = Watch(Sensitivity())
    sketch = seconds_each(sketch_of, documents)
    for seen in sightings([english(60) for _ in range(POSTS)], young=True):
        watch.see(seen)  # others came before
    return (
        sketch,
        seconds_each(watch.see, sightings(documents, young=True)),
        seconds_each(watch.see, sightings(documents, young=False)),
    )


def main() -> None:
    """Print the medians of several runs, and their ratio to parsing a body."""
    results: dict[str, object] = {}
    body = json.dumps({"to": ["x" * 60] * 10, "tag": [{"type": "Mention", "href": "y" * 40}] * 25}).encode()
    parsing = statistics.median(seconds_each(json.loads, [body] * POSTS) for _ in range(ROUNDS))
    print(f"parsing {len(body):,} bytes takes {parsing * 1e6:.1f} us")
    cases = (
        ("40 words", [english(40) for _ in range(POSTS)]),
        ("80 words", [english(80) for _ in range(POSTS)]),
        ("400 words", [english(400) for _ in range(POSTS)]),
        ("140 Japanese letters", [japanese(28) for _ in range(POSTS)]),
    )
    for name, documents in cases:
        rows = [measure(documents) for _ in range(ROUNDS)]
        sketch, new, other = (statistics.median(column) for column in zip(*rows, strict=True))
        print(
            f"{name}: sketch {sketch * 1e6:.1f} us ({sketch / BUDGET:.0%} of the budget, "
            f"{sketch / parsing:.1f} x parsing), new account {new * 1e6:.1f} us, any other {other * 1e6:.1f} us"
        )
        results[name] = {"sketch": sketch, "new": new, "other": other, "parsing": parsing}
    save("waves", results)


if __name__ == "__main__":
    main()
