"""What the store keeps of subscribers' profiles, of the traits of posts, and of admins who sign in."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from relay.domain.delivery import Saved
from relay.domain.log import Proof, Proven
from relay.domain.login import Login
from relay.domain.policy import Verb
from relay.domain.rates import Rate
from relay.domain.subscriber_profile import Direction, Skip, SubscriberProfile
from relay.domain.traits import Traits
from tests.contract.test_store import incoming, settled, subscribe

if TYPE_CHECKING:
    from relay.domain.intake import Settled
    from tests.databases import Database

CHOSEN = SubscriberProfile(
    "open",
    Direction.RECEIVE,
    frozenset({"de", "pt-br"}),
    frozenset({"art"}),
    media=False,
    rate=Rate(60, 3600),
    sample=0.25,
    recalls=True,
)
POST = Traits("Create", Verb.RELAY_MARKED, ("de",), ("art",), media=True)


def published(traits: Traits, object_id: str = "https://a.test/x") -> Settled:
    done = settled()
    assert done.entry is not None
    proven = Proven(Proof.LINKED_DATA)
    return replace(done, entry=replace(done.entry, object_id=object_id, proven=proven, traits=traits))


async def traits(store: Database) -> list[Traits]:
    async with store.reading() as tx:
        return [entry.traits for entry in await tx.fanout.entries(0, 99)]


async def test_a_profile_is_kept_and_survives_what_else_happens_to_its_subscription(
    store: Database,
) -> None:
    number = await subscribe(store, "s.test")
    async with store.transaction() as tx:
        version = await tx.subscribers.version()
        [before] = await tx.subscribers.all()
        assert (before.profile, before.profile_since, before.profile_locked) == (
            SubscriberProfile(),
            0,
            False,
        )
        await tx.subscribers.set_profile(number, CHOSEN, since=7, locked=True)
        assert await tx.subscribers.version() > version
        await tx.subscribers.save(before, 5.0)
    async with store.reading() as tx:
        [after] = await tx.subscribers.all()
    assert (after.profile, after.profile_since, after.profile_locked) == (CHOSEN, 7, True)


async def test_what_was_skipped_adds_up_and_goes_with_its_subscription(store: Database) -> None:
    number = await subscribe(store, "s.test")

    async def count(counts: dict[int, tuple[int, int, int]], skipped: dict[tuple[int, Skip], int]) -> None:
        async with store.transaction() as tx:
            await tx.fanout.save(
                Saved(0, {}), moved={}, stragglers={}, hosts={}, counts=counts, skipped=skipped
            )

    await count({number: (1, 2, 3)}, {(number, Skip.RATE): 2, (number, Skip.LANGUAGE): 1})
    await count({number: (10, 0, 0)}, {(number, Skip.RATE): 5, (99, Skip.RATE): 1})
    async with store.transaction() as tx:
        details = await tx.subscribers.details(number)
        assert details["skipped"] == {"language": 1, "rate": 7}
        assert (details["delivered"], details["refused"], details["failed"]) == (11, 2, 3)
        await tx.subscribers.remove(number)
    assert await subscribe(store, "s.test") != number
    async with store.reading() as tx:
        assert await tx.subscribers.details(number) == {}


async def test_the_log_keeps_traits_and_an_edit_what_it_edits(store: Database) -> None:
    edit = Traits("Update", Verb.RELAY)
    async with store.transaction() as tx:
        await tx.activities.receive([(incoming("1"), published(POST)), (incoming("2"), published(edit))])
    async with store.transaction() as tx:
        await tx.activities.receive([(incoming("3"), published(edit))])
        await tx.activities.receive([(incoming("4"), published(edit, "https://a.test/other"))])
        await tx.activities.receive([(incoming("5"), published(Traits("Delete")))])
        assert await tx.fanout.first("https://a.test/x") == (1, POST)
        assert await tx.fanout.first("https://a.test/other") is None  # an edit of what was never here
        assert await tx.fanout.first("https://a.test/nothing") is None
    edited = replace(edit, first=1, original=POST)
    assert await traits(store) == [POST, edited, edited, edit, Traits("Delete")]


async def test_an_edit_remembers_its_post_longer_than_the_log(store: Database) -> None:
    edit = Traits("Update")
    async with store.transaction() as tx:
        await tx.activities.receive([(incoming("1"), published(POST)), (incoming("2"), published(edit))])
        await tx.fanout.prune(1)
        assert await tx.fanout.first("https://a.test/x") == (1, POST)
        await tx.activities.receive([(incoming("3"), published(edit))])
    assert (await traits(store))[-1] == replace(edit, first=1, original=POST)


async def test_logins_are_found_by_either_secret_until_they_end(store: Database) -> None:
    login = Login("token", "nonce", "s.test", 10.0, 20.0)
    proven = replace(login, nonce=None, actor="https://s.test/actor", proven=True, looks=3)
    async with store.transaction() as tx:
        await tx.logins.save(login)
        await tx.logins.save(replace(login, token="other", nonce="other", server="o.test"))
        assert await tx.logins.numbers("s.test", 15.0) == (1, 2)
        assert await tx.logins.by_token("token", 15.0) == login
        assert await tx.logins.by_nonce("nonce", 15.0) == login
        assert await tx.logins.by_token("token", 20.0) is None
        assert await tx.logins.by_nonce("nonce", 20.0) is None
        await tx.logins.save(proven)
        assert await tx.logins.by_token("token", 15.0) == proven
        assert await tx.logins.by_nonce("nonce", 15.0) is None
        assert await tx.logins.numbers("s.test", 15.0) == (0, 2)
        await tx.logins.drop("token")
        assert await tx.logins.by_token("token", 15.0) is None
        await tx.logins.forget(20.0)
        assert await tx.logins.numbers("o.test", 0.0) == (0, 0)


async def test_what_an_actor_takes_back_is_not_delivered_and_stays_explained(store: Database) -> None:
    other = replace(incoming("2"), actor="https://a.test/bob")
    async with store.transaction() as tx:
        await tx.activities.receive([(incoming("1"), published(POST)), (other, published(POST))])
        assert await tx.activities.take_back("https://a.test/alice") == {"https://a.test/1"}
        assert [entry.position for entry in await tx.fanout.entries(0, 9)] == [2]
        [row] = await tx.activities.about("https://a.test/1")
        assert row["state"] == "published"


async def test_who_comes_back_has_the_profile_that_it_had(store: Database) -> None:
    first, second = await subscribe(store, "s.test"), await subscribe(store, "o.test")
    fixed = await subscribe(store, "f.test")
    async with store.transaction() as tx:
        await tx.subscribers.set_profile(first, CHOSEN, since=1, locked=False)
        await tx.subscribers.set_profile(fixed, SubscriberProfile(), since=1, locked=True)
        for number in (first, second, fixed):
            await tx.subscribers.remove(number)
        await tx.subscribers.trim(0)  # what operators fixed is not forgotten
    await subscribe(store, "f.test", cursor=7)
    await subscribe(store, "s.test", cursor=7)
    async with store.transaction() as tx:
        back = {one.server: one for one in await tx.subscribers.all()}
        assert (back["f.test"].profile_locked, back["f.test"].profile_since) == (True, 7)
        assert back["s.test"].profile == SubscriberProfile()
        await tx.subscribers.set_profile(back["s.test"].id, CHOSEN, since=1, locked=False)
        await tx.subscribers.remove(back["s.test"].id)
        await tx.subscribers.trim(1)
    await subscribe(store, "s.test", cursor=9)
    async with store.reading() as tx:
        again = await tx.subscribers.by_actor("https://s.test/actor")
    assert again is not None
    assert (again.profile, again.profile_since, again.profile_locked) == (CHOSEN, 9, False)
