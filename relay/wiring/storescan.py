"""Looking through stored media: the store that is meant, the journal beside the relay's data, the scanners."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from relay.adapters.filestores.folder import FolderStore
from relay.adapters.filestores.journal import Journal
from relay.domain.errors import Malformed, NotFound, Refused
from relay.domain.storescan import Progress
from relay.services.storescan import ScanWishes, StoreScan

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from relay.domain.storescan import Noted
    from relay.ports.storescan import FileStore
    from relay.wiring.assembly import Relay

PER_DECODER: Final = 4
"""Files in work for each decoder: one that is decoded, the others are read, compared and written down meanwhile."""


@dataclass(frozen=True, slots=True)
class Place:
    """Which media to look through: a path, or `s3://bucket/prefix` with what is needed to reach it."""

    name: str
    endpoint: str | None = None
    region: str | None = None
    profile: str | None = None


@dataclass(frozen=True, slots=True)
class Run:
    """How to look; see the options of `assay scan`. `since` is in seconds since the epoch."""

    report: Path | None = None
    since: float | None = None
    limit: int | None = None
    rate: int | None = None
    everything: bool = False
    restart: bool = False


@contextmanager
def store_scan(
    relay: Relay, place: Place, run: Run, told: Callable[[Noted, FileStore], None]
) -> Iterator[tuple[StoreScan, Journal, bool]]:
    """Open it; the last value is whether it goes on where one was interrupted.

    Raises `NotFound`, `Malformed` for a wrong place, `Conflict` while another one runs, `StoreTrouble`, OSError.
    """
    settings = relay.office.settings
    with ExitStack() as stack:
        store, name = _store(stack, place, PER_DECODER * settings.media.decoders)
        folder = settings.relay.data / "scans"
        journal = stack.enter_context(Journal(folder, name, store.place_of))
        before = None if run.restart else journal.unfinished()
        if before is None:
            progress, report = Progress(relay.office.clock.now(), since=run.since), run.report
        else:
            progress, report = before
            if run.report is not None and run.report.absolute() != report:
                message = f"an interrupted scan of this place writes to {report}: name that, or --restart"
                raise Refused(message, code="other-report")
        journal.begin(progress, report)
        scan = StoreScan(
            store=store,
            inspector=relay.inspector,
            clock=relay.office.clock,
            journal=journal,
            progress=progress,
            wishes=ScanWishes(settings.media.max_size, run.limit, run.rate, everything=run.everything),
            told=lambda noted: told(noted, store),
        )
        yield scan, journal, before is not None


def _store(stack: ExitStack, place: Place, at_once: int) -> tuple[FileStore, str]:
    """Open the store, and return its name: the same for the same place, however it was written."""
    if not place.name.startswith("s3://"):
        path = Path(place.name)
        if not path.exists():
            raise NotFound(f"{place.name} does not exist", code="no-file")
        return stack.enter_context(FolderStore(path, at_once=at_once)), str(path.resolve())
    try:
        from relay.adapters.filestores.s3 import S3Store, read_place
    except ImportError as error:
        message = "S3 needs one more package: install assay-relay[s3], or botocore beside it"
        raise Refused(message, code="no-s3") from error
    try:
        bucket, prefix = read_place(place.name)
    except ValueError as error:
        raise Malformed(f"{place.name}: {error}", code="bad-place") from error
    store = S3Store(
        bucket,
        prefix,
        at_once=at_once,
        endpoint=place.endpoint,
        region=place.region,
        profile=place.profile,
    )
    return store, f"s3://{bucket}/{prefix} {place.endpoint or ''}".rstrip()
