"""Subscriptions, letters to them, and what was fetched about actors."""

from __future__ import annotations

from typing import TYPE_CHECKING

from relay.adapters.sql import codec
from relay.adapters.sql.shares import cursors
from relay.domain.subscription import SERVED

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from relay.adapters.sql.queries import Queries
    from relay.domain.intake import Letter, StoredKey
    from relay.domain.subscriber_profile import SubscriberProfile
    from relay.domain.subscription import Back, Dialect, State, Subscription


class SqlSubscribers:
    """Port `Subscribers` on SQL."""

    def __init__(self, queries: Queries) -> None:
        self._sql = queries

    async def all(self) -> list[Subscription]:
        """Return every subscription, oldest first."""
        return [codec.subscription(row) for row in await self._sql.rows("all_subscriptions")]

    async def version(self) -> int:
        """Return a number that grows whenever a subscription came, went or changed."""
        version: int = await self._sql.value("mark", name="subscriptions") or 0
        return version

    async def by_actor(self, actor: str) -> Subscription | None:
        """Return the subscription of an actor."""
        row = await self._sql.row("subscription_by_actor", actor=actor)
        return None if row is None else codec.subscription(row)

    async def add(
        self,
        *,
        actor: str,
        server: str,
        inbox: str,
        dialect: Dialect,
        state: State,
        follow: Mapping[str, object],
        now: float,
        reason: str | None,
        back: Back,
        back_id: str | None,
        cursor: int,
    ) -> int:
        """Add a subscription; return its number."""
        await self._sql.run("touch_mark", name="subscriptions")
        number: int = await self._sql.value(
            "add_subscription",
            actor=actor,
            server=server,
            inbox=inbox,
            dialect=dialect.value,
            state=state.value,
            follow=codec.json(follow),
            now=now,
            reason=reason,
            back=back.value,
            back_id=back_id,
            cursor=cursor,
        )
        if state in SERVED:
            await self._sql.run("open_serving", id=number, first=cursor)
        await self._sql.run("find_profile", id=number, since=cursor)
        await self._sql.run("drop_left_profile", actor=actor)
        return number

    async def save(self, subscription: Subscription, now: float) -> None:
        """Write state, inbox, dialect, newest Follow, reason and our Follow of it; not its profile."""
        await self._sql.run("touch_mark", name="subscriptions")
        if subscription.state not in SERVED:
            await self._close_serving(subscription.id)
        await self._sql.run(
            "save_subscription",
            id=subscription.id,
            inbox=subscription.inbox,
            dialect=subscription.dialect.value,
            state=subscription.state.value,
            follow=codec.json(subscription.follow),
            now=now,
            reason=subscription.reason,
            back=subscription.back.value,
            back_id=subscription.back_id,
        )

    async def set_profile(
        self, subscription_id: int, profile: SubscriberProfile, *, since: int, locked: bool
    ) -> None:
        """Write what a subscriber wants, from where in the log on, and whether only operators change it."""
        await self._sql.run("touch_mark", name="subscriptions")
        await self._sql.run(
            "set_profile",
            id=subscription_id,
            profile=codec.json(profile.as_json()),
            since=since,
            locked=locked,
        )

    async def place(self, subscription_id: int, cursor: int) -> None:
        """Put a subscriber at a position of the log; what waited for it before that is forgotten."""
        await self._close_serving(subscription_id)
        await self._sql.run("remove_stragglers", id=subscription_id)
        await self._sql.run("open_serving", id=subscription_id, first=cursor)
        await self._sql.run("place_cursor", id=subscription_id, cursor=cursor)

    async def remove(self, subscription_id: int) -> None:
        """Forget a subscription and what waited for it; its profile is kept for when its actor comes back."""
        await self._sql.run("touch_mark", name="subscriptions")
        await self._close_serving(subscription_id)
        await self._sql.run("leave_profile", id=subscription_id)
        await self._sql.run("remove_stragglers", id=subscription_id)
        await self._sql.run("remove_gaps", id=subscription_id)
        await self._sql.run("remove_skipped", id=subscription_id)
        await self._sql.run("remove_subscription", id=subscription_id)

    async def _close_serving(self, subscription_id: int) -> None:
        """Note how far a subscriber may have come, for recalls: nobody knows it later."""
        last = await self._sql.value("last_position")
        await self._sql.run("close_servings", id=subscription_id, last=last)

    async def details(self, subscription_id: int) -> Mapping[str, object]:
        """Return counters, cursor, lag, what was skipped, stragglers, gaps, letters and host health, for people."""
        row = await self._sql.row("subscription_by_id", id=subscription_id)
        if row is None:
            return {}
        cursor = (await cursors(self._sql))(row)
        host = await self._sql.row("host", server=row["server"])
        skipped = await self._sql.rows("skipped_of", subscription=row["id"])
        return {
            "cursor": cursor,
            "behind": max(0, await self._sql.value("last_position") - cursor),
            "delivered": row["delivered"],
            "refused": row["refused"],
            "failed": row["failed"],
            "skipped": {r["reason"]: r["times"] for r in skipped},
            "stragglers": [dict(r) for r in await self._sql.rows("stragglers_of", subscription=row["id"])],
            "gaps": [dict(r) for r in await self._sql.rows("gaps_of", subscription=row["id"])],
            "letters": [dict(r) for r in await self._sql.rows("letters_to", actor=row["actor"])],
            "host": None if host is None else dict(host),
        }

    async def send(self, letters: Sequence[tuple[str, str, str, bytes]], now: float) -> None:
        """Put messages on their way."""
        await self._sql.many(
            "add_letter",
            [
                {"kind": kind, "actor": actor, "inbox": inbox, "body": body, "now": now}
                for kind, actor, inbox, body in letters
            ],
        )

    async def recall_letters(self, actor: str, kinds: Collection[str]) -> None:
        """Take back messages of these kinds that did not arrive yet."""
        await self._sql.run("drop_letters_to", actor=actor, kinds=codec.json(sorted(kinds)))

    async def claim_letters(self, *, now: float, until: float, most: int) -> list[Letter]:
        """Take messages that are due."""
        rows = await self._sql.rows("due_letters", now=now, most=most)
        await self._sql.many("lease_letters", [{"id": row["id"], "until": until} for row in rows])
        return [codec.letter(row) for row in rows]

    async def next_letter(self) -> float | None:
        """When the next message falls due."""
        due: float | None = await self._sql.value("next_due_letter")
        return due

    async def drop_letter(self, letter_id: int) -> None:
        """A message arrived, or is given up."""
        await self._sql.run("drop_letter", id=letter_id)

    async def delay_letter(self, letter_id: int, due_at: float, error: str) -> None:
        """A message failed and is tried again."""
        await self._sql.run("delay_letter", id=letter_id, due_at=due_at, error=error)

    async def actor(self, actor_id: str) -> tuple[bytes, float] | None:
        """Return a stored actor document and when it was fetched."""
        row = await self._sql.row("actor_by_id", id=actor_id)
        return None if row is None else (row["document"], row["fetched_at"])

    async def save_actor(self, actor_id: str, document: bytes, at: float) -> None:
        """Store an actor document."""
        await self._sql.run("save_actor", id=actor_id, document=document, at=at)

    async def key(self, key_id: str) -> StoredKey | None:
        """Return a stored public key."""
        row = await self._sql.row("key_by_id", id=key_id)
        return None if row is None else codec.stored_key(row)

    async def save_key(self, key: StoredKey) -> None:
        """Store a public key."""
        await self._sql.run("save_key", id=key.id, actor=key.actor, pem=key.pem, at=key.fetched_at)

    async def forget(self, before: float) -> None:
        """Forget keys and actors that were not fetched again for long, and the health of servers that left."""
        await self._sql.run("forget_keys", before=before)
        await self._sql.run("forget_actors", before=before)
        await self._sql.run("forget_hosts")

    async def trim(self, most: int) -> None:
        """Forget the oldest keys and actors of those that do not subscribe; `most` of each stay."""
        await self._sql.run("trim_left_profiles", most=most)
        await self._sql.run("trim_keys", most=most)
        await self._sql.run("trim_actors", most=most)

    async def trim_audit(self, most: int) -> None:
        """Forget the oldest of what other servers did; `most` lines of it stay, and all that operators did."""
        await self._sql.run("trim_audit", most=most)

    async def number_of(self, server: str) -> int:
        """Return how many subscriptions a server has."""
        number: int = await self._sql.value("count_subscriptions", server=server)
        return number

    async def audit(self, *, at: float, who: str, action: str, subject: str, detail: str) -> None:
        """Write down who changed what."""
        await self._sql.run("add_audit", at=at, who=who, action=action, subject=subject, detail=detail)
