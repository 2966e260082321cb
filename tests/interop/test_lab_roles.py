"""The lab's tests of issuers and verifiers as people run them: our relay, and both libraries.

With ASSAY_LAB_REPORTS in the environment the reports are written into that folder as well: docs/lab holds those of the
last release.
"""

from __future__ import annotations

import os
import sys
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from relay.domain.lab.grading import assess
from relay.domain.lab.model import Grade, Outcome
from relay.protocol.lab.rendering import render
from relay.protocol.lab.report import load
from tests.interop.processes import KEPT, LOCAL, OURS, behind_tls, our_relay, run
from tests.interop.test_lab_carrier import LISTED, REPORTS, SCANNERS
from tests.interop.world import BUNDLE

if TYPE_CHECKING:
    from relay.adapters.system import SystemClock
    from relay.domain.lab.model import Run

ROOT: Final = Path(__file__).resolve().parents[2]
SERVERS: Final = ("one.test", "two.test")
PORT: Final = 8400
REACH: Final = ["--allow-private", "127.0.0.0/8"]

pytestmark = pytest.mark.timeout(240)


async def report(folder: Path, name: str, words: list[str], shown: list[str], target: str) -> Run:
    """Run `assay lab test`; return the report. `shown` is how people would say it, `target` what they would see."""
    out = folder / f"{name}.json"
    command = [sys.executable, "-m", "relay", "lab", "test", *words, "--format", "json", "--out", out]
    async with AsyncExitStack() as stack:
        for server in SERVERS:
            await stack.enter_async_context(behind_tls(server, PORT))
        await run(folder / "lab.log", *command, environment=OURS, statuses=(0, 1), within=200)
    found = load(out.read_bytes())
    if REPORTS in os.environ:
        line = " \\\n  ".join(shown)
        text = f"{render(replace(found, target=target), 'markdown')}\nMade with:\n\n```sh\n{line}\n```\n"
        (Path(os.environ[REPORTS]) / f"{name}.md").write_text(text)
    return found


def stage() -> list[str]:
    """How the lab is told where its servers are."""
    urls = [word for server in SERVERS for word in ("--url", f"https://{server}")]
    return ["--listen", f"{LOCAL}:{PORT}", *urls, *REACH]


async def test_our_relay_is_an_issuer(tmp_path: Path, clock: SystemClock) -> None:
    settings = {"ASSAY_ATTESTATION__STATUS_LIST": "true"}
    async with our_relay(
        tmp_path / "ours", clock, more=SCANNERS, files={"list.csv": LISTED}, settings=settings
    ):
        rotate = f"{sys.executable} -m relay --config {tmp_path / 'ours/config.yaml'} keys rotate"
        actor = "https://relay.test/actor"
        words = ["issuer", actor, *stage(), "--rotate-command", rotate]
        shown = [f"assay lab test issuer {actor}", *_pairs(stage()), '--rotate-command "assay keys rotate"']
        found = await report(tmp_path, "issuer-assay", words, shown, actor)
    assert [one for one in found.results if one.outcome not in {Outcome.PASSED, Outcome.INAPPLICABLE}] == []
    assert sum(one.outcome is Outcome.PASSED for one in found.results) > 24
    assert (assess(found).grade, assess(found).conforms) == (Grade.A, True)


@pytest.mark.parametrize(
    ("name", "command", "shown"),
    [
        ("mediaattest", f"{sys.executable} -m mediaattest answer", "python -m mediaattest answer"),
        (
            "mediaattest-js",
            f"{KEPT / 'python/bin/node'} {ROOT / 'fep/js/src/answer.js'}",
            "npx mediaattest-answer",
        ),
    ],
)
async def test_our_libraries_are_verifiers(tmp_path: Path, name: str, command: str, shown: str) -> None:
    line = [f'assay lab test verifier --command "{shown}"']
    words = ["verifier", "--command", command]
    found = await report(tmp_path, f"verifier-{name}", words, line, shown)
    assert [one for one in found.results if one.outcome is not Outcome.PASSED] == []
    assert (assess(found).grade, assess(found).conforms) == (Grade.A, True)


async def test_our_relay_is_a_verifier_that_fetches(tmp_path: Path) -> None:
    command = f"{sys.executable} -m relay lab answer --ca {BUNDLE} --allow-private 127.0.0.0/8"
    words = ["verifier", "--command", command, "--live", *stage()]
    shown = [
        'assay lab test verifier --live --command "assay lab answer --allow-private 127.0.0.0/8"',
        *_pairs(stage()),
    ]
    found = await report(tmp_path, "verifier-assay", words, shown, "assay lab answer")
    assert [one for one in found.results if one.outcome is not Outcome.PASSED] == []
    assert (assess(found).grade, assess(found).conforms) == (Grade.A, True)


def _pairs(words: list[str]) -> list[str]:
    return [" ".join(words[at : at + 2]) for at in range(0, len(words), 2)]
