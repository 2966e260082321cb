"""Looking through stored media: in order, side by side, going on where it was, with nothing lost or told twice."""

from __future__ import annotations

import asyncio
import csv
import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio

from relay.adapters.media.canary import canary_pictures, clean_picture
from relay.domain.errors import RelayError, StoreTrouble
from relay.wiring.storescan import Place, Run, store_scan
from tests.contract.buckets import bucket, credentials
from tests.flow.test_screen import LOCAL

if TYPE_CHECKING:
    from collections.abc import Mapping

    from relay.domain.storescan import Progress
    from tests.flow.conftest import World, Worlds

CANARY = canary_pictures()["canary.png"]
CONFIG = f"relay: {{url: https://relay.test, data: data}}\n{LOCAL}media: {{decoders: 2, max_size: 400 KiB}}\n"


@dataclass
class Shelf:
    """Stored media, and a relay that looks through them."""

    world: World
    root: Path
    told: list[str] = field(default_factory=list)

    def fill(self, name: str, content: bytes) -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return path

    async def scan(self, **options: Any) -> tuple[Progress, Path]:
        place = Place(str(options.pop("place", self.root)), options.pop("endpoint", None))
        moved = options.pop("moved", lambda _progress: None)
        counting = options.pop("counting", False)
        with store_scan(
            self.world.relay, place, Run(**options), lambda noted, _: self.told.append(noted.file.name)
        ) as (work, journal, _):
            await work.run(lambda: moved(work.progress), counting=counting)
            self.total = work.total
            return work.progress, journal.report


@pytest_asyncio.fixture(loop_scope="session")
async def shelf(worlds: Worlds) -> Shelf:
    """Six clean files, a canary, and what cannot be checked."""
    (worlds.folder / "local.csv").write_text("algorithm,value,category,source,note\n")
    found = Shelf(await worlds.open(CONFIG), worlds.folder / "media")
    for number in range(6):
        found.fill(f"{number % 2}/{number}.jpg", clean_picture(810 + number % 3))
    found.fill("1/canary.png", CANARY)
    found.fill("2/notes.txt", b"words")
    return found


def table(path: Path) -> list[Mapping[str, str]]:
    with path.open(newline="", encoding="utf-8", errors="surrogateescape") as file:
        return list(csv.DictReader(file))


def lengthen(path: Path, text: str) -> None:
    with path.open("a") as file:
        file.write(text)


async def test_the_same_bytes_are_decoded_once_and_what_is_known_never_again(shelf: Shelf) -> None:
    before = shelf.world.relay.decoder.stats
    progress, _ = await shelf.scan(counting=True)
    after = shelf.world.relay.decoder.stats
    assert (progress.looked_at, progress.clean, progress.matched) == (8, 6, 1), progress
    assert (after.decoded - before.decoded) == 4  # three pictures, and the canary
    assert shelf.total in {0, 8}  # what is counted beside may be overtaken
    assert (shelf.told, progress.unchecked) == (["1/canary.png"], {"unsupported": 1})
    shelf.world.clock.forward(10)
    again, _ = await shelf.scan()
    assert (again.looked_at, again.known) == (8, 8)
    assert shelf.world.relay.decoder.stats.decoded == after.decoded


async def test_a_limit_ends_a_run_and_the_next_one_goes_on(shelf: Shelf) -> None:
    first, report = await shelf.scan(limit=5, rate=1000)
    assert (first.finished, first.looked_at, first.cursor) == (False, 5, "1/3.jpg")
    with pytest.raises(RelayError, match="writes to"):
        await shelf.scan(report=shelf.root / "other.csv")
    whole, same = await shelf.scan()
    assert (whole.finished, whole.looked_at, whole.matched, same) == (True, 8, 1, report)
    assert shelf.told == ["1/canary.png"]
    assert len(table(report)) == 2
    anew, _ = await shelf.scan(limit=1)
    assert (anew.looked_at, anew.finished) == (1, False)
    restarted, _ = await shelf.scan(restart=True)
    assert restarted.looked_at == 8


async def test_older_files_are_left_out_also_when_it_goes_on(shelf: Shelf) -> None:
    for name in ("0/0.jpg", "1/canary.png"):
        os.utime(shelf.root / name, (1_000_000_000, 1_000_000_000))
    part, _ = await shelf.scan(since=1_500_000_000.0, limit=2)
    assert (part.looked_at, part.skipped) == (2, 1)
    progress, _ = await shelf.scan()
    assert (progress.looked_at, progress.skipped, progress.matched) == (6, 2, 0)


