"""Port `Wire` on PostgreSQL, and the signals of two processes on it."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

import pytest

from relay.adapters.sql.postgres import PostgresStore
from relay.adapters.system import SystemClock
from relay.services.sharing import Sharing
from relay.services.signals import Signals
from tests import databases

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

pytestmark = databases.NEEDED
LONG = 20.0
"""Seconds that nothing of this takes."""


@pytest.fixture(scope="module")
def server() -> Iterator[databases.Server]:
    """A server of these tests alone: they end its connections."""
    yield from databases.serving()


@pytest.fixture
async def pair(server: databases.Server) -> AsyncIterator[tuple[Signals, Signals]]:
    """The signals of two processes."""
    address, found = databases.clean(server), []
    async with AsyncExitStack() as stack:
        tasks = await stack.enter_async_context(asyncio.TaskGroup())
        for name in ("a", "b"):
            store = await stack.enter_async_context(PostgresStore(address, serving=True))
            signals = Signals()
            running = tasks.create_task(Sharing(store.wire(name), signals, SystemClock()).run())
            stack.callback(running.cancel)
            found.append(signals)
        for signals in found:
            await until(signals.letters.take)  # it listens: what may have been missed is looked for
            forget(signals)
        yield found[0], found[1]


def forget(signals: Signals) -> None:
    for wakeup in (signals.screening, signals.letters, signals.alerts, signals.fanout):
        wakeup.take()
    signals.take_change()
    signals.take()


async def until(so: Callable[[], bool]) -> None:
    async with asyncio.timeout(LONG):
        while not so():  # noqa: ASYNC110
            await asyncio.sleep(0.01)  # noqa: TID251


async def test_a_wake_up_reaches_the_other_process_and_does_not_come_back(
    pair: tuple[Signals, Signals],
) -> None:
    here, there = pair
    here.letters.set()
    assert here.letters.take()
    await until(there.letters.take)
    assert not there.alerts.take()
    there.alerts.set()
    await until(here.alerts.take)
    assert not here.letters.take(), "it heard itself"


async def test_what_the_fan_out_should_know_comes_over(pair: tuple[Signals, Signals]) -> None:
    here, there = pair
    for number in range(500):  # more than one notice holds
        here.heard_from(f"a-server-with-a-long-name-{number}.test")
    here.changed()
    heard: set[str] = set()

    def all_heard() -> bool:
        heard.update(there.take()[0])
        return len(heard) == 500

    await until(all_heard)
    await until(there.take_change)


async def test_after_a_lost_connection_everything_is_looked_at(
    server: databases.Server, pair: tuple[Signals, Signals]
) -> None:
    _, there = pair
    server.cut()
    await until(there.screening.take)
    await until(there.take_change)


def test_words_of_another_version_mean_nothing() -> None:
    signals = Signals()
    forget(signals)
    signals.hear("something new")
    assert not signals.take_change()
    assert signals.take() == (set(), {})


def test_nothing_is_gathered_where_nobody_listens() -> None:
    signals = Signals()
    signals.letters.set()
    assert signals.take_said() == []
