"""Where a run over stored media keeps what it found and how far it came: two files, safe at any crash.

The report only grows, and is flushed before the progress that counts its bytes replaces the one before. Whoever goes on
cuts off what came behind: it will be found again.
"""

from __future__ import annotations

import csv
import fcntl
import hashlib
import io
import json
import os
import re
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final, Self

from relay.domain.errors import Conflict
from relay.domain.storescan import COLUMNS, Progress

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from types import TracebackType

    from relay.domain.storescan import Noted

_PRIVATE: Final = 0o600
"""Reports say which files are on a list."""


class Journal:
    """Port `ScanJournal` in a folder, for one place. Use it as a context manager, which raises `Conflict`, OSError.

    `place_of` tells where a file is in full.
    """

    def __init__(self, folder: Path, place: str, place_of: Callable[[str], str]) -> None:
        self._folder, self._place, self._place_of = folder, place, place_of
        mark = hashlib.sha256(os.fsencode(place)).hexdigest()[:12]
        self._name = f"{re.sub('[^a-z0-9]+', '-', place.lower()).strip('-')[-40:]}-{mark}"
        self._state = folder / f"{self._name}.json"
        self.report = Path()
        """Where the report is, once begun."""

    def __enter__(self) -> Self:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._lock = (self._folder / f"{self._name}.lock").open("ab")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._lock.close()
            raise Conflict(f"another scan of {self._place} is running", code="already-running") from None
        self._sink: IO[bytes] | None = None
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._sink is not None:
            self._sink.close()
        self._lock.close()

    def unfinished(self) -> tuple[Progress, Path] | None:
        """Return how far an interrupted run over this place came, and where its report is; None if there is none."""
        try:
            found = json.loads(self._state.read_bytes())
        except FileNotFoundError:
            return None
        progress = Progress.of(found["progress"])
        return None if progress.finished or progress.cursor is None else (progress, Path(found["report"]))

    def begin(self, progress: Progress, report: Path | None) -> None:
        """Begin a report, or go on with one where `progress` is; without a name it is made up. Raises OSError."""
        stamp = datetime.fromtimestamp(progress.begun_at, UTC).strftime("%Y%m%dT%H%M%SZ")
        self.report = (report or self._folder / f"{self._name}-{stamp}.csv").absolute()
        descriptor = os.open(self.report, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, _PRIVATE)
        self._sink = os.fdopen(descriptor, "r+b")
        if self._sink.seek(0, os.SEEK_END) < progress.report:
            message = f"{self.report} is shorter than it was: --restart begins anew"
            raise Conflict(message, code="report-changed")
        self._sink.truncate(progress.report)
        self._sink.seek(progress.report)
        if not progress.report and not self._is_lines:
            self._write([dict(zip(COLUMNS, COLUMNS, strict=True))])
        self.keep((), progress)

    def keep(self, noted: Sequence[Noted], progress: Progress) -> None:
        """Write what was found, then how far it came; see the port."""
        if self._sink is None:
            raise RuntimeError("the journal was not begun")
        self._write([row for one in noted for row in one.rows(self._place_of(one.file.name))])
        self._sink.flush()
        os.fsync(self._sink.fileno())
        progress.report = self._sink.tell()
        state = {"place": self._place, "report": str(self.report), "progress": progress.as_json()}
        with _replacing(self._state) as sink:
            sink.write(json.dumps(state, indent=1).encode())  # ASCII: any name of a file can be written

    @property
    def _is_lines(self) -> bool:
        return self.report.suffix in {".jsonl", ".ndjson"}

    def _write(self, rows: Sequence[dict[str, Any]]) -> None:
        if self._sink is None or not rows:
            return
        if self._is_lines:
            text = "".join(f"{json.dumps(row)}\n" for row in rows)
        else:
            made = io.StringIO()
            csv.DictWriter(made, COLUMNS, lineterminator="\n").writerows(rows)
            text = made.getvalue()
        self._sink.write(text.encode("utf-8", "surrogateescape"))


@contextmanager
def _replacing(path: Path) -> Iterator[IO[bytes]]:
    """Write a file as a whole or not at all, also over a power cut."""
    partial = path.with_suffix(".partial")
    with os.fdopen(
        os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, _PRIVATE), "wb"
    ) as sink:
        yield sink
        sink.flush()
        os.fsync(sink.fileno())
    partial.replace(path)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
