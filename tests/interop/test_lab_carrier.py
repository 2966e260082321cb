"""The lab's test of a relay as people run it: `assay lab test carrier`, against our relay and against ActivityRelay.

With ASSAY_LAB_REPORTS in the environment they are run in hostile mode and the reports written into that folder as
well: docs/lab holds those of the last release.
"""

from __future__ import annotations

import os
import sys
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from relay.domain.lab.grading import assess
from relay.domain.lab.model import Grade, Outcome
from relay.protocol.lab.rendering import render
from relay.protocol.lab.report import load
from tests.interop.processes import LOCAL, OURS, behind_tls, our_relay, run
from tests.interop.test_activityrelay import activityrelay

if TYPE_CHECKING:
    from relay.adapters.system import SystemClock
    from relay.domain.lab.model import Run

SERVERS: Final = ("origin.test", "one.test", "two.test")
PORT: Final = 8300
REPORTS: Final = "ASSAY_LAB_REPORTS"
SCANNERS: Final = """\
scanners:
  - {name: canary, kind: list, builtin: canary}
  - {name: local, kind: list, file: list.csv, category: demo, purpose: One made-up entry, country: any}
"""
LISTED: Final = f"algorithm,value,category,source,note\nsha256,{'0' * 64},demo,tests,made up\n"

pytestmark = pytest.mark.timeout(240)


async def carrier(folder: Path, name: str, relay: str) -> Run:
    """Test a relay from outside; return the report."""
    out = folder / f"carrier-{name}.json"
    words = ["lab", "test", "carrier", relay]
    words += ["--hostile"] if REPORTS in os.environ else []
    words += ["--allow-private", "127.0.0.0/8"]
    words += ["--listen", f"{LOCAL}:{PORT}", "--timeout", "30"]
    words += [word for server in SERVERS for word in ("--url", f"https://{server}")]
    async with AsyncExitStack() as stack:
        for server in SERVERS:
            await stack.enter_async_context(behind_tls(server, PORT))
        command = [sys.executable, "-m", "relay", *words, "--format", "json", "--out", out]
        await run(folder / "lab.log", *command, environment=OURS, statuses=(0, 1), within=200)
    found = load(out.read_bytes())
    if REPORTS in os.environ:
        shown = " \\\n  ".join(["assay " + " ".join(words[:5]), *_pairs(words[5:])])
        text = f"{render(found, 'markdown')}\nMade with:\n\n```sh\n{shown}\n```\n"
        (Path(os.environ[REPORTS]) / f"carrier-{name}.md").write_text(text)
    return found


def _pairs(words: list[str]) -> list[str]:
    return [" ".join(words[at : at + 2]) for at in range(0, len(words), 2)]


async def test_our_relay_is_a_carrier(tmp_path: Path, clock: SystemClock) -> None:
    async with our_relay(tmp_path / "ours", clock, more=SCANNERS, files={"list.csv": LISTED}):
        found = await carrier(tmp_path, "assay", "https://relay.test")
    assert [one for one in found.results if one.outcome is not Outcome.PASSED] == []
    assert (assess(found).grade, assess(found).conforms) == (Grade.A, True)


async def test_activityrelay_gets_a_fair_report(tmp_path: Path, clock: SystemClock) -> None:
    async with activityrelay(tmp_path / "theirs", clock):
        found = await carrier(tmp_path, "activityrelay", "https://peer.test")
    outcomes = {one.code[4:] for one in found.results if one.outcome is Outcome.FAILED}
    passed = {one.code[4:] for one in found.results if one.outcome is Outcome.PASSED}
    assert {"200", "201", "202", "204", "205", "207", "214", "230", "235", "236"} <= passed
    assert {"203", "211", "215", "234"} <= outcomes
    assert not assess(found).conforms