async def test_what_could_not_be_checked_can_be_written_down(shelf: Shelf) -> None:
    shelf.fill("2/large.png", clean_picture(820) + bytes(500_000))
    (shelf.root / "2/outside").symlink_to("/etc/hosts")
    report = shelf.root.parent / "found.jsonl"
    await shelf.scan(everything=True, report=report)
    rows = [json.loads(line) for line in report.read_text().splitlines()]
    assert [(row["path"].removeprefix(f"{shelf.root}/"), row["reason"]) for row in rows] == [
        ("1/canary.png", None),
        ("1/canary.png", None),
        ("2/large.png", "too-large"),
        ("2/notes.txt", "unsupported"),
        ("2/outside", "link"),
    ]


async def test_a_run_that_is_cancelled_keeps_what_it_did(shelf: Shelf) -> None:
    for number in range(30):
        shelf.fill(f"1/match{number:02}.png", CANARY + bytes(number))
    reached = asyncio.Event()

    def moved(progress: Progress) -> None:
        if progress.looked_at >= 12:
            reached.set()

    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(shelf.scan(moved=moved, rate=100))
        await reached.wait()
        running.cancel()
    told = list(shelf.told)
    progress, report = await shelf.scan()
    assert progress.looked_at == 38
    assert told == shelf.told[: len(told)]
    assert shelf.told == sorted(set(shelf.told))  # each once, and in order
    written = [row["path"] for row in table(report) if row["algorithm"] == "pdq"]
    assert [str(Path(path).relative_to(shelf.root)) for path in written] == shelf.told


async def test_what_came_behind_the_progress_of_a_crash_is_cut_off(shelf: Shelf) -> None:
    await shelf.scan(limit=5)
    [state] = (shelf.world.relay.office.settings.relay.data / "scans").glob("*.json")
    report = Path(json.loads(state.read_text())["report"])
    lengthen(report, "half a line that the crash left")
    _, same = await shelf.scan()
    assert same == report
    assert {Path(row["path"]).name for row in table(report)} == {"canary.png"}
    await shelf.scan(limit=5)
    report = Path(json.loads(state.read_text())["report"])
    report.write_text("")
    with pytest.raises(RelayError, match="shorter than it was"):
        await shelf.scan()


async def test_two_scans_of_one_place_do_not_run_at_once(shelf: Shelf) -> None:
    with store_scan(shelf.world.relay, Place(str(shelf.root)), Run(), lambda *_: None):
        with pytest.raises(RelayError, match="is running"):
            await shelf.scan()
        other, _ = await shelf.scan(place=shelf.root / "0")
    assert other.looked_at == 3


async def test_a_store_that_stops_answering_ends_the_run_and_loses_nothing(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    credentials(monkeypatch, shelf.root)
    with bucket() as server:
        for number in range(12):
            server.put(f"{number:02}.png", CANARY + bytes(number), ContentType="image/png")
        more = {"place": "s3://media", "endpoint": server.endpoint}

        def moved(_progress: Progress) -> None:
            server.line.breaks = 1_000

        with pytest.raises(StoreTrouble) as error:
            await shelf.scan(moved=moved, **more)
        assert error.value.temporary
        done = len(shelf.told)
        server.line.breaks = 0
        progress, _ = await shelf.scan(**more)
    assert 0 < done < progress.matched == 12
    assert shelf.told == [f"{number:02}.png" for number in range(12)]


async def test_what_is_no_place_is_refused(shelf: Shelf) -> None:
    for place, code in (("nowhere", "no-file"), ("s3://", "bad-place")):
        with pytest.raises(RelayError) as error:
            await shelf.scan(place=place)
        assert error.value.code == code


async def test_a_scanner_that_fails_leaves_a_file_unchecked(worlds: Worlds) -> None:
    service = "  - {name: bank, kind: hma, url: 'http://127.0.0.1:9', country: any, purpose: a test}\n"
    (worlds.folder / "local.csv").write_text("algorithm,value,category,source,note\n")
    shelf = Shelf(await worlds.open(CONFIG.replace("media:", f"{service}media:")), worlds.folder / "media")
    shelf.fill("a.jpg", clean_picture(830))
    shelf.fill("b.png", CANARY)
    progress, _ = await shelf.scan()
    assert (progress.clean, progress.matched) == (0, 1)
    assert sum(progress.unchecked.values()) == 1
