"""Subscriptions: what comes in from servers, and what the operator commands."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from relay.domain import alertwords, hosts
from relay.domain.errors import Conflict, Malformed, NotFound, Refused
from relay.domain.subscription import (
    Back,
    Command,
    Dialect,
    Mode,
    Outcome,
    Reply,
    State,
    Subscription,
    dialect_of,
    is_server_actor,
    leave_replies,
    on_command,
    on_follow,
)
from relay.protocol import documents

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from relay.domain.activity import Activity
    from relay.domain.actor import Actor
    from relay.domain.moderation import Cause
    from relay.domain.software import Software
    from relay.ports import Clock, Store, Tx
    from relay.services.alerts import Alerts
    from relay.services.identity import Identity
    from relay.services.peers import Peers
    from relay.services.signals import Signals

MOST_OF_ONE_SERVER: Final = 50
"""Subscriptions of one server: every post is sent to each of them, and a server can have any number of actors."""
_OUTDATED: Final = {
    Reply.ACCEPT: {Reply.ACCEPT, Reply.REJECT},
    Reply.REJECT: {Reply.ACCEPT, Reply.REJECT, Reply.FOLLOW_BACK},
    Reply.FOLLOW_BACK: {Reply.FOLLOW_BACK, Reply.UNDO_FOLLOW_BACK},
    Reply.UNDO_FOLLOW_BACK: {Reply.FOLLOW_BACK, Reply.UNDO_FOLLOW_BACK},
}
"""Letters on their way that a new letter makes pointless."""


class Subscribers:
    """Keeps the subscriptions. `mode` and `allow` may be replaced while running."""

    def __init__(
        self,
        *,
        store: Store,
        clock: Clock,
        signals: Signals,
        identity: Identity,
        peers: Peers,
        alerts: Alerts,
        mode: Mode,
        allow: Sequence[str],
    ) -> None:
        self._store, self._clock, self._signals, self._identity = store, clock, signals, identity
        self._peers, self._alerts = peers, alerts
        self.mode, self.allow = mode, tuple(allow)

    # ------------------------------------------------------------------ from servers

    async def follow(self, activity: Activity, actor: Actor) -> Subscription:
        """Handle a Follow whose signature belongs to `actor`.

        Raises `Malformed` when it follows nothing of ours, `Refused` when its server has enough subscriptions.
        """
        dialect = dialect_of(activity.object_id or "", self._identity.actor)
        echo = documents.FollowEcho.of(activity)
        if dialect is None or echo is None:
            message = "A relay is followed by a Follow with an id, of as:Public or of its actor."
            raise Malformed(message, code="follows-nothing-here")
        server = hosts.server_name(actor.id)
        now = self._clock.now()
        async with self._store.transaction() as tx:
            await tx.blocking.drop_opt_out(actor.id)  # whoever follows wants to hear from the relay again
            existing = await tx.subscribers.by_actor(actor.id)
            upstream = await tx.upstreams.by_actor(actor.id)
            outcome = on_follow(
                existing,
                dialect,
                self.mode,
                allowed=any(hosts.matches(pattern, server) for pattern in self.allow),
                person=dialect is Dialect.LITEPUB and not is_server_actor(actor.type, actor.id),
                followed=upstream is not None and dialect is Dialect.LITEPUB,
            )
            if existing is None:
                if await tx.subscribers.number_of(server) >= MOST_OF_ONE_SERVER:
                    message = "This server has as many subscriptions as one may have."
                    raise Refused(message, code="too-many-subscriptions")
                subscription = await self._add(tx, echo.document(), actor, dialect, outcome, now)
            else:
                subscription = replace(
                    existing,
                    follow=echo.document(),
                    inbox=actor.inbox,
                    dialect=dialect,
                )
            subscription = await self._apply(tx, subscription, outcome, now)
            await tx.subscribers.audit(
                at=now, who=actor.id, action="follow", subject=actor.id, detail=outcome.state.value
            )
            if outcome.state is State.PENDING and (existing is None or existing.state is not State.PENDING):
                await self._alerts.note(tx, alertwords.subscriber_waits(subscription.id))
        self.changed()
        return subscription

    async def undo(self, actor_id: str) -> bool:
        """Handle an Undo of a Follow by its own actor: it is forgotten at once; False when there was none."""
        async with self._store.transaction() as tx:
            subscription = await tx.subscribers.by_actor(actor_id)
            if subscription is None:
                return False
            await tx.subscribers.recall_letters(actor_id, {Reply.ACCEPT.value, Reply.FOLLOW_BACK.value})
            if subscription.back is not Back.NONE:
                await self._write(tx, subscription, (Reply.UNDO_FOLLOW_BACK,))
            await tx.subscribers.remove(subscription.id)
            await tx.subscribers.audit(
                at=self._clock.now(), who=actor_id, action="unfollow", subject=actor_id, detail=""
            )
        self.changed()
        return True

    async def leave(self, tx: Tx, actor_id: str) -> bool:
        """End the subscription of an actor that blocked the relay: nothing is sent. False when there was none."""
        subscription = await tx.subscribers.by_actor(actor_id)
        if subscription is None:
            return False
        await tx.subscribers.recall_letters(actor_id, {reply.value for reply in Reply})
        await tx.subscribers.remove(subscription.id)
        return True

    async def answered(self, actor_id: str, follow_id: str | None, *, accepted: bool) -> bool:
        """Handle Accept or Reject of our own Follow; ignored (False) unless we sent that Follow to that actor."""
        async with self._store.transaction() as tx:
            subscription = await tx.subscribers.by_actor(actor_id)
            if subscription is None or subscription.back is Back.NONE or follow_id != subscription.back_id:
                return False
            back = Back.ACCEPTED if accepted else Back.NONE
            await tx.subscribers.save(replace(subscription, back=back), self._clock.now())
        return True

    # ------------------------------------------------------------------ from the operator

    async def all(self) -> list[Subscription]:
        """Return every subscription, oldest first."""
        async with self._store.reading() as tx:
            return await tx.subscribers.all()

    async def find(self, text: str) -> Subscription:
        """Return the subscription of an actor id, a server name or a number. Raises `NotFound`, `Conflict`."""
        found = [s for s in await self.all() if text in {s.actor, s.server, str(s.id)}]
        if not found:
            raise NotFound(f"no subscriber is called {text}")
        if len(found) > 1:
            names = ", ".join(s.actor for s in found)
            raise Conflict(f"{text} has several subscriptions, name one: {names}", code="ambiguous")
        return found[0]

    async def details(self, subscription: Subscription) -> Mapping[str, object]:
        """Return how deliveries to a subscriber go, for people."""
        async with self._store.reading() as tx:
            return await tx.subscribers.details(subscription.id)

    async def software(self, subscription: Subscription) -> Software | None:
        """Return what a subscriber's server runs, as far as it said so."""
        async with self._store.reading() as tx:
            known = await tx.servers.known(subscription.server)
        return None if known is None else known.software

    async def command(self, text: str, command: Command, *, who: str, reason: str | None) -> Subscription:
        """Carry out an operator's command. Raises `NotFound`, or `Conflict` when it does not fit the state."""
        chosen = await self.find(text)
        now = self._clock.now()
        async with self._store.transaction() as tx:
            current = await tx.subscribers.by_actor(chosen.actor)
            if current is None:
                raise NotFound(f"no subscriber is called {text}")
            outcome = await self._commanded(tx, current, command, reason)
            changed = await self._apply(tx, current, outcome, now)
            await tx.subscribers.audit(
                at=now, who=who, action=command.value, subject=current.actor, detail=reason or ""
            )
        self.changed()
        return changed

    async def _commanded(
        self, tx: Tx, current: Subscription, command: Command, reason: str | None
    ) -> Outcome:
        """Decide what a command means. What the relay itself suspended ends by itself, or becomes the operator's."""
        held = current.id in await tx.blocking.suspensions()
        if held and command is Command.RESUME:
            fix = "it resumes by itself when that ends; a server in federation.allow is blocked by no list"
            raise Conflict(f"{current.server} is suspended, {current.reason}: {fix}")
        if held and command is Command.SUSPEND:
            await tx.blocking.unsuspend(current.id)
            return Outcome(State.SUSPENDED, (), reason)
        outcome = on_command(current, command, reason)
        if outcome is None:
            raise Conflict(f"{current.server} is {current.state}: {command} does not fit")
        return outcome

    async def interrupt(self, actor_id: str, cause: Cause, reason: str, *, who: str) -> bool:
        """Suspend a subscription for a cause that ends by itself; nothing goes to it, what waits is taken back."""
        now = self._clock.now()
        async with self._store.transaction() as tx:
            current = await tx.subscribers.by_actor(actor_id)
            if current is None:
                return False
            await tx.subscribers.recall_letters(actor_id, {reply.value for reply in Reply})
            await tx.blocking.suspend(current.id, cause, current.state, now)
            await self._apply(tx, current, Outcome(State.SUSPENDED, (), reason), now)
            await tx.subscribers.audit(at=now, who=who, action="suspend", subject=actor_id, detail=reason)
        self.changed()
        return True

    async def restore(self, actor_id: str, *, who: str) -> bool:
        """End what `interrupt` began: the subscription is what it was before, unless a person decided meanwhile."""
        now = self._clock.now()
        async with self._store.transaction() as tx:
            current = await tx.subscribers.by_actor(actor_id)
            if current is None:
                return False
            held = (await tx.blocking.suspensions()).get(current.id)
            await tx.blocking.unsuspend(current.id)
            if held is None or current.state is not State.SUSPENDED:
                return False
            pending = held[1] is State.PENDING
            outcome = (
                Outcome(State.PENDING, (), "waiting for approval")
                if pending
                else Outcome(State.ACCEPTED, (Reply.ACCEPT,))
            )
            await self._apply(tx, current, outcome, now)
            await tx.subscribers.audit(
                at=now, who=who, action="resume", subject=actor_id, detail=current.reason or ""
            )
        self.changed()
        return True

    async def remove(self, text: str, *, who: str, reason: str | None = None) -> Subscription:
        """Forget a subscriber and tell it so; it may follow again."""
        chosen = await self.find(text)
        async with self._store.transaction() as tx:
            await self._write(tx, chosen, leave_replies(chosen))
            await tx.subscribers.remove(chosen.id)
            await tx.subscribers.audit(
                at=self._clock.now(), who=who, action="remove", subject=chosen.actor, detail=reason or ""
            )
        self.changed()
        return chosen

    # ------------------------------------------------------------------ effects

    async def _add(
        self,
        tx: Tx,
        follow: Mapping[str, object],
        actor: Actor,
        dialect: Dialect,
        outcome: Outcome,
        now: float,
    ) -> Subscription:
        server = hosts.server_name(actor.id)
        number = await tx.subscribers.add(
            actor=actor.id,
            server=server,
            inbox=actor.inbox,
            dialect=dialect,
            state=State.PENDING,
            follow=follow,
            now=now,
            reason=outcome.reason,
            back=Back.NONE,
            back_id=None,
            cursor=await tx.fanout.head(),
        )
        return Subscription(
            id=number,
            actor=actor.id,
            server=server,
            inbox=actor.inbox,
            dialect=dialect,
            state=State.PENDING,
            follow=follow,
            created_at=now,
            changed_at=now,
        )

    async def _apply(self, tx: Tx, subscription: Subscription, outcome: Outcome, now: float) -> Subscription:
        """Write the new state and the letters it calls for. Who starts to be served starts at the log's head."""
        starts = outcome.state is State.ACCEPTED and subscription.state not in {
            State.ACCEPTED,
            State.UNREACHABLE,
        }
        if starts:
            await tx.subscribers.place(subscription.id, await tx.fanout.head())
        changed = replace(subscription, state=outcome.state, reason=outcome.reason)
        if Reply.FOLLOW_BACK in outcome.replies:
            back_id = self._identity.new_id(self._clock.new_id())
            changed = replace(changed, back=Back.SENT, back_id=back_id)
        await self._write(tx, changed, outcome.replies)
        if Reply.UNDO_FOLLOW_BACK in outcome.replies:
            changed = replace(changed, back=Back.NONE, back_id=None)
        await tx.subscribers.save(changed, now)
        return replace(changed, changed_at=now)

    async def _write(self, tx: Tx, subscription: Subscription, replies: Sequence[Reply]) -> None:
        outdated = {kind.value for reply in replies for kind in _OUTDATED[reply]}
        if outdated:
            await tx.subscribers.recall_letters(subscription.actor, outdated)
        letters = [
            (reply.value, subscription.actor, subscription.inbox, self._letter(subscription, reply))
            for reply in replies
        ]
        await tx.subscribers.send(letters, self._clock.now())

    def _letter(self, subscription: Subscription, reply: Reply) -> bytes:
        own, new_id = self._identity.actor, self._identity.new_id(self._clock.new_id())
        theirs = documents.FollowEcho(
            subscription.follow_id, subscription.actor, str(subscription.follow.get("object"))
        )
        back_id = subscription.back_id or new_id
        match reply:
            case Reply.ACCEPT:
                document = documents.accept(id=new_id, actor=own, follow=theirs)
            case Reply.REJECT:
                document = documents.reject(id=new_id, actor=own, follow=theirs)
            case Reply.FOLLOW_BACK:
                document = documents.follow(
                    id=back_id, actor=own, target=subscription.actor, to=subscription.actor
                )
            case Reply.UNDO_FOLLOW_BACK:
                ours = documents.FollowEcho(back_id, own, subscription.actor)
                document = documents.undo(id=new_id, actor=own, follow=ours, to=subscription.actor)
        return documents.dump(document)

    def changed(self) -> None:
        """Something changed in the store: look again, and let the workers look."""
        self._peers.changed()
        self._signals.letters.set()
        self._signals.software.set()
        self._signals.changed()
