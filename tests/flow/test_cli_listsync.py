"""Lists that others keep, from a configuration to a match: by hand, by the relay itself, and what status tells."""

from __future__ import annotations

import asyncio
import re
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image

from relay.adapters.media.canary import encoded
from relay.adapters.system import SystemClock
from relay.domain.media import MatchKind, ScanOutcome
from relay.domain.screening import digests_of
from tests.fakes import START
from tests.flow.conftest import BASE
from tests.flow.operators import at_a_prompt, documented, keys_of, with_a_relay
from tests.services import always, running
from tests.services.keepers import (
    ZONE,
    FakeCloudflare,
    FakeNcmec,
    FakeStopNcii,
    FakeThreatExchange,
    Shared,
    record,
    signal,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from aiohttp import web

    from tests.flow.conftest import Worlds
    from tests.flow.operators import Operator

PICTURE = encoded(Image.effect_mandelbrot((320, 240), (-2, -1.2, 1, 1.2), 60).convert("RGB"), "PNG")
DIGESTS = digests_of(PICTURE)
PURPOSE = 'purpose: "Why we use it", country: any'


def config(ncmec: str, stopncii: str, exchange: str, tool: str) -> str:
    return f"""\
scanners:
  - {{name: ncmec, kind: ncmec-hashes, url: '{ncmec}', user: me, password: env:NCMEC, {PURPOSE}}}
  - {{name: adults, kind: stopncii, url: '{stopncii}', key: subscription, function_key: function, {PURPOSE}}}
  - {{name: group, kind: threatexchange, url: '{exchange}', key: 1|token, privacy_group: 7, category: known, {PURPOSE}}}
  - {{name: canary, kind: list, builtin: canary}}
cloudflare: {{url: '{tool}', zone: {ZONE}, token: t}}
"""


class Keepers:
    """All fakes."""

    def __init__(self, now: float) -> None:
        at = now - 60
        self.ncmec = FakeNcmec(entries=[Shared("a", at, {"md5": DIGESTS.md5, "pdna": "x"})])
        self.adults = FakeStopNcii(records=[record("1" * 64, int(at))])
        self.group = FakeThreatExchange(updates=[signal("2" * 64, int(at), 1)])
        self.tool = FakeCloudflare()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[str]:
        """Run them; yield the configuration that leads there."""
        fakes = (self.ncmec, self.adults, self.group, self.tool)
        async with (
            running(fakes[0]) as a,
            running(fakes[1]) as b,
            running(fakes[2]) as c,
            running(fakes[3]) as d,
        ):
            yield config(a, b, c, d)


@pytest.fixture
def relay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Operator:
    found = with_a_relay(at_a_prompt(tmp_path, monkeypatch))
    monkeypatch.setenv("NCMEC", "secret")
    return found


def write(text: str) -> None:
    Path("config.yaml").write_text("relay: {url: https://relay.example}\n" + text)


async def at_the_prompt(operator: Operator, *words: str, status: int = 0) -> Any:
    return await asyncio.to_thread(operator.ask, *words, status=status)


async def test_by_hand(relay: Operator) -> None:
    keepers = Keepers(SystemClock().now())
    async with keepers.running() as text:
        write(text)
        seen = await at_the_prompt(relay, "lists", "sync", "ncmec", "--dry-run")
        assert keys_of(seen, "lists") == documented("lists", "sync")
        assert (seen["lists"][0]["added"], seen["lists"][0]["unused"]) == (1, {"pdna": 1})
        found = await at_the_prompt(relay, "lists", "status", "ncmec")
        assert found["lists"][0]["entries"] == {}
        assert found["syncs"][0]["fetching"] == 1
        told = (await asyncio.to_thread(relay.run, "lists", "sync", "ncmec", "--dry-run")).stdout
        assert "1 would be new" in told
        done = await at_the_prompt(relay, "lists", "sync")
        assert [(one["name"], one["added"], one["error"]) for one in done["lists"]] == [
            ("ncmec", 1, None),
            ("adults", 1, None),
            ("group", 1, None),
        ]
        found = await at_the_prompt(relay, "lists", "status")
        assert [one["entries"] for one in found["lists"]][:3] == [{"md5": 1}, {"pdq": 1}, {"pdq": 1}]
        assert [one["checkpoint"] is not None for one in found["syncs"]] == [True] * 3
        shown = (await asyncio.to_thread(relay.run, "lists", "status")).stdout
        assert re.search(r"ncmec +fetched (just now|.* ago); newest change \d+ minutes? ago", shown)
        shown = (await asyncio.to_thread(relay.run, "status")).stdout
        assert "Hashes adults" in shown
        assert "not looked at yet" in shown
        undone = await at_the_prompt(relay, "lists", "undo", str(done["lists"][0]["batch"]))
        assert (undone["also"], undone["waits"]) == ([], True)
        shown = (await asyncio.to_thread(relay.run, "lists", "status", "ncmec")).stdout
        assert "WAITS, as a batch was undone -> assay lists sync ncmec" in shown
        again = (await asyncio.to_thread(relay.run, "lists", "sync", "ncmec")).stdout
        assert "ncmec: 1 new, 0 changed, 0 gone; 1 entry fetched." in again
        assert "1 not used: pdna." in again
        await asyncio.to_thread(
            lambda: relay.fail("lists", "import", "ncmec", "config.yaml", status=1, code="fetched-list")
        )
        await asyncio.to_thread(lambda: relay.fail("lists", "sync", "ncmek", status=1, code="unknown-list"))


async def test_what_fails_is_told_and_the_others_are_fetched(relay: Operator) -> None:
    keepers = Keepers(SystemClock().now())
    keepers.ncmec.fault = always(401)
    async with keepers.running() as text:
        write(text)
        done = await at_the_prompt(relay, "lists", "sync", status=69)
        assert [one["error"] for one in done["lists"]] == ["status: ncmec answered 401", None, None]
        result = await asyncio.to_thread(relay.run, "lists", "sync", "ncmec", status=69)
        assert "What is in force stays." in result.stderr
        shown = (await asyncio.to_thread(relay.run, "lists", "status", "ncmec")).stdout
        assert "NOT FETCHED YET" in shown
        assert re.search(r"FAILED 2 times in a row, last .*: status: ncmec answered 401", shown)
        assert "secret" not in shown + result.stderr


async def test_without_such_a_list(relay: Operator) -> None:
    write("scanners:\n  - {name: canary, kind: list, builtin: canary}\n")
    await asyncio.to_thread(lambda: relay.fail("lists", "sync", status=1, code="no-list"))


def test_a_test_environment_is_called_one(relay: Operator) -> None:
    write(f"scanners:\n  - {{name: ncmec, kind: ncmec-hashes, user: me, password: p, {PURPOSE}}}\n")
    [found] = relay.ask("lists", "status")["syncs"]
    assert (found["test"], found["place"]) == (True, "https://exttest.cybertip.org/hashsharing")
    assert "TEST environment" in relay.run("status").stdout
    [listed] = relay.ask("lists", "list")["lists"]
    assert listed["category"] == "test"


async def test_the_relay_fetches_and_looks_by_itself(
    worlds: Worlds, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    operator = at_a_prompt(tmp_path, monkeypatch)
    keepers, looked = Keepers(START), asyncio.Event()
    keepers.tool.value |= {"enabled": False, "email_state": "pending"}

    def last(_request: web.Request) -> None:
        if all(fake.asked for fake in (keepers.ncmec, keepers.adults, keepers.group)):
            looked.set()

    async with keepers.running() as text:
        world = await worlds.open(BASE + text.replace("env:NCMEC", "secret"))
        inspector, fetching = world.relay.inspector, world.relay.services.fetching
        scanners = {one.name: one for one in inspector.scanners}
        assert not scanners["ncmec"].attests  # not fetched yet: it knows nothing
        first = await inspector.facts(PICTURE)
        assert first.result.outcome is ScanOutcome.NO_KNOWN_MATCH
        for name in ("ncmec", "adults", "group"):
            assert await fetching.sync.run_once(name) is not None
        [tool] = fetching.tools
        await tool.run_once()
        assert await world.relay.watch.run_once()
        scanners = {one.name: one for one in inspector.scanners}
        assert scanners["ncmec"].attests
        again = await inspector.facts(PICTURE)
        assert again.result.outcome is ScanOutcome.MATCH
        assert again.result.matches[0].kind is MatchKind.KNOWN
        assert again.result.matches[0].category == "csam"
        shown = (await asyncio.to_thread(operator.run, "status")).stdout
        assert "DOES NOT DO WHAT IT SHOULD" in shown
        assert "it is switched off for this zone" in shown
        assert "the mail address is not confirmed yet" in shown
        found = await at_the_prompt(operator, "status")
        assert [one["name"] for one in found["syncs"]] == ["ncmec", "adults", "group"]
        assert len(found["tools"]["cloudflare"]["problems"]) == 2
        keepers.tool.value |= {"enabled": True, "email_state": "valid"}
        for fake in (keepers.ncmec, keepers.adults, keepers.group):
            fake.asked.clear()
            fake.fault = last
        world.clock.forward(7 * 3600.0)
        async with asyncio.TaskGroup() as tasks:  # the worker of a relay that serves
            runner = tasks.create_task(fetching.run())
            await looked.wait()
            runner.cancel()
