"""Builds a snapshot in a process of its own: sorting millions of hashes must not hold up the relay.

The parent sends packs over a pipe; the list's own file is read here. A lock lets one process build a list at a time,
and whoever waited for it finds the snapshot there. The answer is one JSON document.
"""

from __future__ import annotations

import fcntl
import json
import sys
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final

from relay.adapters.scanners import ownprocess, snapshot
from relay.adapters.scanners.columns import Texts, columns
from relay.adapters.scanners.hashindex import built, packed
from relay.adapters.scanners.listfile import LineError, ListReader
from relay.adapters.scanners.listrows import Reading
from relay.domain.errors import Malformed, RelayError
from relay.domain.hashlist import HashAlgorithm, ListChange

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Sequence

_BAD_LINES: Final = 20
"""Bad lines of a list's own file that are named."""


async def build(
    path: Path,
    made_of: Sequence[str],
    packs: AsyncIterator[bytes],
    *,
    own: Path | None = None,
    reading: Reading | None = None,
) -> None:
    """Write a snapshot of `own`, if there is one, and the packs after it.

    Raises `Malformed` for bad lines of `own`, `RelayError` when it could not be built for another reason.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    reading = reading or Reading()
    asked = json.dumps([str(path), [*made_of], own and str(own), reading.category, sorted(reading.allowed)])
    answer, status = await ownprocess.run(__name__, asked, packs)
    _judge(answer, status, own)


def _judge(answer: bytes, status: int | None, own: Path | None) -> None:
    if status != 0:
        message = f"the index of a hash list could not be built: its process ended with status {status}"
        raise RelayError(message, code="list-build")
    found = json.loads(answer)
    if found["bad_lines"]:
        raise bad_lines(own, [LineError(*line) for line in found["bad_lines"]], found["bad"])


def bad_lines(file: Path | None, errors: Sequence[LineError], count: int) -> Malformed:
    """What to raise for a file with `count` lines that are no entries, `errors` the first of them."""
    shown = "\n".join(f"  line {one.line}: {one.message}" for one in errors[:_BAD_LINES])
    more = f"\n  and {count - _BAD_LINES} more" if count > _BAD_LINES else ""
    return Malformed(f"{file} has lines that are no entries:\n{shown}{more}", code="bad-list")


# ---------------------------------------------------------------- in the process


def main(asked: str, pipe: IO[bytes]) -> dict[str, Any]:
    """Build what was asked for; return the size of the snapshot, and the bad lines of the list's own file."""
    name, made_of, own, category, allowed = json.loads(asked)
    path, errors = Path(name), list[LineError]()
    with path.with_name(f"{path.name.split('-')[0]}.lock").open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        there = snapshot.read(path)
        if there is not None:
            return {"size": there.size, "bad": 0, "bad_lines": []}
        texts = Texts(categories=True)
        reading = Reading(category, None, frozenset(map(HashAlgorithm, allowed)))
        found = columns(_packs(pipe, Path(own) if own else None, reading, errors), texts)
        if errors:
            told = [(error.line, error.message) for error in errors[:_BAD_LINES]]
            return {"size": 0, "bad": len(errors), "bad_lines": told}
        size = snapshot.write(path, made_of, built(found), lambda: texts.categories)
        return {"size": size, "bad": 0, "bad_lines": []}


def _packs(pipe: IO[bytes], own: Path | None, reading: Reading, errors: list[LineError]) -> Iterator[bytes]:
    if own is not None:
        with own.open("rb") as file:
            yield from packed(_changes(ListReader(file, reading), errors))
    yield from ownprocess.received(pipe)


def _changes(reader: ListReader, errors: list[LineError]) -> Iterator[ListChange]:
    for found in reader:
        if isinstance(found, ListChange):
            yield found
        elif isinstance(found, LineError):
            errors.append(found)


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main(sys.argv[1], sys.stdin.buffer)))
