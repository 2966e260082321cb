"""What is done about recalls: look, tell servers, dismiss; and what servers answer.

Each step is one transaction with the letters that it calls for, so a recall is told of as a whole or not at all, and
once. Letters are tried for a week (`relay.services.letters`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from relay.domain import alertwords
from relay.domain.delivery import Verdict
from relay.domain.errors import Conflict, NotFound
from relay.domain.recall import (
    Cause,
    NoticeKind,
    Recall,
    RecallState,
    attempted,
    letter_kind,
    notice_of,
)
from relay.protocol import documents
from relay.protocol import recall as forms

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from relay.domain.intake import Letter
    from relay.domain.recall import Notice
    from relay.ports import Clock, Store, Tx
    from relay.ports.recall import RecallCounts, RecalledPost, Told
    from relay.services.alerts import Alerts
    from relay.services.identity import Identity
    from relay.services.signals import Signals

POSTS_OF_A_FLAG: Final = 50
"""Posts that one report names; of more there are several reports."""
NOTICES_SHOWN: Final = 500
MOST: Final = 100_000
"""Recalls of a list that are looked at together."""
WHO: Final = "relay"

_NAMES: Final = {NoticeKind.FLAG: "Flag", NoticeKind.MACHINE: forms.MEDIA_RECALL}


@dataclass(frozen=True, slots=True)
class RecallReport:
    """A recall in numbers."""

    recall: Recall
    counts: RecallCounts


@dataclass(frozen=True, slots=True)
class RecallDetails:
    """All about a recall. `files` are digests."""

    recall: Recall
    counts: RecallCounts
    files: Sequence[str]
    posts: Sequence[RecalledPost]
    notices: Sequence[Notice]


class Recalls:
    """Shows, sends, dismisses and ends recalls, and keeps account of who was told."""

    def __init__(
        self, *, store: Store, clock: Clock, signals: Signals, identity: Identity, alerts: Alerts
    ) -> None:
        self._store, self._clock, self._signals, self._identity = store, clock, signals, identity
        self._alerts = alerts

    # ------------------------------------------------------------------ look

    async def all(self, most: int = 100) -> list[RecallReport]:
        """Return the newest recalls."""
        async with self._store.reading() as tx:
            found = await tx.recalls.newest(most)
            counts = await tx.recalls.counts([one.id for one in found])
        return [RecallReport(one, counts[one.id]) for one in found]

    async def show(self, number: int) -> RecallDetails:
        """Return all about a recall. Raises `NotFound`."""
        async with self._store.reading() as tx:
            recall = await _found(tx, number)
            counts = (await tx.recalls.counts([number]))[number]
            files, posts = await tx.recalls.files(number), await tx.recalls.posts(number)
            notices = await tx.recalls.notices(number, NOTICES_SHOWN)
        return RecallDetails(recall, counts, files, posts, notices)

    async def counts(self) -> Mapping[str, int]:
        """Count recalls by state; `notices` are on their way."""
        async with self._store.reading() as tx:
            return await tx.recalls.waiting()

    # ------------------------------------------------------------------ tell

    async def send(self, number: int, *, who: str, note: str = "", notify: bool = True) -> RecallDetails:
        """Undo our Announces and tell every server that may have received it. Raises `NotFound`, `Conflict`."""
        async with self._store.transaction() as tx:
            recall = await _found(tx, number)
            if recall.state not in {RecallState.WAITING, RecallState.DUE}:
                raise Conflict(f"recall {number} is {recall.state}: servers cannot be told", code="not-open")
            await self._send(tx, recall, who=who, note=note, notify=notify)
        self._signals.letters.set()
        return await self.show(number)

    async def send_due(self, *, notify: bool, flood: int) -> int:
        """Tell servers of what is due; return the number of recalls.

        When a list has so many recalls under way that they are in more posts than `flood`, all of them wait for a
        person: the import that brought them is probably wrong.
        """
        now, sent = self._clock.now(), 0
        async with self._store.reading() as tx:
            due = await tx.recalls.due(now)
        floods = {name for name in {one.list for one in due} if await self._held_up(name, flood)}
        for one in due:
            if one.list in floods:
                continue
            async with self._store.transaction() as tx:
                recall = await tx.recalls.by_id(one.id)
                if recall is not None and recall.state is RecallState.DUE:  # nobody decided meanwhile
                    await self._send(tx, recall, who=WHO, note="", notify=notify)
                    sent += 1
        if sent:
            self._signals.letters.set()
        return sent

    async def _held_up(self, name: str, flood: int) -> bool:
        """Whether the recalls of a list that are under way are too many together; then they wait for a person."""
        async with self._store.transaction() as tx:
            under_way = [one for one in await tx.recalls.newest(MOST, {RecallState.DUE}) if one.list == name]
            counts = await tx.recalls.counts([one.id for one in under_way])
            if sum(one.posts for one in counts.values()) <= flood:
                return False
            for one in under_way:
                await tx.recalls.save(replace(one, state=RecallState.WAITING, cause=Cause.FLOOD, act_at=None))
            await self._alerts.note(tx, alertwords.recalled(under_way[0].id, waits=True))
        return True

    async def _send(self, tx: Tx, recall: Recall, *, who: str, note: str, notify: bool) -> None:
        now = self._clock.now()
        posts = {post.object_id: post for post in await tx.recalls.posts(recall.id)}
        announces = [post for post in await tx.recalls.posts(recall.id) if post.announce is not None]
        for told in await tx.recalls.receivers(recall.id):
            for post in announces:
                if post.object_id in told.posts:
                    await self._undo_announce(tx, recall, told, post, now)
            if not notify:
                continue
            theirs = [posts[object_id] for object_id in told.posts]
            await self._flag(tx, recall, told, theirs, now)
            if told.machine:
                await self._machine(tx, recall, told, theirs, now)
        sent = replace(recall, state=RecallState.SENT, act_at=None, sent_at=now, who=who, note=note)
        await tx.recalls.save(sent)
        await _audit(tx, recall, "recall-sent", at=now, who=who, note=note)

    async def _undo_announce(
        self, tx: Tx, recall: Recall, told: Told, post: RecalledPost, now: float
    ) -> None:
        document = forms.undo_announce(
            id=self._new_id(),
            actor=self._identity.actor,
            to=told.actor,
            announce=post.announce or "",
            object_id=post.object_id,
        )
        await self._post(tx, recall, told, NoticeKind.UNDO, document, [post.object_id], now)

    async def _flag(
        self, tx: Tx, recall: Recall, told: Told, posts: Sequence[RecalledPost], now: float
    ) -> None:
        authors: dict[str | None, list[str]] = {}
        for post in posts:
            authors.setdefault(post.author, []).append(post.object_id)
        for author, ids in authors.items():
            for start in range(0, len(ids), POSTS_OF_A_FLAG):
                some = ids[start : start + POSTS_OF_A_FLAG]
                document = forms.flag(
                    id=self._new_id(),
                    actor=self._identity.actor,
                    to=told.actor,
                    author=author,
                    posts=some,
                    now=now,
                )
                await self._post(tx, recall, told, NoticeKind.FLAG, document, some, now)

    async def _machine(
        self, tx: Tx, recall: Recall, told: Told, posts: Sequence[RecalledPost], now: float
    ) -> None:
        ids = [post.object_id for post in posts]
        document = forms.media_recall(
            id=self._new_id(),
            actor=self._identity.actor,
            to=told.actor,
            posts=ids,
            media=list(dict.fromkeys(url for post in posts for url in post.media if url)),
            now=now,
        )
        await self._post(tx, recall, told, NoticeKind.MACHINE, document, ids, now)

    async def _post(
        self,
        tx: Tx,
        recall: Recall,
        told: Told,
        kind: NoticeKind,
        document: documents.Json,
        posts: Sequence[str],
        now: float,
    ) -> None:
        number = await tx.recalls.add_notice(
            recall.id, told, kind, document=str(document["id"]), posts=posts, at=now
        )
        letter = (letter_kind(number), told.actor, told.inbox, documents.dump(document))
        await tx.subscribers.send([letter], now)

    def _new_id(self) -> str:
        return self._identity.new_id(self._clock.new_id())

    # ------------------------------------------------------------------ take back

    async def dismiss(self, number: int, *, who: str, note: str) -> RecallDetails:
        """Say that a recall is wrong: its files go out again, its list says nothing about them any more.

        Attestations stand again, and whoever was told is told that it was a mistake. Raises `NotFound`, `Conflict`.
        """
        async with self._store.transaction() as tx:
            recall = await _found(tx, number)
            if not recall.stands:
                raise Conflict(f"recall {number} is {recall.state} already", code="not-open")
            await self._take_back(tx, recall, RecallState.DISMISSED, who=who, note=note)
        self._signals.letters.set()
        return await self.show(number)

    async def undo(self, number: int) -> None:
        """End a recall whose entry is not on the list any more."""
        async with self._store.transaction() as tx:
            recall = await tx.recalls.by_id(number)
            if recall is not None and recall.stands:
                await self._take_back(
                    tx, recall, RecallState.UNDONE, who=WHO, note="not on the list any more"
                )
        self._signals.letters.set()

    async def _take_back(self, tx: Tx, recall: Recall, state: RecallState, *, who: str, note: str) -> None:
        now = self._clock.now()
        await tx.recalls.save(replace(recall, state=state, act_at=None, closed_at=now, who=who, note=note))
        await tx.recalls.release(recall.id, now)
        for notice, told in await tx.recalls.cancel(recall.id, now):
            name = _NAMES.get(notice.kind)
            if name is None:
                continue
            document = forms.withdrawal(
                id=self._new_id(),
                actor=self._identity.actor,
                to=told.actor,
                document=notice.document,
                kind=name,
                posts=notice.posts,
                now=now,
            )
            await self._post(tx, recall, told, NoticeKind.WITHDRAWAL, document, notice.posts, now)
        await _audit(tx, recall, f"recall-{state}", at=now, who=who, note=note)

    # ------------------------------------------------------------------ who was told

    async def tried(
        self, tx: Tx, letter: Letter, verdict: Verdict, error: str, now: float, *, old: bool
    ) -> None:
        """Note what an attempt at a letter came to, if it carries a notice; in the transaction of the letter."""
        number = notice_of(letter.kind)
        if number is not None:
            state = attempted(verdict, old=old)
            shown = None if verdict is Verdict.DELIVERED else error
            await tx.recalls.attempted(number, state, shown, now)

    async def answered(self, server: str, document: str | None, *, accepted: bool) -> bool:
        """Note that a server answered a notice of its own; False when it is about none."""
        if document is None:
            return False
        answer = "accepted" if accepted else "rejected"
        async with self._store.transaction() as tx:
            return await tx.recalls.answered(server, document, answer, self._clock.now()) is not None


async def _found(tx: Tx, number: int) -> Recall:
    recall = await tx.recalls.by_id(number)
    if recall is None:
        raise NotFound(f"there is no recall {number}")
    return recall


async def _audit(tx: Tx, recall: Recall, action: str, *, at: float, who: str, note: str) -> None:
    await tx.subscribers.audit(at=at, who=who, action=action, subject=f"recall {recall.id}", detail=note)
