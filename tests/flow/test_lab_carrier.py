"""The lab's test of a relay, against our own: over TLS and real sockets, as `assay lab test carrier` runs it."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING

import pytest

from relay.adapters.keys import MAIN_KEY, write_private
from relay.adapters.system import SystemClock
from relay.cli.demo.certificates import make_authority
from relay.cli.demo.loopback import ADDRESS, LoopbackResolver, free_ports
from relay.cli.lab.stage import StageOptions
from relay.cli.lab.test import run_carrier
from relay.cli.serving import running
from relay.config.load import load
from relay.domain.lab.grading import assess
from relay.domain.lab.model import Grade, Outcome
from relay.domain.subscription import State
from relay.wiring import Outside
from tests.fakes import private_pem, rsa_key
from tests.flow.careless import Fault, careless
from tests.flow.operators import at_a_prompt

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from relay.adapters.canonical.pool import CanonicalProcesses
    from relay.adapters.media.sandbox import SandboxedDecoder
    from relay.domain.lab.model import Run
    from relay.wiring import Relay

NAME = "relay.test"
CONFIG = """\
relay: {{url: "https://{name}:{port}", listen: "{address}:{port}", data: data}}
admin: {{listen: "{address}:{admin}"}}
federation: {{subscriptions: open, private_addresses: [127.0.0.0/8]}}
attestation: {{withhold: 0%}}
scanners:
  - {{name: canary, kind: list, builtin: canary}}
  - {{name: local, kind: list, file: list.csv, category: demo, purpose: "One made-up entry", country: any}}
"""
LISTED = f"algorithm,value,category,source,note\nsha256,{'0' * 64},demo,tests,made up\n"
"""A relay attests what it checked against a list of its operator: the canary's does not count."""

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]


@dataclass(frozen=True)
class Near:
    """A relay of ours that runs beside the lab, and what the lab has to be told to reach it."""

    url: str
    options: StageOptions
    running: Relay


@asynccontextmanager
async def near(
    folder: Path,
    decoder: SandboxedDecoder,
    canonicalizer: CanonicalProcesses,
    *,
    hostile: bool = False,
    config: str = CONFIG,
    clock: SystemClock | None = None,
) -> AsyncIterator[Near]:
    """Run our relay, by a clock of its own if it is given one; leave the lab's own servers to the lab."""
    clock = clock or SystemClock()
    port, admin = free_ports(2)
    authority = make_authority(folder, [NAME, "localhost"], clock.now())
    resolver = LoopbackResolver([NAME, "localhost"])
    (folder / "data").mkdir()
    write_private(folder / "data" / MAIN_KEY, private_pem(rsa_key(7)))
    (folder / "config.yaml").write_text(config.format(name=NAME, port=port, admin=admin, address=ADDRESS))
    (folder / "list.csv").write_text(LISTED)
    configuration = load(folder / "config.yaml", {}, clock.now()).require()
    outside = Outside(
        clock,
        resolver=resolver,
        ca_file=authority.ca_file,
        decoder=decoder,
        canonicalizer=canonicalizer,
    )
    options = StageOptions(
        tls_cert=folder / "localhost.pem",
        ca=authority.ca_file,
        private=(*StageOptions().private, *configuration.settings.federation.private_addresses),
        hostile=hostile,
        seed="the same each time",
        quiet=0.7,
        resolver=resolver,
        canonicalizer=canonicalizer,
    )
    async with running(configuration, outside=outside, tls=authority.server_side(NAME)) as relay:
        yield Near(f"https://{NAME}:{port}", options, relay)


def told(run: Run) -> list[str]:
    """Everything that did not pass, for a failing test to show."""
    return [
        f"{one.code} {one.subject} {one.outcome}: {one.detail}"
        for one in run.results
        if one.outcome is not Outcome.PASSED
    ]


async def test_our_relay_is_a_carrier_also_in_hostile_mode(
    tmp_path: Path, decoder: SandboxedDecoder, canonicalizer: CanonicalProcesses
) -> None:
    async with near(tmp_path, decoder, canonicalizer, hostile=True) as relay:
        run = await run_carrier(relay.url, relay.options)
        async with relay.running.office.store.reading() as tx:
            assert [one.state for one in await tx.subscribers.all() if one.state is State.ACCEPTED] == []
    assert told(run) == []
    assert (assess(run).grade, assess(run).conforms) == (Grade.A, True)


