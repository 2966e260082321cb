"""Port `Lab`, on the database that the relay runs on."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from relay.domain.lab.inbox import Delivery, KeptReport, Seen, TemporaryInbox

if TYPE_CHECKING:
    from tests.databases import Database, Databases

INBOX = TemporaryInbox("aa", "private", "public", 10.0, 100.0)
HEADERS = (("host", "relay.test"), ("signature", "one"), ("signature", 'two "with" quotes'))
DELIVERY = Delivery(0, "aa", 11.0, "/lab/inbox/aa?x", HEADERS, b'{"odd": "\xff"}')
SEEN = Seen(
    "draft-cavage",
    "verified",
    "The signature verifies.",
    key_id="https://a.test/actor#main-key",
    actor="https://a.test/actor",
    covered=("(request-target)", "host"),
    issuers={"https://i.test/actor": {"id": "https://i.test/actor"}, "https://gone.test/actor": None},
    failures={"https://dead.test/actor": "no answer"},
    answer="Accept sent",
)
REPORT = KeptReport(
    "rr",
    b"{}",
    seen_here=False,
    listed=True,
    created_at=5.0,
    expires_at=50.0,
    role="issuer",
    target="x",
    grade="A",
)


async def test_what_came_is_there_to_the_byte_after_opening_again(database: Databases) -> None:
    async with database.open() as store, store.transaction() as tx:
        await tx.lab.add_inbox(INBOX)
        assert await tx.lab.receive(DELIVERY, most=9)
    async with database.open() as store, store.reading() as tx:
        assert await tx.lab.inbox("aa", 99.9) == INBOX
        [found] = await tx.lab.deliveries("aa")
        assert found == replace(DELIVERY, id=found.id)
        assert found.values("signature") == ("one", 'two "with" quotes')


async def test_an_inbox_that_has_ended_is_not_returned_and_one_that_was_removed_neither(
    store: Database,
) -> None:
    async with store.transaction() as tx:
        await tx.lab.add_inbox(INBOX)
        await tx.lab.add_inbox(replace(INBOX, token="bb"))
        assert await tx.lab.inbox("aa", 100.0) is None
        assert await tx.lab.receive(DELIVERY, most=9)
        await tx.lab.remove_inbox("aa")
        assert await tx.lab.inbox("aa", 11.0) is None
        assert await tx.lab.deliveries("aa") == []
        assert await tx.lab.inbox("bb", 11.0) is not None
        assert await tx.lab.room(11.0) == (1, 0)


async def test_an_inbox_has_room_for_so_many_deliveries_and_counts_the_others(store: Database) -> None:
    async with store.transaction() as tx:
        await tx.lab.add_inbox(INBOX)
        await tx.lab.add_inbox(replace(INBOX, token="bb"))
        assert [await tx.lab.receive(DELIVERY, most=2) for _ in range(4)] == [True, True, False, False]
        assert await tx.lab.receive(replace(DELIVERY, token="bb"), most=2)
        found = await tx.lab.inbox("aa", 11.0)
        assert found is not None
        assert found.dropped == 2
        inboxes, size = await tx.lab.room(11.0)
        assert inboxes == 2
        assert size > 3 * len(DELIVERY.body)


async def test_deliveries_wait_until_somebody_looked_at_them(store: Database) -> None:
    async with store.transaction() as tx:
        await tx.lab.add_inbox(INBOX)
        for at in (1.0, 2.0, 3.0):
            await tx.lab.receive(replace(DELIVERY, at=at), most=9)
        assert [one.at for one in await tx.lab.unseen(2)] == [1.0, 2.0]
        first = (await tx.lab.unseen(1))[0]
        await tx.lab.settle(first.id, SEEN)
        assert [one.at for one in await tx.lab.unseen(9)] == [2.0, 3.0]
        assert [one.seen for one in await tx.lab.deliveries("aa")] == [SEEN, None, None]


async def test_reports_are_kept_until_their_end_and_listed_only_when_they_may_be(store: Database) -> None:
    hidden = replace(REPORT, token="hh", listed=False, seen_here=True)
    newer = replace(REPORT, token="nn", created_at=6.0)
    async with store.transaction() as tx:
        for report in (REPORT, hidden, newer):
            await tx.lab.add_report(report)
        assert await tx.lab.report("hh", 49.0) == hidden
        assert await tx.lab.report("hh", 50.0) is None
        assert await tx.lab.report("zz", 1.0) is None
        assert await tx.lab.listed(7.0, 9) == [newer, REPORT]
        assert await tx.lab.listed(7.0, 1) == [newer]
        assert await tx.lab.listed(50.0, 9) == []
        assert await tx.lab.reports(7.0) == 3


async def test_what_has_ended_is_forgotten(store: Database) -> None:
    async with store.transaction() as tx:
        await tx.lab.add_inbox(INBOX)
        await tx.lab.add_inbox(replace(INBOX, token="bb", expires_at=200.0))
        for token in ("aa", "bb"):
            await tx.lab.receive(replace(DELIVERY, token=token), most=9)
        await tx.lab.add_report(REPORT)
        await tx.lab.forget(100.0)
        assert await tx.lab.report("rr", 1.0) is None
        assert await tx.lab.inbox("aa", 1.0) is None
        assert [len(await tx.lab.deliveries(token)) for token in ("aa", "bb")] == [0, 1]
