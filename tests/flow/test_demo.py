"""`assay demo`: the story comes out as it must, the demo notices when it does not, and it cleans up."""

from __future__ import annotations

import asyncio
import io
import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from rich.console import Console

from relay.adapters.system import SystemClock
from relay.cli.demo import telling
from relay.cli.demo.command import ANSWER
from relay.cli.demo.lines import Lines, line
from relay.cli.demo.names import BLOG, CLUB, PHOTOS, RELAY, SERVERS
from relay.cli.demo.results import Report, Result, Totals, judge
from relay.cli.demo.scenario import ACTS, Act
from relay.cli.demo.screen import Screen
from relay.cli.demo.story import Story
from relay.cli.demo.world import demo_policy, open_world
from relay.config.default_policy import DEFAULT_POLICY
from tests.fakes import FakeClock

SECONDS = 50.0
ENOUGH = f"--seconds={SECONDS:g}"


class Watchers:
    """An audience of several stages."""

    def __init__(self, *stages: Any) -> None:
        self.stages = stages

    async def subscribed(self, server: Any) -> None:
        """Tell all."""
        for stage in self.stages:
            await stage.subscribed(server)

    async def begins(self, number: int, act: Act) -> None:
        """Tell all."""
        for stage in self.stages:
            await stage.begins(number, act)

    async def ends(self, result: Result, totals: Totals) -> None:
        """Tell all."""
        for stage in self.stages:
            await stage.ends(result, totals)


@dataclass(frozen=True)
class Seen:
    """One run: its report, what terminals of 80 and 120 columns showed, and the JSON document."""

    report: Report
    narrow: str
    wide: str
    document: dict[str, Any]


async def run_story() -> Seen:
    consoles = [Console(file=io.StringIO(), width=width, highlight=False) for width in (80, 120)]
    screens = [Screen(FakeClock(), keep=True, console=console) for console in consoles]
    with TemporaryDirectory() as folder:
        for screen in screens:
            screen.opening()
        async with open_world(Path(folder), SystemClock()) as world:
            for screen in screens:
                screen.opened(world)
            report = await Story(world, Watchers(*screens)).play(SECONDS)
            for screen in screens:
                screen.closing(report, world, 1.25)
            document = telling.document(report, world, 1.25)
    narrow, wide = (console.file.getvalue() for console in consoles)  # type: ignore[attr-defined]
    return Seen(report, narrow, wide, json.loads(json.dumps(document)))


@pytest.fixture(scope="module")
def seen() -> Seen:
    return asyncio.run(run_story())


def the(seen: Seen, what: str) -> Result:
    [found] = [result for result in seen.report.results if result.what == what]
    return found


# -------------------------------------------------------------------- what the relay does


def test_every_expectation_holds(seen: Seen) -> None:
    assert seen.report.faults == ()
    assert seen.report.held
    assert len(seen.report.results) == len(ACTS)


def test_a_text_is_relayed_to_everybody_else(seen: Seen) -> None:
    result = the(seen, "a text")
    assert (result.decision, result.received, result.scans) == ("relay", (BLOG, CLUB), 0)


def test_a_clean_picture_is_scanned_once_and_attested_for_every_receiver(seen: Seen) -> None:
    first, again = the(seen, "a clean picture"), the(seen, "the same picture again")
    assert (first.decision, first.scans) == ("relay-and-attest", 1)
    assert (again.decision, again.scans) == ("relay-and-attest", 0)
    assert first.verified == (PHOTOS, CLUB)
    assert again.verified == (PHOTOS, BLOG)
    assert first.voucher == again.voucher == RELAY


@pytest.mark.parametrize(
    ("what", "outcome", "reason"),
    [
        ("the canary, a test picture", "vendor-test-match", "test-match"),
        ("a smaller copy of a picture on the list", "match", "known-match"),
    ],
)
def test_a_match_is_held(seen: Seen, what: str, outcome: str, reason: str) -> None:
    result = the(seen, what)
    assert (result.decision, result.outcome, result.reason) == ("quarantine", outcome, reason)
    assert result.received == ()


def test_a_picture_attested_by_a_trusted_issuer_is_not_scanned(seen: Seen) -> None:
    result = the(seen, "a picture it attests itself")
    assert (result.decision, result.outcome, result.scans) == ("relay", "not-attempted", 0)
    assert (result.attestation, result.voucher) == ("valid", PHOTOS)
    assert result.verified == (BLOG, CLUB)


