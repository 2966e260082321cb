"""Port `Webhooks`, on the database that the relay runs on."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from relay.domain.content import Content
from relay.domain.facts import AttestationState
from relay.domain.intake import Item
from relay.domain.media import Match, MatchKind, MediaKind, MediaRef, ScanOutcome
from relay.domain.policy import Decision, Verb
from relay.domain.webhook import HookCount, HookedPost

if TYPE_CHECKING:
    from tests.databases import Database, Databases

POST = HookedPost(
    id="https://a.test/1",
    author="https://a.test/alice",
    kind="Create",
    version=None,
    visibility="unlisted",
    media=(
        MediaRef("https://a.test/1.png", MediaKind.IMAGE),
        MediaRef("https://a.test/1.mp3", MediaKind.AUDIO),
    ),
    complete=False,
    content=Content(
        actors=frozenset({"https://a.test/alice"}),
        languages=frozenset({"de"}),
        hashtags=frozenset({"cats"}),
        mentions=2,
        sensitive=True,
    ),
)
MATCH = Match(MatchKind.KNOWN, "local", "csam", "sha256", 0, entry="mark")
ITEM = Item(
    "https://a.test/1.png",
    MediaKind.IMAGE,
    "ab" * 32,
    ScanOutcome.MATCH,
    None,
    AttestationState.MISSING,
    matches=(MATCH,),
)
DROPS = Decision(
    Verb.DROP, Verb.DROP, enforced=True, seconds=0, rule="r", reason="known-match", policy="1-0", trace=()
)


async def test_a_post_is_there_after_opening_again_and_comes_once(database: Databases) -> None:
    async with database.open() as store, store.transaction() as tx:
        assert await tx.webhooks.add("social", POST, 10.0)
        assert not await tx.webhooks.add("social", POST, 11.0)
        assert await tx.webhooks.add("social", replace(POST, version="2"), 12.0)
    async with database.open() as store, store.transaction() as tx:
        assert (await tx.webhooks.waiting(), await tx.webhooks.next_due()) == (2, 10.0)
        [first, second] = await tx.webhooks.claim(now=20.0, until=50.0, most=5)
        assert (first.post, first.sender, first.received_at, first.attempts) == (POST, "social", 10.0, 1)
        assert second.post.version == "2"


async def test_a_post_falls_due_again_until_it_was_checked(store: Database) -> None:
    async with store.transaction() as tx:
        await tx.webhooks.add("social", POST, 10.0)
        assert await tx.webhooks.claim(now=9.0, until=50.0, most=1) == []
        [work] = await tx.webhooks.claim(now=10.0, until=50.0, most=1)
        assert await tx.webhooks.next_due() == 50.0
        [again] = await tx.webhooks.claim(now=50.0, until=90.0, most=1)
        assert again.attempts == 2
        await tx.webhooks.delay(work, 70.0)
        assert await tx.webhooks.next_due() == 70.0
        await tx.webhooks.settle(work, "clean", 80.0)
        assert (await tx.webhooks.next_due(), await tx.webhooks.waiting()) == (None, 0)
        assert not await tx.webhooks.add("social", POST, 81.0)  # it stays known


async def test_a_finding_is_counted_when_it_comes_again(store: Database) -> None:
    async with store.transaction() as tx:
        await tx.webhooks.add("social", POST, 10.0)
        [work] = await tx.webhooks.claim(now=10.0, until=50.0, most=1)
        assert not await tx.webhooks.known("k")
        assert await tx.webhooks.note(work, [ITEM], DROPS, key="k", flag="sent", at=12.0)
        assert await tx.webhooks.known("k")
        [found] = await tx.webhooks.findings(is_open=True, most=5)
        assert found == await tx.webhooks.finding(found.id)
        assert (found.items, found.verb, found.flag) == ((ITEM,), Verb.DROP, "sent")
        assert (found.object_id, found.actor, found.visibility) == (POST.id, POST.author, "unlisted")
        assert await tx.webhooks.open_findings() == 1
        assert await tx.webhooks.close(found.id, at=20.0, who="me", note="n")
        assert not await tx.webhooks.close(found.id, at=21.0, who="you", note=None)
        assert not await tx.webhooks.note(work, [ITEM], DROPS, key="k", flag=None, at=30.0)
        [closed] = await tx.webhooks.findings(is_open=False, most=5)
        assert (closed.times, closed.first_at, closed.last_at, closed.flag) == (2, 12.0, 30.0, "sent")
        assert (closed.closed_at, closed.closed_by, closed.note) == (20.0, "me", "n")
        assert (await tx.webhooks.open_findings(), await tx.webhooks.finding(99)) == (0, None)


async def test_counts_add_up(store: Database) -> None:
    async with store.transaction() as tx:
        await tx.webhooks.count({("a", "clean"): 2, ("a", "accepted"): 3}, 10.0)
        await tx.webhooks.count({("a", "clean"): 1, ("b", "clean"): 1}, 12.0)
        assert await tx.webhooks.counts() == [
            HookCount("a", "accepted", 3, 10.0),
            HookCount("a", "clean", 3, 12.0),
            HookCount("b", "clean", 1, 12.0),
        ]


async def test_only_what_is_done_is_forgotten(store: Database) -> None:
    async with store.transaction() as tx:
        await tx.webhooks.add("social", POST, 10.0)
        await tx.webhooks.add("social", replace(POST, version="2"), 10.0)
        [work] = await tx.webhooks.claim(now=10.0, until=50.0, most=1)
        await tx.webhooks.note(work, [ITEM], DROPS, key="k", flag=None, at=12.0)
        await tx.webhooks.note(work, [ITEM], DROPS, key="open", flag=None, at=12.0)
        await tx.webhooks.settle(work, "finding", 12.0)
        await tx.webhooks.close(1, at=13.0, who="me", note=None)
        await tx.webhooks.forget(11.0, findings=13.0)
        assert await tx.webhooks.finding(1) is not None
        await tx.webhooks.forget(11.0, findings=14.0)
        assert await tx.webhooks.finding(1) is None
        assert await tx.webhooks.open_findings() == 1
        assert await tx.webhooks.waiting() == 1
        assert await tx.webhooks.add("social", POST, 99.0)
