"""Hash services in a whole relay: asked, remembered over a restart, attested only when allowed, shown in status."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from relay.adapters.media.canary import encoded
from relay.domain.media import Decoded, ScanOutcome
from relay.domain.screening import digests_of
from relay.services.asking import LOOK_AGAIN
from relay.services.hashservices import LOOK_EVERY
from relay.wiring.hashservices import COUNTED
from tests.flow.conftest import BASE
from tests.flow.operators import at_a_prompt
from tests.services import FakeArachnid, FakeHma, always, running

if TYPE_CHECKING:
    from pathlib import Path

    from tests.flow.conftest import Worlds

PICTURE = encoded(Image.effect_mandelbrot((320, 240), (-2, -1.2, 1, 1.2), 60).convert("RGB"), "PNG")
DIGEST = digests_of(PICTURE).sha256


def config(shield: str, ours: str = "", *, attest: bool = False) -> str:
    hma = f"  - {{name: ours, kind: hma, url: '{ours}'}}\n" if ours else ""
    return f"""\
{BASE}scanners:
  - {{name: shield, kind: arachnid, url: '{shield}', user: me, password: secret, attest: {str(attest).lower()}}}
  - {{name: canary, kind: list, builtin: canary}}
{hma}"""


async def test_a_picture_is_checked_again_when_the_services_list_grew(worlds: Worlds) -> None:
    fake, ours = FakeArachnid(), FakeHma()
    async with running(fake) as shield, running(ours) as hma:
        world = await worlds.open(config(shield, hma))
        inspector, services = world.relay.inspector, world.relay.services
        assert [one.name for one in inspector.scanners] == ["shield", "canary", "ours"]
        first = await inspector.facts(PICTURE)
        assert first.result.outcome is ScanOutcome.NO_KNOWN_MATCH
        asked = len(fake.asked)
        assert await inspector.facts(PICTURE) == first
        assert len(fake.asked) == asked
        assert isinstance(first.decoded, Decoded)
        fake.hashes[first.decoded.frames[0].pdq] = ("csam", "exact")
        fake.updated = "2026-12-01T00:00:00Z"
        world.clock.forward(LOOK_AGAIN)
        await services.look()
        assert await inspector.known(DIGEST) is None
        again = await inspector.facts(PICTURE)
        assert again.result.outcome is ScanOutcome.MATCH
        assert PICTURE not in fake.sent
        counts = world.relay.tally.counts
        assert counts[COUNTED, "shield: match"] == counts[COUNTED, "shield: no-known-match"] == 1


@pytest.mark.parametrize("attest", [False, True])
async def test_answers_are_attested_only_when_the_operator_may(worlds: Worlds, *, attest: bool) -> None:
    async with running(FakeArachnid()) as shield:
        world = await worlds.open(config(shield, attest=attest))
        await world.relay.inspector.facts(PICTURE)
        assert (await world.relay.attestor.token(DIGEST) is not None) is attest


async def test_a_restart_asks_nothing_again(worlds: Worlds) -> None:
    fake = FakeArachnid()
    async with running(fake) as shield:
        async with AsyncExitStack() as stack:
            world = await worlds.open(config(shield), stack=stack)
            await world.relay.inspector.facts(PICTURE)
            await world.relay.services.look()
        fake.asked.clear()
        world = await worlds.open(config(shield))
        assert await world.relay.inspector.known(DIGEST) is not None
        assert not fake.asked


async def test_the_operator_sees_how_a_service_is_doing(
    worlds: Worlds, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    operator, fake = at_a_prompt(tmp_path, monkeypatch), FakeArachnid()
    async with running(fake) as shield:
        world = await worlds.open(config(shield))
        found = await asyncio.to_thread(operator.ask, "status")
        assert found["services"]["shield"]["state"] == "waiting"
        await world.relay.inspector.facts(PICTURE)
        await world.relay.services.look()
        found = await asyncio.to_thread(operator.ask, "status")
        assert found["services"]["shield"]["state"] == "ok"
        assert found["services"]["shield"]["answers"] == {"no-known-match": 1}
        fake.fault = always(503)
        for number in range(3):
            world.clock.forward(LOOK_AGAIN + LOOK_EVERY)
            other = encoded(Image.effect_mandelbrot((320, 240), (-2, -1.2, 1 + number, 1.2), 60), "PNG")
            result = (await world.relay.inspector.facts(other)).result
            assert result.outcome is ScanOutcome.UNAVAILABLE
        await world.relay.services.look()
        found = await asyncio.to_thread(operator.ask, "status")
        assert found["services"]["shield"]["state"] == "failing"
        assert found["services"]["shield"]["error"] == "status-503"
        shown = (await asyncio.to_thread(operator.run, "status")).stdout
        assert "FAILS" in shown
        assert "secret" not in shown


async def test_lists_commands_are_about_lists(
    worlds: Worlds, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    operator = at_a_prompt(tmp_path, monkeypatch)
    async with running(FakeArachnid()) as shield:
        await worlds.open(config(shield))
        found = await asyncio.to_thread(operator.ask, "lists", "list")
    assert [one["name"] for one in found["lists"]] == ["canary"]
