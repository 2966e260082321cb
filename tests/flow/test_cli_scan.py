"""`assay scan`: stored media are looked through, reported and left as they are; a crash costs a second."""

from __future__ import annotations

import csv
import json
import os
import signal
import stat
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from relay.adapters.filestores.journal import Journal
from relay.adapters.media.canary import canary_pictures, clean_picture
from relay.domain.storescan import COLUMNS
from tests.contract.buckets import bucket, credentials
from tests.flow.operators import Operator, at_a_prompt, documented

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

CONFIG = """\
relay: {url: https://relay.example}
media: {decoders: 1, max_size: 400 KiB}
scanners:
  - {name: canary, kind: list, builtin: canary}
"""
CANARY = canary_pictures()["canary.png"]


@pytest.fixture
def operator(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Operator:
    """A relay that never ran, and media of another server: four clean files, a canary, and what cannot be checked."""
    found = at_a_prompt(tmp_path, monkeypatch)
    Path("config.yaml").write_text(CONFIG)
    Path("data").mkdir()
    fill("media/cache/1/a.jpg", clean_picture(800))
    fill("media/cache/1/b.jpg", clean_picture(801))
    fill("media/cache/2/=c.jpg", clean_picture(802))
    fill("media/files/canary.png", CANARY)
    fill("media/files/d.jpg", clean_picture(803))
    fill("media/files/large.png", clean_picture(804) + bytes(500_000))
    fill("media/files/notes.txt", b"words")
    Path("media/files/outside").symlink_to("/etc/hosts")
    return found


def fill(name: str, content: bytes) -> None:
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def scan(operator: Operator, *words: str, status: int) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Scan with `--json`; return the lines and the summary."""
    lines = operator.run("scan", *words, "--json", status=status).stdout.splitlines()
    *rows, summary = [json.loads(line) for line in lines]
    return rows, summary


def tree(place: str) -> dict[str, tuple[Any, ...]]:
    """Everything about everything below a folder."""
    found = {}
    for path in sorted(Path(place).rglob("*")):
        at = path.lstat()
        content = path.read_bytes() if stat.S_ISREG(at.st_mode) else b""
        found[str(path)] = (at.st_mode, at.st_size, at.st_mtime_ns, at.st_ino, content)
    return found


def table(path: str) -> list[Mapping[str, str]]:
    with Path(path).open(newline="") as file:
        return list(csv.DictReader(file))


def test_what_matches_is_reported_and_nothing_is_changed(operator: Operator) -> None:
    before = tree("media")
    rows, summary = scan(operator, "media", status=1)
    assert tree("media") == before
    assert {row["path"] for row in rows} == {str(Path("media/files/canary.png").absolute())}
    assert all(tuple(row) == COLUMNS for row in rows)
    assert {row["algorithm"]: (row["list"], row["distance"]) for row in rows} == {
        "pdq": ("canary", 0),
        "phash": ("canary", 0),
    }
    assert set(summary) | {"(a line for each match)"} == documented("scan")
    assert summary["unchecked"] == {"link": 1, "too-large": 1, "unsupported": 1}
    counts = ("complete", "looked_at", "clean", "matched", "known", "skipped")
    assert [summary[key] for key in counts] == [True, 8, 4, 1, 0, 0]
    report = Path(summary["report"])
    assert report.parent == operator.folder / "data/scans"
    assert stat.S_IMODE(report.stat().st_mode) == 0o600
    assert [row["path"] for row in table(str(report))] == [row["path"] for row in rows]


def test_people_are_told_in_words(operator: Operator) -> None:
    odd = os.fsdecode(b"\xff\x1b[2J.png")
    fill(f"media/files/{odd}", CANARY)
    text = operator.run("scan", "media/files", "--limit", "1", status=1).stdout
    assert "the same command goes on from here" in text
    result = operator.run("scan", "media/files", status=1)
    assert "Going on where a scan of this place was interrupted, after 1 files." in result.stderr
    assert "1 larger than media.max_size" in result.stdout
    assert "1 a link, not followed" in result.stdout
    assert "Nothing was changed or deleted" in result.stdout
    assert "\x1b" not in result.stdout  # names must not drive the terminal
    assert r"\xff\x1b[2J.png" in result.stdout


def test_what_cannot_be_begun_is_told(operator: Operator) -> None:
    operator.fail("scan", "nowhere", status=1, code="no-file")
    operator.run("scan", status=2)
    with Journal(operator.folder / "data/scans", str(Path("media").resolve()), str):
        operator.fail("scan", "media", status=69, code="already-running")


def begun(*words: str) -> subprocess.Popen[bytes]:
    """A scan in a process of its own, from the tree that is tested."""
    command = [sys.executable, "-m", "relay", "scan", *words]
    paths = os.pathsep.join([str(Path(__file__).parents[2]), str(Path(__file__).parents[2] / "fep")])
    return subprocess.Popen(  # noqa: S603 - ours
        command, env={**os.environ, "PYTHONPATH": paths}, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


def state() -> dict[str, Any]:
    [path] = Path("data/scans").glob("*.json")
    found: dict[str, Any] = json.loads(path.read_text())["progress"]
    return found


def test_kill_9_costs_at_most_a_second_and_no_match_is_lost_or_written_twice(operator: Operator) -> None:
    for number in range(24):
        fill(f"many/{number:03}.png", CANARY + bytes(number))
    running = begun("many", "--rate", "10")
    while not list(Path("data").glob("scans/*.json")) or not state()["looked_at"]:
        assert running.poll() is None, "it was done before it could be killed"
    running.send_signal(signal.SIGKILL)
    running.communicate()
    assert 0 < state()["looked_at"] < 24
    rows, summary = scan(operator, "many", status=1)
    assert (summary["resumed"], summary["looked_at"], summary["matched"]) == (True, 24, 24)
    assert len(rows) < 48
    written = [(row["path"], row["algorithm"]) for row in table(summary["report"])]
    assert len(written) == len(set(written)) == 48
    assert written == sorted(written, key=lambda one: one[0])


# -------------------------------------------------------------------- S3


@pytest.fixture
def endpoint(operator: Operator, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The same media in a bucket."""
    credentials(monkeypatch, operator.folder)
    with ExitStack() as stack:
        server = stack.enter_context(bucket())
        for path in Path("media").rglob("*"):
            if path.is_file() and not path.is_symlink():
                server.put(path.relative_to("media").as_posix(), path.read_bytes())
        yield server.endpoint


def test_a_bucket_is_looked_through_like_a_folder(operator: Operator, endpoint: str) -> None:
    rows, summary = scan(operator, "s3://media/files/", "--endpoint-url", endpoint, status=1)
    assert {row["path"] for row in rows} == {"s3://media/files/canary.png"}
    assert (summary["complete"], summary["looked_at"]) == (True, 4)
    assert summary["unchecked"] == {"too-large": 1, "unsupported": 1}
    problem = operator.run("scan", "s3://other", "--endpoint-url", endpoint, status=69)
    assert "the server answers NoSuchBucket" in problem.stderr