HASTY = StageOptions(timeout=5.0, quiet=0.3)
"""For relays that answer at once or never."""


async def failed(
    canonicalizer: CanonicalProcesses, *faults: Fault, forwards: bool = True, hostile: bool = False
) -> tuple[set[str], Run]:
    """Test a relay with these faults; return what failed, and all."""
    options = replace(HASTY, canonicalizer=canonicalizer, hostile=hostile)
    async with careless(*faults, forwards=forwards) as url:
        run = await run_carrier(url, options)
    return {one.code[4:] for one in run.results if one.outcome is Outcome.FAILED}, run


async def test_a_relay_that_attests_nothing_fails_what_it_does_not_do(
    canonicalizer: CanonicalProcesses,
) -> None:
    found, run = await failed(canonicalizer)
    assert found == {"203", "215"}
    assert (assess(run).grade, assess(run).conforms) == (Grade.D, False)
    inapplicable = {one.code[4:] for one in run.results if one.outcome is Outcome.INAPPLICABLE}
    assert inapplicable == {"216", "217", "219", "220", "221", "222", "224", "226"}


async def test_a_relay_that_only_announces_is_not_blamed_for_that(canonicalizer: CanonicalProcesses) -> None:
    found, run = await failed(canonicalizer, forwards=False)
    assert found == {"203", "215"}
    inapplicable = {one.code[4:] for one in run.results if one.outcome is Outcome.INAPPLICABLE}
    assert {"211", "212", "232", "233"} < inapplicable


async def test_careless_vouching_is_found(canonicalizer: CanonicalProcesses) -> None:
    faults = (Fault.UNSEEN, Fault.UNCOVERED, Fault.MISNAMED, Fault.REWRITES, Fault.BARE)
    found, run = await failed(canonicalizer, *faults)
    vouching = {"217", "219", "220", "221", "222", "223", "225"}
    assert found == {"201", "202", "203", "206", "211"} | vouching
    assert assess(run).grade is Grade.E


async def test_bad_fields_and_changed_posts_are_found(canonicalizer: CanonicalProcesses) -> None:
    found, _ = await failed(canonicalizer, Fault.MALFORMED, Fault.UNSEEN, Fault.ADDS)
    assert {"211", "212", "213", "215", "216", "218"} <= found


async def test_a_relay_that_passes_everything_on_is_found(canonicalizer: CanonicalProcesses) -> None:
    found, run = await failed(canonicalizer, Fault.LEAKS, Fault.ECHOES, Fault.DEAF, hostile=True)
    assert {"230", "231", "234", "235", "236", "237", "238", "250", "253"} <= found
    assert assess(run).grade is Grade.F


async def test_a_relay_that_takes_no_follow_is_not_tested_further(canonicalizer: CanonicalProcesses) -> None:
    found, run = await failed(canonicalizer, Fault.MUTE)
    assert found == {"203", "204", "205"}
    assert {one.outcome for one in run.results if one.code in {"ATT-210", "ATT-220"}} == {Outcome.UNTESTED}
    assert not assess(run).conforms


def test_what_is_no_relay_is_said_to_be_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    operator = at_a_prompt(tmp_path, monkeypatch)
    with ThreadingHTTPServer((ADDRESS, 0), SimpleHTTPRequestHandler) as server:
        Thread(target=server.serve_forever).start()
        words = ("lab", "test", "carrier", f"http://{ADDRESS}:{server.server_port}")
        try:
            found = operator.ask(*words, status=1)
            said = operator.run(*words, "--out", "report.md", status=1)
        finally:
            server.shutdown()
    failed = [one["case"] for one in found["results"] if one["outcome"] == "failed"]
    assert (failed, found["grade"], found["conforms"]) == (["ATT-200"], "F", False)
    assert "Grade F, class Carrier not reached. The report is in report.md." in said.stdout
    assert "not tested: ATT-238" in said.stderr
    assert (tmp_path / "report.md").read_text().startswith("# Carrier: http://")


def test_nobody_there_is_no_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    [port] = free_ports(1)
    operator = at_a_prompt(tmp_path, monkeypatch)
    found = operator.fail("lab", "test", "carrier", f"http://{ADDRESS}:{port}", status=69, code="unreachable")
    assert str(port) in found["detail"]
