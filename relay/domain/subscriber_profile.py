"""What a subscriber wants of what is relayed, and what follows for one activity.

`skip` is the decision, a function of the profile's value and the activity's traits alone, so that it is made once for
all subscribers who want the same. What differs from one to the next is decided beside it: who is in the sample, who may
have had the post before its profile changed, and how fast it may come.

Order: a Delete always passes. Then direction, the policy's profile, language, hashtags, media.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from relay.domain.content import covering_languages

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from relay.domain.policy_rules import Verb
    from relay.domain.rates import Rate
    from relay.domain.traits import Traits

_STEPS: Final = 1 << 32
STRICT: Final = "strict"
"""The profile of a subscriber that chose none, where the policy has one of that name."""
POSTS: Final = frozenset({"Create", "Announce"})
"""Kinds that bring a post; whatever else there is changes one, or an account."""


class Direction(StrEnum):
    """Which way posts travel: `push` is only from the subscriber to us, `receive` only from us to it."""

    BOTH = "both"
    PUSH = "push"
    RECEIVE = "receive"


class Skip(StrEnum):
    """Why a subscriber does not get an activity."""

    DIRECTION = "direction"
    """It only sends."""
    PROFILE = "profile"
    """Its profile does not take what the policy decided about the activity, such as `relay-marked`."""
    LANGUAGE = "language"
    HASHTAG = "hashtag"
    MEDIA = "media"
    SAMPLE = "sample"
    """It gets only a share, and this is not in it."""
    RATE = "rate"
    """More came than it wants in a time."""


@dataclass(frozen=True, slots=True)
class SubscriberProfile:
    """What a subscriber chose. Everything is optional: the default wants all that its default profile takes.

    `name` is one of the policy's profiles, None for the default one. `languages` and `hashtags` are empty for any;
    a post that names no language passes. `media` is False for posts without media only. `sample` is the share of
    posts, above 0 and up to 1. `rate` is how many posts it takes in a time, None for any number.
    `recalls`: its software wants to be told of recalls.
    """

    name: str | None = None
    direction: Direction = Direction.BOTH
    languages: frozenset[str] = frozenset()
    hashtags: frozenset[str] = frozenset()
    media: bool = True
    rate: Rate | None = None
    sample: float = 1.0
    recalls: bool = False

    def as_json(self) -> dict[str, object]:
        """The profile under the names that people write, in a stable order."""
        return {
            "profile": self.name,
            "direction": self.direction.value,
            "languages": sorted(self.languages),
            "hashtags": sorted(self.hashtags),
            "media": self.media,
            "rate": None if self.rate is None else str(self.rate),
            "sample": self.sample,
            "recalls": self.recalls,
        }


def default_profile(profiles: Sequence[tuple[str, frozenset[Verb]]], wanted: str | None = None) -> str:
    """The profile of subscribers that chose none: `wanted` where it is one, else `strict`, else the narrowest.

    `profiles` are the policy's, names and verbs, at least one.
    """
    names = [name for name, _ in profiles]
    for name in (wanted, STRICT):
        if name in names:
            return name
    return min(profiles, key=lambda one: (len(one[1]), one[0]))[0]


def accepted_verbs(
    profile: SubscriberProfile, profiles: Sequence[tuple[str, frozenset[Verb]]], default: str
) -> frozenset[Verb]:
    """The decisions after which a subscriber is sent something; a profile that is gone counts as the default."""
    found = dict(profiles)
    return found.get(profile.name or default, found[default])


def skip(profile: SubscriberProfile, verbs: Collection[Verb], traits: Traits) -> Skip | None:
    """Why a subscriber that never had the post does not get this; None when it does. `verbs` are its profile's.

    An edit goes where the post went, except that it brings in nothing which the profile does not take. An edit of a
    post that is not in the log any more, and what is about an account, only has to be taken by the profile.
    """
    if traits.kind == "Delete":
        return None
    if profile.direction is Direction.PUSH:
        return Skip.DIRECTION
    if traits.verb not in verbs:
        return Skip.PROFILE
    if traits.original is not None:
        return skip(profile, verbs, traits.original)
    return _unwanted(profile, traits) if traits.kind in POSTS else None


def skip_again(verbs: Collection[Verb], traits: Traits) -> Skip | None:
    """The same for a subscriber that may have had the post before its profile became what it is.

    It gets every edit of it, unless the edit brings in what the profile does not take.
    """
    unchanged = traits.original is not None and traits.verb is traits.original.verb
    return None if unchanged or traits.verb in verbs else Skip.PROFILE


def in_sample(share: float, receiver: str, object_id: str) -> bool:
    """Whether an object is in the share of a receiver: always the same answer, another one for each receiver."""
    if share >= 1.0:
        return True
    digest = hashlib.blake2b(f"{receiver}\n{object_id}".encode(), digest_size=4).digest()
    return int.from_bytes(digest) < share * _STEPS


def _unwanted(profile: SubscriberProfile, traits: Traits) -> Skip | None:
    if traits.media and not profile.media:
        return Skip.MEDIA
    if profile.languages and traits.languages and not _reads(profile.languages, traits.languages):
        return Skip.LANGUAGE
    if profile.hashtags and profile.hashtags.isdisjoint(traits.hashtags):
        return Skip.HASHTAG
    return None


def _reads(languages: frozenset[str], tags: Sequence[str]) -> bool:
    return any(not languages.isdisjoint(covering_languages(tag)) for tag in tags)
