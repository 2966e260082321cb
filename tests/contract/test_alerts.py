"""Port `AlertBox` on the database that the relay runs on, and `Alerts` on it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from relay.domain.alerts import LISTED, Alert, AlertKind, ChannelRules, MessageState
from relay.domain.errors import NotFound
from relay.services.alerts import Alerts
from relay.services.signals import Signals
from tests.fakes import START, FakeClock

if TYPE_CHECKING:
    from tests.databases import Database, Databases

HELD = Alert(AlertKind.HOLD, "Held: nudity", "Hold 1 waits.", about="hold 1")
WAITS = Alert(AlertKind.SUBSCRIBER, "A server wants to subscribe", "Subscription 1 waits.")
MODS = ChannelRules("mods", "webhook", frozenset({AlertKind.HOLD, AlertKind.SUBSCRIBER}), 900.0)
SAFETY = ChannelRules("child-safety", "mail", frozenset(), 0.0)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def alerts(store: Database, clock: FakeClock) -> Alerts:
    return Alerts(store=store, clock=clock, signals=Signals(), channels=[MODS, SAFETY])


async def note(store: Database, alerts: Alerts, *noted: Alert) -> None:
    async with store.transaction() as tx:
        for alert in noted:
            await alerts.note(tx, alert)


async def claim(store: Database, now: float) -> list[tuple[str, str, int]]:
    """Take what is due: channel, key, number of alerts."""
    async with store.transaction() as tx:
        return [
            (one.channel, one.key, one.count)
            for one in await tx.alerts.claim(now=now, until=now + 60, most=9)
        ]


async def test_an_alert_goes_to_whom_it_names_and_to_whom_its_kind_interests(
    store: Database, alerts: Alerts, clock: FakeClock
) -> None:
    await note(store, alerts, replace(HELD, channels=("child-safety",)), WAITS)
    assert await alerts.counts() == {"child-safety": {"open": 1}, "mods": {"open": 2}}
    async with store.transaction() as tx:
        found = await tx.alerts.claim(now=clock.now(), until=START + 60, most=9)
    assert [(one.channel, one.kind, one.alerts[0].title) for one in found] == [
        ("mods", AlertKind.HOLD, HELD.title),
        ("child-safety", AlertKind.HOLD, HELD.title),
        ("mods", AlertKind.SUBSCRIBER, WAITS.title),
    ]
    assert {(one.created_at, one.sealed_at, one.attempts, one.alerts[0].at) for one in found} == {
        (START, START, 1, START)
    }


async def test_what_did_not_commit_is_not_told(store: Database, alerts: Alerts) -> None:
    async def fail() -> None:
        async with store.transaction() as tx:
            await alerts.note(tx, HELD)
            raise LookupError

    with pytest.raises(LookupError):
        await fail()
    assert await alerts.counts() == {}


async def test_alerts_of_a_kind_share_a_message_until_it_is_tried_and_then_wait_for_the_quiet_to_end(
    store: Database, alerts: Alerts
) -> None:
    await note(store, alerts, HELD, HELD)
    [(_, first, count)] = await claim(store, START)
    assert count == 2
    async with store.transaction() as tx:
        await tx.alerts.sent(1, START)
    await note(store, alerts, HELD, HELD, HELD)
    async with store.reading() as tx:
        assert await tx.alerts.next_due() == START + 900
    assert await claim(store, START + 899) == []
    [(_, second, count)] = await claim(store, START + 900)
    assert (count, first != second) == (3, True)


async def test_a_message_stays_as_it_is_at_every_attempt_and_holds_back_the_next_of_its_kind(
    store: Database, alerts: Alerts
) -> None:
    await note(store, alerts, HELD)
    [(_, key, _)] = await claim(store, START)
    await note(store, alerts, HELD, WAITS)
    assert [count for _, _, count in await claim(store, START)] == [1]  # another kind has its own message
    assert await claim(store, START + 59) == []
    # Whoever took it died. The quiet is over too, and still the next one waits.
    again = await claim(store, START + 10_000)
    assert (("mods", key, 1) in again, len(again)) == (True, 2)
    async with store.transaction() as tx:
        await tx.alerts.delay(1, START + 20_000, "timeout")
        await tx.alerts.sent(3, START + 10_000)
        assert await tx.alerts.next_due() == START + 20_000
        await tx.alerts.sent(1, START + 20_000)
        assert await tx.alerts.next_due() == START + 900
    [(_, later, count)] = await claim(store, START + 20_000)
    assert (later != key, count) == (True, 1)


async def test_of_very_many_only_the_first_are_kept_and_all_are_counted(
    store: Database, alerts: Alerts
) -> None:
    await note(store, alerts, *(replace(HELD, about=f"hold {n}") for n in range(LISTED + 30)))
    async with store.transaction() as tx:
        [one] = await tx.alerts.claim(now=START, until=START + 60, most=9)
    assert (one.count, len(one.alerts), one.alerts[-1].about) == (LISTED + 30, LISTED, f"hold {LISTED - 1}")


async def test_what_is_told_once_is_told_once_to_each(store: Database, alerts: Alerts) -> None:
    once = replace(HELD, once="scanner x 1")
    await note(store, alerts, once, once)
    [(_, _, count)] = await claim(store, START)
    assert count == 1
    await note(store, alerts, once, replace(once, channels=("child-safety",)))
    assert [(channel, count) for channel, _, count in await claim(store, START + 1)] == [("child-safety", 1)]
    async with store.transaction() as tx:
        await tx.alerts.sent(1, START)
        await tx.alerts.forget(START + 1)
    await note(store, alerts, once)
    assert (await alerts.counts())["mods"] == {"open": 1}


async def test_what_was_given_up_waits_for_a_person(
    store: Database, alerts: Alerts, clock: FakeClock
) -> None:
    await note(store, alerts, replace(HELD, channels=("child-safety",)))
    await claim(store, START)
    async with store.transaction() as tx:
        await tx.alerts.give_up(1, START + 5, "status 404")
        await tx.alerts.delay(2, START + 500, "timeout")
    [mail, hook] = await alerts.recent(9)
    assert (hook.state, hook.title, hook.error, hook.at) == (
        MessageState.GIVEN_UP,
        HELD.title,
        "status 404",
        START + 5,
    )
    assert (mail.state, mail.error, mail.due_at, mail.at) == (
        MessageState.SEALED,
        "timeout",
        START + 500,
        None,
    )
    clock.forward(10)
    with pytest.raises(NotFound):
        await alerts.retry("mod")
    assert await alerts.retry("mods") == 1
    [(channel, _, _)] = await claim(store, START + 10)
    assert channel == "mods"
    assert await alerts.retry(None) == 2
    async with store.transaction() as tx:
        await tx.alerts.sent(1, START + 10)
        await tx.alerts.sent(2, START + 10)
    assert await alerts.retry(None) == 0
    assert await alerts.counts() == {"mods": {"sent": 1}, "child-safety": {"sent": 1}}


async def test_alerts_survive_a_restart(database: Databases, clock: FakeClock) -> None:
    async with database.open() as store:
        await note(store, Alerts(store=store, clock=clock, signals=Signals(), channels=[MODS]), HELD)
        [(_, key, _)] = await claim(store, START)
    async with database.open() as store:
        assert await claim(store, START + 60) == [("mods", key, 1)]
