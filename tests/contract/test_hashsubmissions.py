"""Port `HashSubmissions` on the database that the relay runs on, and what becomes of hashes when the disk fails."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from relay.domain.hashlist import HashAlgorithm, ListEntry
from relay.domain.hashsubmission import About, SubmissionState
from relay.services.alerts import Alerts
from relay.services.hashsubmissions import HashSubmissions, SubmitRules
from relay.services.lists import Lists
from relay.services.signals import Signals
from tests.contract.test_broken_store import BreakingStore, DiskFull
from tests.fakes import START, FakeClock

if TYPE_CHECKING:
    from relay.ports import Store
    from tests.databases import Databases

ENTRY = ListEntry(HashAlgorithm.SHA256, "ab" * 32, "")
RULES = SubmitRules({About.ADULT: "own"}, review_first=False, rate=None, rate_of_all=None, most=100)


def service(store: Store) -> HashSubmissions:
    clock = FakeClock(START)
    alerts = Alerts(store=store, clock=clock, signals=Signals(), channels=())
    return HashSubmissions(store, clock, Lists(store, clock, alerts), alerts, RULES)


async def test_parts_come_in_order_and_go_together(database: Databases) -> None:
    async with database.open() as store:
        async with store.transaction() as tx:
            port = tx.hash_lists.submissions
            one, other = [
                await port.open(secret=secret, about=About.MINOR, list_name="own", at=1.0) for secret in "ab"
            ]
            for content in (b"first", b"second"):
                await port.add(one, content, hashes=2, batch=None)
            await port.add(other, b"third", hashes=3, batch=7)
            await port.accept(one, 1, 8)
        async with store.transaction() as tx:
            port = tx.hash_lists.submissions
            parts = [(part.place, part.batch, part.accepted) for part in await port.parts(one)]
            assert parts == [(0, None, False), (1, 8, True)]
            assert await port.content(one, 1) == b"second"
            assert await port.total() == 7
            assert await port.count(SubmissionState.RECEIVED) == 2
            found = await port.by_secret("a")
            assert found is not None
            assert (found.number, found.hashes, found.about) == (one, 4, About.MINOR)
            assert await port.by_secret("c") is None
            assert [row.number for row in await port.all(SubmissionState.RECEIVED, 1)] == [other]
            await port.drop_parts(one)
            await port.change(one, SubmissionState.REFUSED, at=2.0, who="me", note="why")
            assert [row.note for row in await port.all(None, 9)] == [None, "why"]
            assert await port.count(SubmissionState.RECEIVED) == 1
            with pytest.raises(LookupError):
                await port.content(one, 1)
            await port.forget(3.0)
            assert await port.get(one) is None
            assert await port.total() == 3


@pytest.mark.parametrize("persisted", [False, True])
async def test_nobody_is_told_that_hashes_arrived_when_the_disk_failed(
    database: Databases, *, persisted: bool
) -> None:
    async with database.open() as store:
        broken = service(BreakingStore(store, persisted=persisted))  # type: ignore[arg-type] # it reads alike
        with pytest.raises(DiskFull):
            await broken.submit("127.0.0.1", About.ADULT, [ENTRY])
    async with database.open() as store:
        found = await service(store).all()
        # If it was written all the same, it is whole, and the operator can take it back.
        assert [one.in_force for one in found] == [1] * persisted
        for one in found:
            await service(store).withdraw_for(one.submission.number, who="me")
        assert [one.in_force for one in await service(store).all()] == [0] * persisted


@pytest.mark.parametrize("persisted", [False, True])
async def test_whoever_was_not_told_that_they_are_gone_tries_again(
    database: Databases, *, persisted: bool
) -> None:
    async with database.open() as store:
        secret = (await service(store).submit("127.0.0.1", About.ADULT, [ENTRY])).secret
        broken = service(BreakingStore(store, persisted=persisted))  # type: ignore[arg-type]
        with pytest.raises(DiskFull):
            await broken.withdraw(secret)
        assert (await service(store).standing(secret)).in_force == (not persisted)
        assert (await service(store).withdraw(secret)).submission.state is SubmissionState.WITHDRAWN
        async with store.reading() as tx:
            assert await tx.hash_lists.submissions.total() == 0
