"""`assay lists import`: reads files of any size, goes on where it was interrupted, shows beforehand what changes."""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections import Counter
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final, Self

import click

from relay.cli.output import note
from relay.cli.problems import Problem, Status
from relay.cli.progress import busy, progress
from relay.cli.session import operator
from relay.domain.hashlist import HashAlgorithm, pack

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

    from relay.adapters.scanners.library import ListSource
    from relay.domain.hashlist import Effects, ListChange
    from relay.services.lists import Loading
    from relay.wiring import Office

AT_ONCE: Final = 32_768
"""Entries that are made durable together, with the place in the file: at most so many are read again after a crash."""
SHOWN: Final = 100
"""Bad lines that are named; all are counted."""
_TAIL: Final = 1 << 16
"""Bytes before the place that are compared before an import goes on there."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """How to import: see the options of the command."""

    replace: bool = False
    dry_run: bool = False
    skip_bad_lines: bool = False
    algorithm: str | None = None


@dataclass(slots=True)
class Report:
    """What was found in a file so far; it is stored with every step, as JSON."""

    place: tuple[int, int, str] = (0, 0, "")
    rows: int = 0
    bad: int = 0
    bad_lines: list[tuple[int, str]] = field(default_factory=list)
    unused: dict[str, int] = field(default_factory=dict)
    stamp: str = ""

    @classmethod
    def of(cls, text: str) -> Report:
        """Read what `as_text` wrote."""
        found = json.loads(text)
        place, bad = tuple(found.pop("place")), [tuple(one) for one in found.pop("bad_lines")]
        return cls(**found, place=place, bad_lines=bad)

    def as_text(self) -> str:
        """Write it."""
        return json.dumps(asdict(self))


async def import_file(office: Office, source: ListSource, file: str, wishes: Wishes) -> dict[str, Any]:
    """Import a file, or count what it would change; return the answer. Raises `Problem` for bad lines."""
    label = "standard input" if file == "-" else Path(file).name
    with ExitStack() as stack:
        opened: IO[bytes] = stack.enter_context(click.open_file(file, "rb"))
        size = _size(opened)
        if wishes.dry_run:
            spool = stack.enter_context(_Spool(office.settings.relay.data))
            report, resumed = Report(), 0
            await _read(opened, source, wishes, report, spool.add, size)
            _judge(report, label, wishes)
            effects = await office.lists.effects(
                source.name, spool.packs, report.rows, replaces=wishes.replace
            )
            return _answer(source, label, report, effects, None, resumed, dry_run=True)
        loading, report = await _loading(office, source, label, opened, wishes)
        resumed = report.rows

        async def add(changes: Sequence[ListChange]) -> None:
            report.stamp = _stamp(opened, report.place[0])
            await loading.add(changes, report.as_text())

        await _read(opened, source, wishes, report, add, size)
        try:
            _judge(report, label, wishes)
        except Problem:
            await office.lists.drop(loading)
            raise
        if not report.rows:
            await office.lists.drop(loading)
            return _answer(source, label, report, None, None, resumed, dry_run=False)
    with busy("comparing"):
        effects = await office.lists.finish(loading, who=operator())
    with busy("indexing"):
        await office.library.built(source)
    return _answer(source, label, report, effects, loading.number, resumed, dry_run=False)


async def _loading(
    office: Office, source: ListSource, label: str, opened: IO[bytes], wishes: Wishes
) -> tuple[Loading, Report]:
    """Begin, or go on where an import of the same file was interrupted; the file stands there then."""
    found = await office.lists.load(source.name, label, who=operator(), replaces=wishes.replace)
    if found.progress is None:
        return found, Report()
    report = Report.of(found.progress)
    if opened.seekable() and report.stamp == _stamp(opened, report.place[0]):
        note(f"Going on where an import of {label} was interrupted, after {report.rows:,} entries.")
        opened.seek(report.place[0])
        return found, report
    note(f"An interrupted import of another {label} is given up.")
    await office.lists.drop(found)
    if opened.seekable():
        opened.seek(0)
    again = await office.lists.load(source.name, label, who=operator(), replaces=wishes.replace)
    return again, Report()


def _stamp(opened: IO[bytes], offset: int) -> str:
    """What tells a file from another of its name: its size, and the bytes before the place."""
    if not opened.seekable():
        return ""
    at, size = opened.tell(), _size(opened)
    opened.seek(max(0, offset - _TAIL))
    tail = hashlib.sha256(opened.read(min(offset, _TAIL))).hexdigest()
    opened.seek(at)
    return f"{size} {tail}"


def _size(opened: IO[bytes]) -> int | None:
    """Bytes of a file; None for a pipe."""
    if not opened.seekable():
        return None
    at = opened.tell()
    size = opened.seek(0, 2)
    opened.seek(at)
    return size


async def _read(
    opened: IO[bytes],
    source: ListSource,
    wishes: Wishes,
    report: Report,
    add: Callable[[Sequence[ListChange]], Awaitable[None]],
    size: int | None,
) -> None:
    from relay.adapters.scanners.listfile import LineError, ListReader, Place
    from relay.adapters.scanners.listrows import Unused
    from relay.domain.hashlist import ListChange

    algorithm = None if wishes.algorithm is None else HashAlgorithm(wishes.algorithm)
    reader = ListReader(opened, replace(source.reading, algorithm=algorithm), Place(*report.place))
    unused, changes = Counter(report.unused), list[ListChange]()

    async def step() -> None:
        report.rows += len(changes)
        report.unused = dict(unused)
        report.place = (reader.place.offset, reader.place.line, reader.place.sort)
        await add(changes)
        changes.clear()

    with progress("reading", size, in_bytes=True) as told:
        for found in reader:
            if isinstance(found, ListChange):
                changes.append(found)
            elif isinstance(found, LineError):
                report.bad += 1
                if report.bad <= SHOWN:
                    report.bad_lines.append((found.line, found.message))
            elif isinstance(found, Unused):
                unused[found.why] += 1
            if len(changes) == AT_ONCE:
                await step()
                told(reader.place.offset, size)
        if changes:
            await step()
    report.unused = dict(unused)


def _judge(report: Report, label: str, wishes: Wishes) -> None:
    """Name bad lines. Raises `Problem` unless they may be skipped."""
    if not report.bad:
        return
    named = [f"{label}:{line}: {message}" for line, message in report.bad_lines]
    if report.bad > len(named):
        named.append(f"and {report.bad - len(named):,} more")
    message = "\n".join(named)
    if wishes.skip_bad_lines or wishes.dry_run:
        note(message)
        return
    count = "1 line is no entry" if report.bad == 1 else f"{report.bad:,} lines are no entries"
    told = f"{message}\nError: {count}: nothing was imported. --skip-bad-lines imports the others."
    raise Problem(told, code="bad-list-lines", status=Status.NO, more={"bad_lines": _bad_lines(report)})


def _bad_lines(report: Report) -> list[dict[str, object]]:
    return [{"line": line, "message": message} for line, message in report.bad_lines]


def _answer(
    source: ListSource,
    label: str,
    report: Report,
    effects: Effects | None,
    batch: int | None,
    resumed: int,
    *,
    dry_run: bool,
) -> dict[str, Any]:
    counts = (
        asdict(effects)
        if effects
        else dict.fromkeys(("added", "changed", "removed", "unchanged", "repeats"), 0)
    )
    repeats = counts.pop("repeats")
    return {
        "name": source.name,
        "source": label,
        "batch": batch,
        "dry_run": dry_run,
        "read": report.rows - repeats,
        **counts,
        "duplicates": repeats,
        "unused": report.unused,
        "bad": report.bad,
        "bad_lines": _bad_lines(report),
        "resumed_after": resumed,
    }


class _Spool:
    """Packs on the disk for as long as a preview takes: a list need not fit into memory."""

    def __init__(self, folder: Path) -> None:
        self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - closed with the spool

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    async def add(self, changes: Sequence[ListChange]) -> None:
        """Write changes."""
        from relay.domain.hashlist import PACK

        for start in range(0, len(changes), PACK):
            content = pack(changes[start : start + PACK])
            self._file.write(len(content).to_bytes(4, "big") + content)

    async def packs(self) -> AsyncIterator[bytes]:
        """Everything that was written, from the beginning."""
        self._file.seek(0)
        while length := int.from_bytes(self._file.read(4), "big"):
            yield self._file.read(length)
