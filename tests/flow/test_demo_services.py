"""`assay demo --services`: every service is asked as it must be, and what it says counts as documented."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from relay.cli.demo.command import ANSWER, OF_SERVICES
from relay.cli.demo.services import telling
from relay.cli.demo.services.clock import HastyClock
from relay.cli.demo.services.cloudflare import ZONE
from relay.cli.demo.services.scenario import STEPS
from relay.cli.demo.services.steps import Errand
from relay.cli.demo.services.story import Result, Story
from relay.cli.demo.services.table import KEEPERS, TABLE, TOOL, TOOLS, open_fakes
from relay.cli.demo.services.world import open_story
from relay.config.keepers import KEEPERS as KEEPER_KINDS
from relay.config.load import load
from relay.config.services import KINDS
from relay.domain.media import ScanOutcome

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]
LONG = "--seconds=150"


@dataclass(frozen=True)
class Seen:
    """One run: results, faults, the JSON document."""

    results: list[Result]
    faults: list[str]
    document: dict[str, Any]


async def run_story() -> Seen:
    with TemporaryDirectory() as folder:
        async with open_story(Path(folder), HastyClock()) as (world, story):
            for step in story.steps:
                await story.take(step)
            document = telling.document(story, await story.states(), world, 1.25)
    return Seen(story.results, story.faults, json.loads(json.dumps(document)))


@pytest.fixture(scope="module")
def seen() -> Seen:
    return asyncio.run(run_story())


def the(seen: Seen, what: str) -> Result:
    [found] = [result for result in seen.results if what in result.what]
    return found


def test_every_expectation_holds(seen: Seen) -> None:
    assert seen.faults == []
    assert len(seen.results) == len(STEPS)


def test_every_outcome_is_shown(seen: Seen) -> None:
    shown = {result.outcome for result in seen.results}
    assert shown == {
        ScanOutcome.NO_KNOWN_MATCH,
        ScanOutcome.MATCH,
        ScanOutcome.VENDOR_TEST_MATCH,
        ScanOutcome.UNAVAILABLE,
    }
    assert {one.row.kind for one in asyncio.run(fakes()).values()} == {*KINDS, *KEEPER_KINDS, TOOL}


async def fakes() -> Any:
    async with open_fakes() as found:
        return found


def test_only_hashes_or_pictures_leave_and_the_second_post_asks_nobody(seen: Seen) -> None:
    first = the(seen, "a clean picture")
    assert first.left[:2] == (
        "ours: 8 times a hash: 256 bits of PDQ",
        "shield: 8 hashes: 256 bits of PDQ each",
    )
    assert all("the file: " in told for told in first.left[2:])
    assert the(seen, "the same picture again").left == ()
    webp = dict(told.split(": ", 1) for told in the(seen, "WebP").left)
    assert "image/jpeg" in webp["cloud"]
    assert "image/webp" in webp["model"]


def test_lists_change_as_their_keepers_say_and_only_so(seen: Seen) -> None:
    listed, kept = the(seen, "two pages"), the(seen, "with status 200")
    assert (listed.told or "").startswith("3 new, 0 gone; asked twice for 2 pages")
    assert (kept.told, kept.matched) == ("nothing changes: bad-answer; asked once", listed.matched)
    assert the(seen, "takes the entry back").matched == ()
    assert (the(seen, "of another member").told or "").endswith("not used: 1 of other members")
    assert the(seen, "Retry-After: 7, then its list").matched == ("adults: ncii, ncii",)
    assert the(seen, "only previewed").outcome == ScanOutcome.MATCH
    assert [one["name"] for one in seen.document["lists"]] == [row.name for row in KEEPERS]
    assert the(seen, "switched the tool off").told == "it is switched off for this zone"
    assert seen.document["tools"]["cloudflare"]["problems"] == []


async def test_an_errand_that_comes_out_otherwise_is_noticed(tmp_path: Path) -> None:
    async with open_story(tmp_path, HastyClock()) as (world, story):
        steps = [step for step in STEPS if step.errand is not None][:1]
        other = Story(world, story.fakes, story._pictures, story._clock, steps)
        await other.take(replace(steps[0], errand=Errand("ncmec", "9 new"), matched="nothing"))
    assert other.results[0].faults == (
        "errand: 3 new, 0 gone; asked twice for 2 pages; not used: 1 pdna in place of 9 new",
        "matched: ncmec: known, csam in place of nothing",
    )


def test_a_failure_waits_and_is_never_relayed(seen: Seen) -> None:
    failed = [result for result in seen.results if result.outcome == ScanOutcome.UNAVAILABLE]
    assert len(failed) == 10
    assert {result.decision for result in failed} == {"defer"}


def test_the_document_has_what_is_documented(seen: Seen) -> None:
    both = ANSWER | OF_SERVICES
    assert set(seen.document) <= {name.removesuffix("[]") for name in both}
    assert set(OF_SERVICES["steps[]"].split(", ")) == set(seen.document["steps"][0])
    assert set(OF_SERVICES["services[]"].split(", ")) == set(seen.document["services"][0])
    assert {one["state"] for one in seen.document["services"]} == {"ok"}


def test_people_read_every_step_and_the_state_of_each_service(
    seen: Seen, capsys: pytest.CaptureFixture[str]
) -> None:
    for result in seen.results:
        telling.step(result)
    told = capsys.readouterr().out
    assert all(f" {result.what} | " in told for result in seen.results)
    assert "nobody was asked" in told
    telling.step(replace(seen.results[0], faults=("outcome: match in place of no-known-match",)))
    assert "wrong: outcome" in capsys.readouterr().out


async def test_what_comes_out_otherwise_is_noticed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with open_story(tmp_path, HastyClock()) as (world, story):
        other = Story(world, story.fakes, story._pictures, story._clock, STEPS[:3])
        await other.take(replace(STEPS[0], outcome="match", asked=(), times={"cloud": 7}))
        await other.take(STEPS[1])
        assert other.results[1].faults == ()
        assert other.results[0].faults == (
            "outcome: no-known-match in place of match",
            "asked: ('ours', 'shield', 'cloud', 'safer', 'model') in place of ()",
            "questions: {'cloud': 1} in place of {'cloud': 7}",
        )
        assert other.faults[-1] == "1 of 3 steps did not happen"
        telling.closing(other, await other.states(), 1.0)
        assert "What did not hold:" in capsys.readouterr().out


async def test_a_relay_of_ones_own_takes_the_rows_that_are_printed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with open_fakes() as running:
        telling.opening(running)
        telling.visits(running, tmp_path)
    printed = capsys.readouterr().out.splitlines()
    start = printed.index("scanners:")
    rows = "\n".join(printed[start : start + 1 + len((*KEEPERS, *TABLE, *TOOLS))])
    (tmp_path / "config.yaml").write_text(f"relay: {{url: 'https://relay.example'}}\n{rows}\n")
    configuration = load(tmp_path / "config.yaml", {}, 0.0).require()
    kinds = [one.kind for one in configuration.settings.scanners]
    assert kinds == [row.kind for row in (*KEEPERS, *TABLE)]
    assert configuration.settings.cloudflare.zone == ZONE


def start(folder: Path, *options: str) -> subprocess.Popen[str]:
    environ = {**os.environ, "TMPDIR": str(folder)}
    command = [sys.executable, "-m", "relay", *options, "demo", "--services", LONG, "--keep"]
    return subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)  # noqa: S603


def test_the_command_checks_itself_stays_if_told_and_leaves_nothing_behind(tmp_path: Path) -> None:
    running = start(tmp_path)
    assert running.stdout is not None
    told = []
    for line in running.stdout:
        told.append(line)
        if line.startswith("Ctrl-C"):
            break
    text = "".join(told)
    assert f"All {len(STEPS)} steps came out as they had to" in text
    assert re.search(r"Service shield +answers", text)
    assert re.search(r"Hashes ncmec +fetched .* ago", text)
    assert re.search(r"Tool cloudflare +looked at .*: on", text)
    assert "\ncloudflare: {url: 'http://127.0.0.1:" in text
    [folder] = tmp_path.glob("assay-demo-*")
    assert (folder / telling.CANARY_FILE).read_bytes().startswith(b"\xff\xd8")
    running.send_signal(signal.SIGINT)
    _, errors = running.communicate(timeout=60)
    assert (running.returncode, errors) == (0, "")
    assert list(tmp_path.iterdir()) == []
