"""Who wants an activity, decided once for all subscribers that want the same.

Subscribers with equal profiles share a `Selector`, which remembers what it decided about the newest log positions. So
the cost of an activity grows with the number of distinct profiles; for each subscriber a look-up is left.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from relay.domain.subscriber_profile import accepted_verbs, default_profile, skip, skip_again

if TYPE_CHECKING:
    from relay.domain.log import LogEntry
    from relay.domain.policy import Verb
    from relay.domain.subscriber_profile import Skip, SubscriberProfile
    from relay.services.decide import Decider

REMEMBERED: Final = 512
"""Positions of which a selector knows the decision: whoever keeps up is closer together than that."""


class Selector:
    """One profile under one policy."""

    def __init__(self, profile: SubscriberProfile, verbs: frozenset[Verb]) -> None:
        self.profile, self._verbs = profile, verbs
        self._decided: dict[int, Skip | None] = {}
        self.decisions = 0
        """Decisions made since the start."""

    def skip(self, entry: LogEntry) -> Skip | None:
        """Why subscribers with this profile do not get an entry; see `domain.subscriber_profile.skip`."""
        try:
            return self._decided[entry.position]
        except KeyError:
            pass
        if len(self._decided) >= REMEMBERED:
            self._decided.clear()
        self.decisions += 1
        found = self._decided[entry.position] = skip(self.profile, self._verbs, entry.traits)
        return found

    def skip_again(self, entry: LogEntry) -> Skip | None:
        """The same for who may have had the post before it chose this profile."""
        return skip_again(self._verbs, entry.traits)


class Selectors:
    """The selectors in use, under the policy in force.

    `wanted`, the profile of who chose none, may be replaced while running.
    """

    def __init__(self, decider: Decider, wanted: str | None) -> None:
        self._decider, self.wanted = decider, wanted
        self._policy, self._used_default = decider.policy, wanted
        self._selectors: dict[SubscriberProfile, Selector] = {}

    @property
    def default(self) -> str:
        """The profile of who chose none."""
        return default_profile(self._decider.policy.profiles, self.wanted)

    @property
    def decisions(self) -> int:
        """Decisions made by the selectors in use."""
        return sum(selector.decisions for selector in self._selectors.values())

    def of(self, profile: SubscriberProfile) -> Selector:
        """Return the selector of a profile, the same for equal ones."""
        found = self._selectors.get(profile)
        if found is None:
            verbs = accepted_verbs(profile, self._policy.profiles, self.default)
            found = self._selectors[profile] = Selector(profile, verbs)
        return found

    def renew(self) -> bool:
        """Forget every selector when there is another policy or default; return whether there is."""
        if self._policy is self._decider.policy and self._used_default == self.wanted:
            return False
        self._policy, self._used_default = self._decider.policy, self.wanted
        self._selectors.clear()
        return True

    def keep(self, used: set[Selector]) -> None:
        """Forget selectors that nobody uses any more."""
        self._selectors = {one.profile: one for one in used}
