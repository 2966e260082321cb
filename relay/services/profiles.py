"""What subscribers want: looked up and changed, by operators and by the admins of subscribers."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from relay.domain.errors import NotFound, Refused
from relay.domain.profile_text import sentence
from relay.domain.subscriber_profile import default_profile

if TYPE_CHECKING:
    from relay.domain.policy import Verb
    from relay.domain.subscriber_profile import SubscriberProfile
    from relay.domain.subscription import Subscription
    from relay.ports import Clock, Store
    from relay.services.decide import Decider
    from relay.services.subscribers import Subscribers


class Profiles:
    """Changes profiles. `wanted`, the profile of subscribers that chose none, may be replaced while running."""

    def __init__(
        self, *, store: Store, clock: Clock, decider: Decider, subscribers: Subscribers, wanted: str | None
    ) -> None:
        self._store, self._clock, self._decider = store, clock, decider
        self._subscribers, self.wanted = subscribers, wanted

    @property
    def known(self) -> dict[str, frozenset[Verb]]:
        """The policy's profiles, and the decisions after which each is sent something."""
        return dict(self._decider.policy.profiles)

    @property
    def names(self) -> list[str]:
        """The names of the policy's profiles."""
        return list(self.known)

    @property
    def default(self) -> str:
        """The profile of subscribers that chose none."""
        return default_profile(self._decider.policy.profiles, self.wanted)

    def sentence(self, profile: SubscriberProfile) -> str:
        """A profile in a line for people, with what became of a name that the policy does not have any more."""
        text = sentence(profile, self.default)
        gone = profile.name is not None and profile.name not in self.known
        return f"{text} (the policy has no such profile: {self.default} counts)" if gone else text

    async def change(
        self,
        subscription: Subscription,
        profile: SubscriberProfile,
        *,
        who: str,
        locked: bool | None = None,
        reason: str | None = None,
    ) -> Subscription:
        """Let a subscriber have another profile from now on. `locked` None leaves that as it is.

        An operator's change. Raises `NotFound` when the subscription has gone.
        """
        return await self._change(subscription, profile, who=who, locked=locked, reason=reason)

    async def choose(
        self, subscription: Subscription, profile: SubscriberProfile, *, who: str
    ) -> Subscription:
        """The same by the subscriber's own admin. Raises `Refused` when only operators may change the profile."""
        return await self._change(subscription, profile, who=who, locked=None, reason=None, own=True)

    async def _change(
        self,
        subscription: Subscription,
        profile: SubscriberProfile,
        *,
        who: str,
        locked: bool | None,
        reason: str | None,
        own: bool = False,
    ) -> Subscription:
        now = self._clock.now()
        async with self._store.transaction() as tx:
            current = await tx.subscribers.by_actor(subscription.actor)
            if current is None or current.id != subscription.id:
                raise NotFound(f"{subscription.server} does not subscribe any more")
            if own and current.profile_locked:
                raise Refused("The operator of the relay has fixed this profile.", code="profile-locked")
            fixed = current.profile_locked if locked is None else locked
            # Whoever still has an earlier post must hear what becomes of it: the log tells which posts are earlier.
            since = await tx.fanout.head() if profile != current.profile else current.profile_since
            await tx.subscribers.set_profile(current.id, profile, since=since, locked=fixed)
            words = [sentence(profile, self.default), *(["locked"] if fixed else []), *filter(None, [reason])]
            await tx.subscribers.audit(
                at=now, who=who, action="profile", subject=current.actor, detail="; ".join(words)
            )
        self._subscribers.changed()
        return replace(current, profile=profile, profile_since=since, profile_locked=fixed)
