"""The store keeps recalls: who was served what, what is stopped and let go, and who was told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from relay.domain.hashlist import ListPurpose
from relay.domain.intake import Issued, MediaFacts
from relay.domain.media import Decoded, Digests, Match, MatchKind, ScanOutcome, ScanResult
from relay.domain.recall import Copy, NoticeKind, NoticeState, Recall, RecallState, letter_kind
from relay.domain.subscription import Back, Dialect, State
from tests.contract.test_store import incoming, settled

if TYPE_CHECKING:
    from relay.ports import Tx
    from tests.databases import Database

DIGEST = "ab" * 32
NOW = 1_000_000.0
MATCH = Match(MatchKind.KNOWN, "local", "csam", "sha256", entry="e")
OTHER = Match(MatchKind.NCII, "private", "ncii", "md5", entry="f")
CLEAN = ScanResult(ScanOutcome.NO_KNOWN_MATCH, versions={"local": "1"})


def recall(name: str = "local", entry: str = "e", state: RecallState = RecallState.WAITING) -> Recall:
    return Recall(0, name, ListPurpose.ABUSE, entry, "csam", MatchKind.KNOWN, state, None, NOW)


def copy(position: int = 1, object_id: str = "https://a.test/1") -> Copy:
    return Copy(
        position, position, object_id, "https://a.test/a", frozenset({"a.test"}), "https://r.test/1", NOW
    )


async def subscribed(tx: Tx, name: str = "m.test") -> int:
    number = await tx.subscribers.add(
        actor=f"https://{name}/actor",
        server=name,
        inbox=f"https://{name}/inbox",
        dialect=Dialect.MASTODON,
        state=State.PENDING,
        follow={},
        now=NOW,
        reason=None,
        back=Back.NONE,
        back_id=None,
        cursor=0,
    )
    await tx.subscribers.place(number, await tx.fanout.head())
    return number


async def known(tx: Tx, digest: str = DIGEST, result: ScanResult = CLEAN) -> None:
    facts = MediaFacts(Digests(digest, "1" * 40, "2" * 32, 3), Decoded("image/png", 1, 1, ()), result, NOW)
    await tx.media.save(facts)


async def test_what_was_compared_is_remembered(store: Database) -> None:
    async with store.transaction() as tx:
        assert await tx.recalls.done() == {}
        await tx.recalls.save_done("local", ["b", "a"])
        await tx.recalls.save_done("local", ["c"])
        await tx.recalls.save_done("other", [])
    async with store.reading() as tx:
        assert await tx.recalls.done() == {"local": frozenset({"c"}), "other": frozenset()}


async def test_everything_stored_comes_page_by_page(store: Database) -> None:
    digests = [f"{number:064x}" for number in range(5)]
    async with store.transaction() as tx:
        for digest in digests:
            await known(tx, digest)
        first = await tx.recalls.stored("", 3)
        rest = await tx.recalls.stored(first[-1].sha256, 3)
        assert [one.sha256 for one in (*first, *rest)] == digests
        assert first[0].frames == "[]"
        assert await tx.recalls.unscanned("", 3) == []


async def test_who_was_served_what_outlives_the_subscription(store: Database) -> None:
    async with store.transaction() as tx:
        await tx.activities.receive([(incoming("https://a.test/1"), settled())])
        number = await subscribed(tx)
        [serving] = await tx.recalls.servings()
        assert (serving.first, serving.last, serving.server) == (1, None, "m.test")
        await tx.activities.receive([(incoming("https://a.test/2"), settled())])
        await tx.subscribers.remove(number)
        [serving] = await tx.recalls.servings()
        assert (serving.first, serving.last, serving.inbox) == (1, 2, "https://m.test/inbox")
        again = await subscribed(tx)
        assert again != number
        assert [(one.first, one.last) for one in await tx.recalls.servings()] == [(1, 2), (2, None)]


async def test_a_subscription_that_is_suspended_is_served_nothing(store: Database) -> None:
    async with store.transaction() as tx:
        number = await subscribed(tx)
        [one] = await tx.subscribers.all()
        await tx.activities.receive([(incoming("https://a.test/1"), settled())])
        await tx.subscribers.save(one.__class__(**{**_fields(one), "state": State.SUSPENDED}), NOW)
        await tx.activities.receive([(incoming("https://a.test/2"), settled())])
        await tx.subscribers.place(number, await tx.fanout.head())
        assert [(one.first, one.last) for one in await tx.recalls.servings()] == [(0, 1), (2, None)]


def _fields(one: object) -> dict[str, object]:
    return {name: getattr(one, name) for name in one.__slots__}  # type: ignore[attr-defined]


async def test_a_file_is_stopped_and_let_go(store: Database) -> None:
    async with store.transaction() as tx:
        await known(tx)
        await tx.media.save_issued(Issued(DIGEST, "jws", NOW, NOW + 9, key="k"))
        number = await tx.recalls.add(recall())
        assert await tx.recalls.stop(number, DIGEST, MATCH, NOW)
        facts, issued = await tx.media.facts(DIGEST), await tx.media.issued(DIGEST)
        assert facts is not None
        assert issued is not None
        assert (facts.result.outcome, facts.result.matches) == (ScanOutcome.MATCH, (MATCH,))
        assert issued.retracted_at == NOW
        assert await tx.recalls.stopped_by(DIGEST, "local") == number
        assert await tx.recalls.stopped_by(DIGEST, "private") is None
        await tx.recalls.release(number, NOW)
        facts, issued = await tx.media.facts(DIGEST), await tx.media.issued(DIGEST)
        assert facts is not None
        assert issued is not None
        assert facts.result == CLEAN
        assert issued.retracted_at is None


async def test_what_another_list_stopped_stays_stopped(store: Database) -> None:
    async with store.transaction() as tx:
        await known(tx)
        await tx.activities.receive([(incoming("https://a.test/1"), settled())])
        first, second = await tx.recalls.add(recall()), await tx.recalls.add(recall("private", "f"))
        for number, match in ((first, MATCH), (second, OTHER)):
            await tx.recalls.stop(number, DIGEST, match, NOW)
            await tx.recalls.stop_post(number, copy(), [])
        assert await tx.fanout.entries(0, 9) == []
        await tx.recalls.save(_at(await tx.recalls.by_id(first), RecallState.DISMISSED))
        assert await tx.recalls.release(first, NOW) == set()
        facts = await tx.media.facts(DIGEST)
        assert facts is not None
        assert facts.result.matches == (OTHER,)
        assert await tx.fanout.entries(0, 9) == []
        await tx.recalls.save(_at(await tx.recalls.by_id(second), RecallState.UNDONE))
        assert await tx.recalls.release(second, NOW) == {"https://a.test/1"}
        assert len(await tx.fanout.entries(0, 9)) == 1
        assert await tx.recalls.dismissed(DIGEST) == {"local"}


def _at(one: Recall | None, state: RecallState) -> Recall:
    assert one is not None
    return one.__class__(**{**_fields(one), "state": state})  # type: ignore[arg-type]


async def test_a_file_that_was_never_scanned_is_known_by_its_digest_and_forgotten_again(
    store: Database,
) -> None:
    async with store.transaction() as tx:
        number = await tx.recalls.add(recall())
        before = await tx.recalls.facts(DIGEST)
        assert before is not None
        assert (before.digests.sha256, before.result.outcome) == (DIGEST, ScanOutcome.NOT_ATTEMPTED)
        assert not await tx.recalls.stop(number, DIGEST, MATCH, NOW)
        facts = await tx.media.facts(DIGEST)
        assert facts is not None
        assert facts.result.outcome is ScanOutcome.MATCH
        await tx.recalls.release(number, NOW)
        assert await tx.media.facts(DIGEST) is None


async def test_who_was_told_and_what_came_of_it(store: Database) -> None:
    async with store.transaction() as tx:
        await subscribed(tx)
        number = await tx.recalls.add(recall())
        await tx.recalls.stop(number, DIGEST, MATCH, NOW)
        await tx.recalls.stop_post(number, copy(), await tx.recalls.servings())
        [told] = await tx.recalls.receivers(number)
        assert (told.server, told.posts, told.machine) == ("m.test", ("https://a.test/1",), False)
        first, second = [
            await tx.recalls.add_notice(number, told, kind, document=kind.value, posts=told.posts, at=NOW)
            for kind in (NoticeKind.FLAG, NoticeKind.UNDO)
        ]
        await tx.subscribers.send([(letter_kind(second), told.actor, told.inbox, b"{}")], NOW)
        await tx.recalls.attempted(first, NoticeState.DELIVERED, None, NOW + 1)
        assert await tx.recalls.answered("other.test", "flag", "accepted", NOW) is None
        assert await tx.recalls.answered("m.test", "flag", "accepted", NOW + 2) == number
        counts = (await tx.recalls.counts([number]))[number]
        assert (counts.files, counts.posts, counts.servers, counts.answered) == (1, 1, 1, 1)
        assert counts.notices == {"delivered": 1, "waiting": 1}
        assert await tx.recalls.waiting() == {"waiting": 1, "notices": 1}
        assert [notice.id for notice, _ in await tx.recalls.cancel(number, NOW)] == [first]
        assert await tx.subscribers.next_letter() is None
        states = [one.state for one in await tx.recalls.notices(number, 9)]
        assert states == [NoticeState.DELIVERED, NoticeState.CANCELLED]


async def test_nobody_is_told_twice_of_one_post(store: Database) -> None:
    async with store.transaction() as tx:
        await subscribed(tx)
        first, second = (
            await tx.recalls.add(recall(state=RecallState.SENT)),
            await tx.recalls.add(recall("private")),
        )
        servings = await tx.recalls.servings()
        await tx.recalls.stop_post(first, copy(), servings)
        await tx.recalls.stop_post(second, copy(), servings)
        await tx.recalls.stop_post(second, copy(2, "https://a.test/2"), servings)
        [told] = await tx.recalls.receivers(second)
        assert told.posts == ("https://a.test/2",)


async def test_deletions_are_noted_and_old_recalls_forgotten(store: Database) -> None:
    async with store.transaction() as tx:
        number = await tx.recalls.add(recall())
        await tx.recalls.stop_post(number, copy(), [])
        await tx.activities.withdraw("https://a.test/1", NOW + 5)
        [post] = await tx.recalls.posts(number)
        assert post.deleted_at == NOW + 5
        ended = _at(await tx.recalls.by_id(number), RecallState.SENT)
        await tx.recalls.save(ended.__class__(**{**_fields(ended), "sent_at": NOW}))  # type: ignore[arg-type]
        await tx.recalls.forget(NOW)
        assert await tx.recalls.by_id(number) is not None
        await tx.recalls.forget(NOW + 1)
        assert await tx.recalls.by_id(number) is None
        assert await tx.recalls.newest(9) == []