@pytest.mark.parametrize(
    ("what", "attestation", "voucher"),
    [
        ("a picture with a forged attestation", "bad-signature", RELAY),
        ("a picture with the attestation of another", "hash-mismatch", None),
    ],
)
def test_a_false_attestation_saves_no_scan_and_holds_no_post(
    seen: Seen, what: str, attestation: str, voucher: str | None
) -> None:
    result = the(seen, what)
    assert (result.decision, result.attestation, result.scans) == ("relay-and-attest", attestation, 1)
    assert result.voucher == voucher
    assert len(result.received) == 2


@pytest.mark.parametrize(
    ("what", "why"),
    [
        ("half a JPEG", "truncated"),
        ("a web page called .jpg", "unsupported"),
        ("a bomb: a small file, 1.6 gigapixels", "too-many-pixels"),
    ],
)
def test_a_broken_picture_is_dropped(seen: Seen, what: str, why: str) -> None:
    result = the(seen, what)
    assert (result.decision, result.outcome, result.received) == ("drop", "unscannable", ())
    assert why in result.saw


def test_a_video_is_marked(seen: Seen) -> None:
    result = the(seen, "a video that is broken")
    assert (result.decision, result.received, result.verified) == (
        "relay-marked",
        (BLOG,),
        (),
    )  # the others are strict


@pytest.mark.parametrize(
    ("what", "status", "decision", "why"),
    [
        ("a post for followers only", 202, "ignored", "not-public"),
        ("a post in the name of photos.test", 401, "refused", "bad-signature"),
        ("leaves the relay", 202, "left", "unfollowed"),
        ("a text, although it has left", 202, "ignored", "stranger"),
    ],
)
def test_what_is_not_relayed_at_all(seen: Seen, what: str, status: int, decision: str, why: str) -> None:
    result = the(seen, what)
    assert (result.status, result.decision, result.why) == (status, decision, why)
    assert result.received == ()


def test_who_has_left_receives_nothing(seen: Seen) -> None:
    assert the(seen, "another clean picture").received == (PHOTOS,)


def test_the_totals(seen: Seen) -> None:
    totals = seen.report.totals
    assert (totals.posts, totals.media, totals.scans, totals.attested) == (16, 12, 10, 4)
    assert (totals.deliveries, totals.verified) == (14, 9)
    assert (totals.held, totals.dropped, totals.refused) == (2, 3, 1)


def test_the_policy_is_the_built_in_one_and_a_rule() -> None:
    added = set(demo_policy().splitlines()) - set(DEFAULT_POLICY.splitlines())
    assert "  - name: Broken picture" in added
    assert set(DEFAULT_POLICY.splitlines()) <= set(demo_policy().splitlines())


# -------------------------------------------------------------------- how it is shown


def test_terminals_show_every_step_and_fit(seen: Seen) -> None:
    for text, width in ((seen.narrow, 80), (seen.wide, 120)):
        rows, _, around = text.partition("Look around")
        assert max(map(len, rows.splitlines())) <= width
        assert all(f"\n{number:2} " in rows for number in range(1, len(ACTS) + 1))
        assert {result.decision for result in seen.report.results} <= set(rows.split())
        assert "10 scans for 12 files, 4 attestations issued, verified 9 times by receivers" in rows
        assert "All 17 steps came out as they had to" in rows
        assert "holds list" in around
    assert "photos blog club" in seen.wide


def test_the_document_has_what_is_documented(seen: Seen) -> None:
    assert [name.removesuffix("[]") for name in ANSWER] == list(seen.document)
    assert set(ANSWER["steps[]"].split(", ")) == set(seen.document["steps"][0])
    assert set(ANSWER["totals"].split(", ")) == set(seen.document["totals"])
    assert set(ANSWER["servers[]"].split(", ")) == set(seen.document["servers"][0])
    assert seen.document["ok"] is True
    assert [one["dialect"] for one in seen.document["servers"]] == ["mastodon", "mastodon", "litepub"]
    assert all(one["accepted"] for one in seen.document["servers"])


# -------------------------------------------------------------------- it notices


