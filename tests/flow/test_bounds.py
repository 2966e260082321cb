"""What is kept in memory has an end, whatever others do, and what is dead costs nothing more (docs/memory.md)."""

from __future__ import annotations

import gc
import json
import sqlite3
from collections import Counter
from contextlib import closing
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

from relay.cli.serving import listening, public_app
from relay.config.settings import database_path
from relay.domain.delivery import Failing, Host, Progress, Straggler
from relay.domain.errors import RemoteError
from relay.domain.remote import Headers, Posted
from relay.domain.subscriber_profile import SubscriberProfile
from relay.services import logreader
from relay.services.dispatch import Attempt, Result
from relay.services.signals import UNHEARD, Signals
from relay.services.tracks import Peer, Track
from tests.fakes import FakeFediverse
from tests.flow.conftest import BASE

if TYPE_CHECKING:
    from tests.flow.conftest import World, Worlds

ALL, DEAD, EAGER = 5_000, 1_000, 100
PICKY = SubscriberProfile(hashtags=frozenset({"cats"}))
COUNTED = (Attempt, Failing, Host, Peer, Progress, Result, Straggler, Track)
"""What there is of subscribers and deliveries in memory."""


class Crowd(FakeFediverse):
    """Very many servers of which there is no more than their names.

    Some are not there; of the others most keep up by wanting nothing, so that not everything has to be signed.
    """

    delivered = refused = 0

    async def post(self, url: str, *, headers: Headers, body: bytes, timeout: float) -> Posted:
        if ".crowd.test/" not in url:
            return await super().post(url, headers=headers, body=body, timeout=timeout)
        if "//dead" in url:
            self.refused += 1
            raise RemoteError("connection refused", code="unreachable")
        self.delivered += 1
        return Posted(202, None)

    def join(self, world: World) -> None:
        """Let all of them subscribe; one by one it would take a minute."""
        path = database_path(world.relay.office.settings)
        assert path is not None
        now, picky = world.clock.now(), json.dumps(PICKY.as_json())
        rows = []
        for number in range(ALL):
            name = f"{'dead' if number < DEAD else 'well'}{number}.crowd.test"
            wants = None if number < DEAD + EAGER else picky
            rows.append((f"https://{name}/actor", name, f"https://{name}/inbox", now, now, wants))
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.executemany(
                "INSERT INTO subscriptions (actor, server, inbox, dialect, state, follow, created_at, changed_at, back,"
                " cursor, profile) VALUES (?, ?, ?, 'mastodon', 'accepted', '{}', ?, ?, 'none', 0, ?)",
                rows,
            )


def in_memory() -> Counter[str]:
    gc.collect()
    return Counter(type(one).__name__ for one in gc.get_objects() if isinstance(one, COUNTED))


async def stored(world: World) -> dict[str, Any]:
    """What the store holds of troubles: rows."""
    async with world.relay.office.store.reading() as tx:
        return {"hosts": len(await tx.fanout.hosts()), "missed": await tx.listings.missed_counts()}


async def test_a_server_that_rests_waits_for_one_time_however_much_is_published(world: World) -> None:
    await world.subscribe("a.test")
    (await world.subscribe("b.test")).fault = RemoteError("down")
    for _ in range(20):
        await world.publish(world.server("a.test"))
    assert world.relay.fanout.sizes()["fanout_waiting"] <= 3


async def test_the_window_of_the_log_has_an_end_in_bytes(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logreader, "CHUNK", 2)
    monkeypatch.setattr(logreader, "BYTES_KEPT", 2_000)
    await world.subscribe("a.test")
    b = await world.subscribe("b.test")
    for _ in range(12):
        await world.publish(world.server("a.test"))
    assert len(b.arrivals()) == 12
    assert 0 < world.relay.fanout.sizes()["log_window_bytes"] <= 2_000


def test_what_nobody_hears_is_not_gathered() -> None:
    """In a process that only answers requests nothing takes it."""
    signals = Signals()
    for number in range(UNHEARD * 2):
        signals.heard_from(f"s{number}.test")
        signals.withdrawn({f"https://a.test/{number}"}, number)
    heard, withdrawn = signals.take()
    assert len(heard) <= UNHEARD
    assert len(withdrawn) <= UNHEARD
    assert f"https://a.test/{UNHEARD * 2 - 1}" in withdrawn


async def test_a_gap_that_goes_on_stays_one(world: World) -> None:
    await world.subscribe("a.test")
    (await world.subscribe("b.test")).fault = RemoteError("down")
    began = world.clock.now() + 73 * 3600
    for _ in range(4):
        await world.publish(world.server("a.test"))
        world.clock.forward(73 * 3600)
        await world.relay.upkeep.run_once()
    subscribers = world.relay.office.subscribers
    [gap] = (await subscribers.details(await subscribers.find("b.test")))["gaps"]
    assert (gap["first"], gap["last"], gap["entries"], gap["recorded_at"]) == (1, 4, 4, began)


@pytest.mark.timeout(300)  # five thousand signatures
async def test_of_5000_subscribers_1000_are_dead_and_memory_stays_as_it_is(worlds: Worlds) -> None:
    of_others = in_memory()  # what tests before this one have left to their tracebacks
    worlds.fediverse = crowd = Crowd(worlds.clock)
    world = await worlds.open(BASE)
    crowd.join(world)
    server = await world.subscribe("a.test")

    await world.publish(server)
    world.clock.forward(3600)
    await world.publish(server)
    memory, rows, sizes = in_memory() - of_others, await stored(world), world.relay.fanout.sizes()
    assert crowd.delivered == 2 * EAGER
    assert rows == {"hosts": DEAD, "missed": (0, 0)}
    assert (memory["Track"], memory["Progress"], memory["Straggler"]) == (ALL + 1, ALL + 1, 0)
    assert sizes["fanout_waiting"] <= 2 * DEAD
    for _ in range(4):
        await world.publish(server)
    world.clock.forward(3600)
    await world.publish(server)
    assert crowd.delivered == 7 * EAGER
    assert crowd.refused <= 5 * DEAD  # one, then two at each of two attempts
    assert in_memory() - of_others == memory
    assert await stored(world) == rows
    assert world.relay.fanout.sizes()["fanout_waiting"] <= 2 * DEAD


async def test_bodies_in_memory_have_an_end_however_many_send(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("relay.web.federation.BODIES", 1_000)
    kind = {"Content-Type": "application/activity+json", "Host": "relay.test"}
    async with (
        listening(public_app(world.relay), "127.0.0.1", 0) as port,
        aiohttp.ClientSession(f"http://127.0.0.1:{port}", headers=kind) as session,
    ):
        async with session.post("/inbox", data=b"x" * 1_001) as answer:
            assert (answer.status, "Retry-After" in answer.headers) == (503, True)
        for _ in range(3):  # what was held is given back
            async with session.post("/inbox", data=b"x" * 900) as answer:
                assert answer.status in {400, 401}
