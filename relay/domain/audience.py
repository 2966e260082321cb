"""Who would get more posts, and who fewer, if the policy had decided otherwise.

Subscribers that want the same are one group, for which each activity is decided once; a subscriber is only looked at by
itself when it takes a share, or when the activity names its server: nothing goes back to where it came from. How many
posts a subscriber takes in a time (`rate`) is left out: which of them come too fast is chance.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from relay.domain.replay_report import Others, SubscriberChange
from relay.domain.subscriber_profile import (
    POSTS,
    SubscriberProfile,
    accepted_verbs,
    default_profile,
    in_sample,
    skip,
)
from relay.domain.subscription import Dialect
from relay.domain.traits import Traits

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from relay.domain.facts import Facts
    from relay.domain.policy_rules import Verb
    from relay.domain.subscription import Subscription

    Profiles = Sequence[tuple[str, frozenset[Verb]]]


@dataclass(slots=True)
class _Member:
    """A subscriber, and by how much its counts differ from those of its group."""

    server: str
    actor: str
    share: float
    lost: int = 0
    gained: int = 0


@dataclass(slots=True)
class _Group:
    """Subscribers that want the same; what each side of the comparison sends them."""

    profile: SubscriberProfile
    forwards: bool
    before: frozenset[Verb]
    after: frozenset[Verb]
    members: list[_Member] = field(default_factory=list)
    sharing: list[_Member] = field(default_factory=list)
    by_server: dict[str, list[_Member]] = field(default_factory=dict)
    lost: int = 0
    gained: int = 0

    def apart(self, object_id: str, servers: Iterable[str]) -> Iterable[_Member]:
        """The members that do not get an activity whatever is decided."""
        found = {one.actor: one for server in servers for one in self.by_server.get(server, ())}
        outside = (one for one in self.sharing if not in_sample(one.share, one.actor, object_id))
        return (found | {one.actor: one for one in outside}).values()


class Audience:
    """Counts for each subscriber what it gets more and less. `wanted`: the profile of who chose none."""

    def __init__(
        self, subscribers: Iterable[Subscription], before: Profiles, after: Profiles, wanted: str | None
    ) -> None:
        self._groups: dict[tuple[SubscriberProfile, bool], _Group] = {}
        for one in subscribers:
            profile, forwards = replace(one.profile, sample=1.0, rate=None), one.dialect is Dialect.MASTODON
            group = self._groups.get((profile, forwards))
            if group is None:
                takes = _takes(profile, before, wanted), _takes(profile, after, wanted)
                group = self._groups[profile, forwards] = _Group(profile, forwards, *takes)
            member = _Member(one.server, one.actor, one.profile.sample)
            group.members.append(member)
            group.by_server.setdefault(one.server, []).append(member)
            if member.share < 1.0:
                group.sharing.append(member)
        self._alike = all(group.before == group.after for group in self._groups.values())

    def count(self, object_id: str, kind: str, facts: Facts, before: Verb, after: Verb) -> None:
        """Count one activity that one side gives the verb `before` and the other `after`."""
        if self._alike and before is after:
            return
        content = facts.content
        about = (tuple(sorted(content.languages)), tuple(sorted(content.hashtags)), bool(facts.media))
        had, has = Traits(kind, before, *about), Traits(kind, after, *about)
        for group in self._groups.values():
            if kind not in POSTS and not group.forwards:
                continue  # an edit cannot be announced
            change = _gets(group.profile, group.after, has) - _gets(group.profile, group.before, had)
            if change:
                group.gained += change > 0
                group.lost += change < 0
                for member in group.apart(object_id, facts.from_hosts):
                    member.gained -= change > 0
                    member.lost -= change < 0

    def changes(self, most: int) -> tuple[tuple[SubscriberChange, ...], Others]:
        """The subscribers for which anything changes, those for which most does first, and the sums of the rest."""
        found = [
            SubscriberChange(
                one.server, one.actor, lost=group.lost + one.lost, gained=group.gained + one.gained
            )
            for group in self._groups.values()
            for one in group.members
        ]
        touched = [one for one in found if one.lost or one.gained]
        touched.sort(key=lambda one: (-one.lost - one.gained, one.server, one.actor))
        rest = touched[most:]
        lost, gained = sum(one.lost for one in rest), sum(one.gained for one in rest)
        return tuple(touched[:most]), Others(len(rest), lost + gained, lost, gained)


def _takes(profile: SubscriberProfile, profiles: Profiles, wanted: str | None) -> frozenset[Verb]:
    return accepted_verbs(profile, profiles, default_profile(profiles, wanted))


def _gets(profile: SubscriberProfile, verbs: frozenset[Verb], traits: Traits) -> bool:
    return skip(profile, verbs, traits) is None
