"""The lab's test of a relay, against our own: over TLS and real sockets, as `assay lab test carrier` runs it."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

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
from relay.wiring import Outside
from tests.fakes import private_pem, rsa_key

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from relay.adapters.canonical.pool import CanonicalProcesses
    from relay.adapters.media.sandbox import SandboxedDecoder
    from relay.domain.lab.model import Run

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


@dataclass(frozen=True)
class Near:
    """A relay of ours that runs beside the lab, and what the lab has to be told to reach it."""

    url: str
    options: StageOptions


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
    async with running(configuration, outside=outside, tls=authority.server_side(NAME)):
        yield Near(f"https://{NAME}:{port}", options)


def told(run: Run) -> list[str]:
    """Everything that did not pass, for a failing test to show."""
    return [
        f"{one.code} {one.subject} {one.outcome}: {one.detail}"
        for one in run.results
        if one.outcome is not Outcome.PASSED
    ]


async def test_our_relay_is_a_carrier(
    tmp_path: Path, decoder: SandboxedDecoder, canonicalizer: CanonicalProcesses
) -> None:
    async with near(tmp_path, decoder, canonicalizer) as relay:
        run = await run_carrier(relay.url, relay.options)
    assert told(run) == []
    assert (assess(run).grade, assess(run).conforms) == (Grade.A, True)


async def test_our_relay_is_a_carrier_also_in_hostile_mode(
    tmp_path: Path, decoder: SandboxedDecoder, canonicalizer: CanonicalProcesses
) -> None:
    async with near(tmp_path, decoder, canonicalizer, hostile=True) as relay:
        run = await run_carrier(relay.url, relay.options)
    assert told(run) == []
    assert (assess(run).grade, assess(run).conforms) == (Grade.A, True)
