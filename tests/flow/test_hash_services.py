"""Hash services in a whole relay: asked, remembered over a restart, attested only when allowed, shown in status."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from mediaattest.jws import decode_part
from relay.adapters.media.canary import encoded
from relay.domain import strictjson
from relay.domain.media import Decoded, ScanOutcome
from relay.domain.screening import SPARED, digests_of
from relay.services.asking import LOOK_AGAIN
from relay.services.hashservices import LOOK_EVERY
from relay.wiring.hashservices import COUNTED
from tests.flow.conftest import BASE
from tests.flow.operators import at_a_prompt
from tests.services import FakeArachnid, FakeHma, FakePhotoDna, always, running

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


async def test_what_is_known_for_certain_is_nobody_elses_business(worlds: Worlds) -> None:
    shield, ours = FakeArachnid(), FakeHma()
    async with running(shield) as first, running(ours) as second:
        row = f"sha256,{DIGEST},csam,test,\n"
        (worlds.folder / "local.csv").write_text(f"algorithm,value,category,source,note\n{row}")
        local = (
            "  - {name: local, kind: list, file: local.csv, category: csam, purpose: a test, country: any}\n"
        )
        plain = config(first, second)
        world = await worlds.open(plain.replace("scanners:\n", f"scanners:\n{local}"))
        inspector = world.relay.inspector
        found = (await inspector.facts(PICTURE)).result
        assert found.outcome is ScanOutcome.MATCH
        assert shield.asked == ours.asked == []
        assert found.versions == {**found.versions, "shield": SPARED, "ours": SPARED}
        assert found.versions["canary"], "a list is here: it is asked all the same"
        shield.updated = "2026-12-01T00:00:00Z"
        world.clock.forward(LOOK_AGAIN)
        await world.relay.services.look()
        assert await inspector.known(DIGEST) is not None, "the match still stands"


async def test_what_may_be_known_is_asked_of_all(worlds: Worlds) -> None:
    shield, ours = FakeArachnid(), FakeHma()
    async with running(shield) as first, running(ours) as second:
        world = await worlds.open(config(first, second))
        decoded = await world.relay.decoder.decode(PICTURE)
        assert isinstance(decoded, Decoded)
        shield.hashes[decoded.frames[0].pdq] = ("csam", "near")
        await world.relay.inspector.facts(PICTURE)
        assert "/m/lookup" in ours.paths


async def test_a_service_that_could_not_compare_is_not_named_in_an_attestation(worlds: Worlds) -> None:
    shield, cloud = FakeArachnid(), FakePhotoDna()
    async with running(shield) as first, running(cloud) as second:
        more = f"  - {{name: cloud, kind: photodna, url: '{second}', key: k, send: media, attest: true}}\n"
        world = await worlds.open(config(first, attest=True) + more)
        cloud.codes[DIGEST] = 3208
        found = (await world.relay.inspector.facts(PICTURE)).result
        assert found.outcome is ScanOutcome.NO_KNOWN_MATCH
        token = await world.relay.attestor.token(DIGEST)
        assert token is not None
        stated = strictjson.loads(decode_part(token.split(".")[1]))
        assert [check["alg"] for check in stated["chk"]] == ["pdq"]


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
