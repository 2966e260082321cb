"""The facts that policies decide on, one closed set.

Facts are about one activity. Where it refers to several media items the single-valued facts are about the
worst of them, so that one clean picture never carries a bad one through; `worst_attestation` and `worst_scan`
hold the orders. `relay.domain.vocabulary` says how policies write each fact and what it means.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING, Final, Self, TypeVar

from relay.domain.content import Content
from relay.domain.media import MatchKind, MediaKind
from relay.domain.rates import PostCounts

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

NONE: Final = "none"
"""The word for "there is none of it": no media, no match, no category, no hashtag."""
YES: Final = "yes"
NO: Final = "no"
"""The words of a fact that holds or does not. YAML 1.2 leaves both as they are written."""


class Fact(StrEnum):
    """The name of a fact, as policies write it."""

    MEDIA = "media"
    MEDIA_COUNT = "media count"
    MEDIA_SIZE = "media size"
    MEDIA_TYPE = "media type"
    ATTESTATION = "attestation"
    ATTESTED_BY = "attested by"
    SCAN = "scan"
    MATCH = "match"
    MATCH_DISTANCE = "match distance"
    CATEGORY = "category"
    LIST = "list"
    FROM = "from"
    ACTOR = "actor"
    TYPE = "type"
    LANGUAGE = "language"
    HASHTAGS = "hashtags"
    MENTIONS = "mentions"
    SENSITIVE = "sensitive"
    SOFTWARE = "software"
    SUBSCRIBED_FOR = "subscribed for"
    FIRST_SEEN = "first seen"
    POSTS_FROM_SERVER = "posts from server"


class AttestationState(StrEnum):
    """What came of the attestations of a media item."""

    VALID = "valid"
    MISSING = "missing"
    UNTRUSTED = "untrusted"
    EXPIRED = "expired"
    BAD_SIGNATURE = "bad-signature"
    HASH_MISMATCH = "hash-mismatch"
    REVOKED = "revoked"


class Scan(StrEnum):
    """What came of scanning a media item, as policies name it.

    `CLEAN` means "no known match", never "safe".
    """

    CLEAN = "clean"
    UNSCANNABLE = "unscannable"
    PENDING = "pending"
    UNAVAILABLE = "unavailable"
    MATCH = "match"


# The issuer took its word back, a true statement was put on other bytes, somebody forged one: each says more
# against the media than the next. An expired or unknown statement says nothing about it, none at all still
# less.
_ATTESTATION_BADNESS: Final = (
    AttestationState.VALID,
    AttestationState.MISSING,
    AttestationState.UNTRUSTED,
    AttestationState.EXPIRED,
    AttestationState.BAD_SIGNATURE,
    AttestationState.HASH_MISMATCH,
    AttestationState.REVOKED,
)
# A match from any scanner is a match; a scan that failed could still have found one, so it is worse than
# media that no scanner can read.
_SCAN_BADNESS: Final = (Scan.CLEAN, Scan.UNSCANNABLE, Scan.PENDING, Scan.UNAVAILABLE, Scan.MATCH)
_MATCH_BADNESS: Final = (
    MatchKind.TEST,
    MatchKind.CLASSIFIER,
    MatchKind.NEAR,
    MatchKind.NCII,
    MatchKind.KNOWN,
)

_State = TypeVar("_State", AttestationState, Scan, MatchKind)


def _worst(order: Sequence[_State], states: Iterable[_State]) -> _State | None:
    return max(states, key=order.index, default=None)


def worst_attestation(states: Iterable[AttestationState]) -> AttestationState:
    """The state of the worst item; `missing` when there are no items.

    From worst to best: revoked, hash-mismatch, bad-signature, expired, untrusted, missing, valid.
    """
    return _worst(_ATTESTATION_BADNESS, states) or AttestationState.MISSING


def worst_scan(states: Iterable[Scan]) -> Scan | None:
    """The state of the worst item, None when none was scanned.

    From worst to best: match, unavailable, pending, unscannable, clean.
    """
    return _worst(_SCAN_BADNESS, states)


def worst_match(kinds: Iterable[MatchKind]) -> MatchKind | None:
    """The worst kind of match, None when nothing matched.

    From worst to best: known, ncii, near, classifier, test.
    """
    return _worst(_MATCH_BADNESS, kinds)


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known about the server that signed an activity.

    `subscribed_for` and `first_seen` are seconds since its first Follow and since the relay first heard of it; 0 for a
    server that is no subscriber or was never heard of, so that probation holds for both. `posts` are those of the last
    minute, hour and day, `software` the name in its NodeInfo, None while that is not known.
    """

    subscribed_for: int = 0
    first_seen: int = 0
    posts: PostCounts = field(default_factory=PostCounts)
    software: str | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known about one activity when it is decided.

    `media`: the kinds of its items, empty when it has none (the policy word is `none`).
    `attestation`, `scan`, `match`: of the worst item, see the functions above; `scan` and `match` may be
    None. `attested_by`: hosts of the issuers of the valid attestations. `match_distance`: bits, the smallest
    of all matches; `category`: of the worst match; `lists`: names of the hash lists that hold the worst match.
    `media_count`: how many items; `media_size`: bytes of the largest that could be had, None when none could;
    `media_types`: by content where a file could be read, else as the post says. `from_hosts`: the servers of the
    signer, the actor, the object and the announced object. `type`: the activity's type. `content`: what the post says
    about itself. `standing`: about the server that signed. Hosts are lower-case A-labels, with `:port` where the URL
    has one.
    """

    media: frozenset[MediaKind] = frozenset()
    attestation: AttestationState = AttestationState.MISSING
    attested_by: frozenset[str] = frozenset()
    scan: Scan | None = None
    match: MatchKind | None = None
    match_distance: int | None = None
    category: str | None = None
    lists: frozenset[str] = frozenset()
    media_count: int = 0
    media_size: int | None = None
    media_types: frozenset[str] = frozenset()
    from_hosts: frozenset[str] = frozenset()
    type: str = "Create"
    content: Content = field(default_factory=Content)
    standing: Standing = field(default_factory=Standing)

    def as_json(self) -> dict[str, object]:
        """The facts under the names policies use, in a stable order, to be kept with a decision."""
        return {
            "media": sorted(self.media) or [NONE],
            "attestation": self.attestation.value,
            "attested by": sorted(self.attested_by),
            "scan": self.scan and self.scan.value,
            "match": self.match and self.match.value,
            "match distance": self.match_distance,
            "category": self.category,
            "list": sorted(self.lists),
            "media count": self.media_count,
            "media size": self.media_size,
            "media type": sorted(self.media_types),
            "from": sorted(self.from_hosts),
            "actor": sorted(self.content.actors),
            "type": self.type,
            "language": sorted(self.content.languages),
            "hashtags": sorted(self.content.hashtags),
            "mentions": self.content.mentions,
            "sensitive": YES if self.content.sensitive else NO,
            "software": self.standing.software,
            "subscribed for": self.standing.subscribed_for,
            "first seen": self.standing.first_seen,
            "posts from server": _per_window(self.standing.posts),
        }

    @classmethod
    def from_json(cls, document: Mapping[str, object]) -> Self:
        """The facts that `as_json` wrote; a fact that is absent has its default.

        Raises `ValueError` when a value is none of the closed set.
        """
        scan, match = document.get("scan"), document.get("match")
        distance, size = document.get("match distance"), document.get("media size")
        category = document.get("category")
        media = frozenset(MediaKind(kind) for kind in _words(document.get("media")) if kind != NONE)
        return cls(
            media=media,
            attestation=AttestationState(str(document.get("attestation", AttestationState.MISSING))),
            attested_by=frozenset(_words(document.get("attested by"))),
            scan=None if scan is None else Scan(str(scan)),
            match=None if match is None else MatchKind(str(match)),
            match_distance=distance if isinstance(distance, int) else None,
            category=category if isinstance(category, str) else None,
            lists=frozenset(_words(document.get("list"))),
            # Decisions of before it was counted have at least one item of each kind.
            media_count=_count(document.get("media count", len(media))),
            media_size=size if isinstance(size, int) else None,
            media_types=frozenset(_words(document.get("media type"))),
            from_hosts=frozenset(_words(document.get("from"))),
            type=str(document.get("type", "Create")),
            content=_content(document),
            standing=_standing(document),
        )


def _content(document: Mapping[str, object]) -> Content:
    return Content(
        actors=frozenset(_words(document.get("actor"))),
        languages=frozenset(_words(document.get("language"))),
        hashtags=frozenset(_words(document.get("hashtags"))),
        mentions=_count(document.get("mentions")),
        sensitive=document.get("sensitive") == YES,
    )


def _per_window(posts: PostCounts) -> dict[str, int]:
    return {"minute": posts.minute, "hour": posts.hour, "day": posts.day}


def _standing(document: Mapping[str, object]) -> Standing:
    software, posts = document.get("software"), document.get("posts from server")
    counts = posts if isinstance(posts, dict) else {}
    return Standing(
        subscribed_for=_count(document.get("subscribed for")),
        first_seen=_count(document.get("first seen")),
        posts=PostCounts(*(_count(counts.get(window)) for window in ("minute", "hour", "day"))),
        software=software if isinstance(software, str) else None,
    )


def _count(value: object) -> int:
    return value if isinstance(value, int) else 0


def _words(value: object) -> list[str]:
    return [word for word in value if isinstance(word, str)] if isinstance(value, list | tuple) else []


@lru_cache(maxsize=8192)  # the same servers are asked about with every activity
def covering_names(host: str) -> frozenset[str]:
    """Every server name in a rule or list that covers `host`.

    That is the host itself, `*.` before each of its parent domains, and both without the port. It agrees with
    `relay.domain.hosts.matches`, and lets a policy look up one server in a list of any length.
    """
    colon = host.rfind(":")
    name = host[:colon] if colon > host.rfind("]") else host
    names = {host, name}
    dot = name.find(".")
    while dot >= 0:
        names |= {f"*{name[dot:]}", f"*{host[dot:]}"}
        dot = name.find(".", dot + 1)
    return frozenset(names)
