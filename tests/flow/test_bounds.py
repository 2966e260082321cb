"""What is kept in memory has an end, whatever others do, and what is dead costs nothing more (docs/memory.md)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from relay.domain.errors import RemoteError
from relay.services import logreader
from relay.services.signals import UNHEARD, Signals

if TYPE_CHECKING:
    import pytest

    from tests.flow.conftest import World

SERVED, DEAD = 20, 5


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