def test_judging_names_every_difference() -> None:
    act = ACTS[1]
    good = Result(
        2,
        act.by,
        act.what,
        202,
        "relay-and-attest",
        "We scanned it",
        outcome="no-known-match",
        scans=1,
        received=(PHOTOS, CLUB),
        verified=(PHOTOS, CLUB),
        voucher=RELAY,
    )
    assert judge(act, good) == ()
    assert judge(act, replace(good, decision="drop")) == ("decision: drop in place of relay-and-attest",)
    assert judge(act, replace(good, scans=2)) == ("number of scans: 2 in place of 1",)
    assert judge(act, replace(good, received=(PHOTOS, BLOG, CLUB))) == (
        "blog.test received it, which it should not",
    )
    assert judge(act, replace(good, received=(CLUB,), verified=())) == (
        "photos.test did not receive it",
        "club.test could not verify the attestation",
    )
    assert judge(act, replace(good, voucher=PHOTOS)) == ("attested by photos.test in place of relay.test",)


async def test_a_relay_that_does_otherwise_is_noticed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with open_world(tmp_path, SystemClock()) as world:

        class Saboteur(Lines):
            async def begins(self, number: int, act: Act) -> None:
                if number == 2:
                    world.relay.blocks.patterns = (BLOG,)

        stage = Saboteur(keep=False)
        report = await Story(world, stage, (ACTS[0], ACTS[3])).play(SECONDS)
        stage.closing(report, world, 2.0)
    assert not report.held
    assert report.results[0].faults == ()
    assert "decision: refused in place of quarantine" in report.results[1].faults
    shown = capsys.readouterr().out
    assert "step 2, blog.test: decision: refused in place of quarantine" in shown
    assert "   wrong: decision: refused in place of quarantine" in shown
    assert "did not hold" in shown
    assert "What you saw" not in shown


async def test_a_story_without_time_says_what_is_missing(tmp_path: Path) -> None:
    async with open_world(tmp_path, SystemClock()) as world:
        report = await Story(world, Lines(keep=False)).play(0.0)
    assert f"{len(ACTS)} steps had not ended after 0 seconds" in report.faults


# -------------------------------------------------------------------- the command itself


def start(folder: Path, *options: str) -> subprocess.Popen[str]:
    """Start the real command with a temporary folder of its own, its output in a pipe."""
    command = [sys.executable, "-m", "relay", "demo", ENOUGH, *options]
    environ = os.environ | {"TMPDIR": str(folder), "PYTHONUNBUFFERED": "1"}
    return subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)  # noqa: S603


def test_the_command_shows_every_outcome_and_leaves_nothing_behind(tmp_path: Path) -> None:
    with start(tmp_path) as running:
        out, err = running.communicate()
    assert (running.returncode, err) == (0, ""), out
    assert "\x1b" not in out
    lines = out.splitlines()
    for number, act in enumerate(ACTS, start=1):
        [told] = [text for text in lines if text.startswith(f"{number:2} {act.by}: ")]
        assert act.what in told
        assert f"| {act.expected.decision}, " in told
        assert act.expected.why in told
    assert "10 scans for 12 files" in out
    assert "All 17 steps came out as they had to" in out
    assert all(f"{name} is https://{name}:" in out for name in (RELAY, *SERVERS))
    assert list(tmp_path.iterdir()) == []


def test_a_demo_that_is_kept_ends_with_a_signal_and_is_removed(tmp_path: Path) -> None:
    with start(tmp_path, "--keep", "--json") as running:
        assert running.stdout is not None
        text = ""
        while not text.endswith("\n}\n"):
            text += running.stdout.readline()
        document = json.loads(text)
        assert document["ok"] is True
        assert (Path(document["folder"]) / "config.yaml").is_file()
        running.send_signal(signal.SIGINT)
        assert running.wait() == 0
    assert list(tmp_path.iterdir()) == []


def test_a_demo_that_is_stopped_is_removed_too(tmp_path: Path) -> None:
    with start(tmp_path) as running:
        assert running.stdout is not None
        while "relay.test is " not in running.stdout.readline():
            pass
        running.send_signal(signal.SIGTERM)
        running.communicate()
    assert running.returncode == 130
    assert list(tmp_path.iterdir()) == []


def test_a_line_says_who_verified_when_not_all_did() -> None:
    result = Result(
        1, BLOG, "a picture", 202, "relay", "R", "r", received=SERVERS, verified=(CLUB,), voucher=RELAY
    )
    assert line(result).endswith("attestation of relay.test verified by club.test")
