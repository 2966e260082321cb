"""The words of the policy language: every fact and every verb, in one table each.

Whatever speaks about policies is made from these tables: the reader and its messages, the reference
(docs/policy.md), the JSON Schema for editors, the form model for an admin page, and the English of
`assay policy explain`. A fact or verb that is not here does not exist.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from relay.domain.facts import NO, NONE, YES, AttestationState, Fact, Scan
from relay.domain.media import MatchKind, MediaKind
from relay.domain.policy_rules import Verb

if TYPE_CHECKING:
    from collections.abc import Mapping


class FactKind(StrEnum):
    """How the value of a condition is written, and so what a list of such values holds."""

    CHOICE = "choice"
    NAMES = "names"
    SERVERS = "servers"
    ACTORS = "actors"
    HASHTAGS = "hashtags"
    LANGUAGES = "languages"
    MEDIA_TYPES = "media types"
    NUMBER = "number"
    SIZE = "size"
    AGE = "age"
    RATE = "rate"


COMPARED: Final = frozenset({FactKind.NUMBER, FactKind.SIZE, FactKind.AGE, FactKind.RATE})
"""Kinds that are compared with a number; all others are one of some words."""
LISTABLE: Final = frozenset(
    {FactKind.NAMES, FactKind.SERVERS, FactKind.ACTORS, FactKind.HASHTAGS, FactKind.LANGUAGES}
)
"""Kinds that `list:NAME` can stand for."""

WRITTEN: Final[Mapping[FactKind, str]] = {
    FactKind.CHOICE: "one of the words, or a list of them",
    FactKind.NAMES: "a name, `list:NAME`, or a list of these",
    FactKind.SERVERS: "a server name, `*.example`, `list:NAME`, or a list of these",
    FactKind.ACTORS: "the web address of an account, `list:NAME`, or a list of these",
    FactKind.HASHTAGS: "a hashtag without `#`, `list:NAME`, or a list of these",
    FactKind.LANGUAGES: "a language code such as `de`, `list:NAME`, or a list of these",
    FactKind.MEDIA_TYPES: "a media type such as `image/png` or `image/*`, or a list of these",
    FactKind.NUMBER: "`up to 31`, `less than 31`, `at least 1`, `more than 1`, or a number",
    FactKind.SIZE: "`more than 8 MiB`, `up to 500 kB`; likewise the other comparisons",
    FactKind.AGE: "`less than 14 days`, `at least 2 hours`; likewise the other comparisons",
    FactKind.RATE: "`more than 60 per minute`, `per hour` or `per day`; likewise the other comparisons",
}
"""How each kind is written, for the reference."""

SAMPLE: Final[Mapping[FactKind, str]] = {
    FactKind.NAMES: "some-name",
    FactKind.SERVERS: "social.example",
    FactKind.ACTORS: "https://social.example/users/ann",
    FactKind.HASHTAGS: "caturday",
    FactKind.LANGUAGES: "de",
    FactKind.MEDIA_TYPES: "image/png",
    FactKind.NUMBER: "up to 31",
    FactKind.SIZE: "more than 8 MiB",
    FactKind.AGE: "less than 14 days",
    FactKind.RATE: "more than 60 per minute",
}
"""One right value of each open kind, for messages and forms."""


@dataclass(frozen=True, slots=True)
class FactInfo:
    """One row of the table of facts.

    `phrase` is the condition in English, with `{}` where its words go. `words`: the closed set with the
    English of each, empty when it is open; `other_words`: how else they may be written. `any_of`: what the
    word `any` stands for, empty when it is not allowed. `about_media`: whether restricting by it is
    restricting media, which needs a reason code. `none` is the English of the word `none` where the set is open,
    empty when it cannot be written.
    """

    fact: Fact
    kind: FactKind
    meaning: str
    phrase: str
    words: Mapping[str, str] = field(default_factory=dict)
    any_of: tuple[str, ...] = ()
    unit: str = ""
    about_media: bool = False
    none: str = ""
    other_words: Mapping[str, str] = field(default_factory=dict)

    @property
    def compared(self) -> bool:
        """Whether it is compared with a number."""
        return self.kind in COMPARED

    @property
    def choices(self) -> tuple[str, ...]:
        """Every word that can be written; empty when the set is open."""
        return (*self.words, *(["any"] if self.any_of else []))


_MEDIA: Final = tuple(kind.value for kind in MediaKind)
_MATCHES: Final = tuple(kind.value for kind in MatchKind)
_TYPES: Final = {
    "Create": "a new post",
    "Update": "an edited post",
    "Announce": "a post that somebody announces",
    "Delete": "a deletion",
    "Move": "an account that moves",
    "Undo": "something taken back",
    "Add": "something added to a collection",
    "Remove": "something removed from a collection",
}
UNASKED: Final = frozenset({"Delete", "Move", "Undo", "Add", "Remove"})
"""Activity types that never reach the policy: that something is gone or has moved is passed on as it is."""

FACTS: Final = (
    FactInfo(
        Fact.MEDIA,
        FactKind.CHOICE,
        "What sort of media the activity carries; fits when any item is of a named sort.",
        "it carries {}",
        {
            NONE: "no media",
            "image": "an image",
            "video": "a video",
            "audio": "audio",
            "other": "another file",
        },
        _MEDIA,
        about_media=True,
    ),
    FactInfo(
        Fact.MEDIA_COUNT,
        FactKind.NUMBER,
        "How many media items the activity carries.",
        "the number of its media items is {}",
        about_media=True,
    ),
    FactInfo(
        Fact.MEDIA_SIZE,
        FactKind.SIZE,
        "Size of the largest media file; one that was too large to fetch counts as a byte more than "
        "`media.max_size`. Does not fit when no file could be had.",
        "the size of its largest media file is {}",
        about_media=True,
    ),
    FactInfo(
        Fact.MEDIA_TYPE,
        FactKind.MEDIA_TYPES,
        "Media types, by content where the relay could read a file, else as the post says; fits when any "
        "item is of a named type.",
        "one of its media files is {}",
        about_media=True,
    ),
    FactInfo(
        Fact.ATTESTATION,
        FactKind.CHOICE,
        "What came of checking the attestations; of the worst item.",
        "its media has {}",
        {
            AttestationState.VALID: "a valid attestation",
            AttestationState.MISSING: "no attestation",
            AttestationState.UNTRUSTED: "an attestation by an issuer that is not trusted here",
            AttestationState.EXPIRED: "an expired attestation",
            AttestationState.BAD_SIGNATURE: "an attestation whose signature is wrong",
            AttestationState.HASH_MISMATCH: "an attestation about other bytes",
            AttestationState.REVOKED: "an attestation that was taken back",
        },
        about_media=True,
    ),
    FactInfo(
        Fact.ATTESTED_BY,
        FactKind.SERVERS,
        "Servers of the issuers of the valid attestations; fits when there is one and all are named.",
        "all valid attestations of its media are by {}",
        about_media=True,
    ),
    FactInfo(
        Fact.SCAN,
        FactKind.CHOICE,
        "What came of our own scan; of the worst item. Fits nothing when nothing was scanned.",
        "our scan {}",
        {
            Scan.CLEAN: "found no known match",
            Scan.UNSCANNABLE: "could not read its media",
            Scan.PENDING: "is not done",
            Scan.UNAVAILABLE: "could not be made",
            Scan.MATCH: "found a match",
        },
        about_media=True,
    ),
    FactInfo(
        Fact.MATCH,
        FactKind.CHOICE,
        "What sort of match the scanners found; the worst one.",
        "its media {}",
        {
            NONE: "matches nothing",
            MatchKind.KNOWN: "matches an entry of a list",
            MatchKind.NEAR: "resembles an entry of a list",
            MatchKind.NCII: "matches a list of intimate images",
            MatchKind.CLASSIFIER: "was pointed out by a classifier",
            MatchKind.TEST: "matches a test entry",
        },
        _MATCHES,
        about_media=True,
    ),
    FactInfo(
        Fact.MATCH_DISTANCE,
        FactKind.NUMBER,
        "How far the nearest match is from its list entry, in bits of 256; 0 is the same picture. Does not "
        "fit when nothing matched.",
        "the distance of the match is {}",
        unit="bits",
        about_media=True,
    ),
    FactInfo(
        Fact.CATEGORY,
        FactKind.NAMES,
        "The category that the list or service gives the worst match.",
        "the category of the match is {}",
        about_media=True,
        none="none, because nothing matched",
    ),
    FactInfo(
        Fact.LIST,
        FactKind.NAMES,
        "Names of the scanners that found the worst match; fits when any is named.",
        "the match was found by {}",
        about_media=True,
        none="no scanner",
    ),
    FactInfo(
        Fact.FROM,
        FactKind.SERVERS,
        "Servers of the signer, the actor, the object and the announced object; fits when any is named.",
        "it comes from or names {}",
    ),
    FactInfo(
        Fact.ACTOR,
        FactKind.ACTORS,
        "Accounts that did or wrote it, by their ids; fits when any is named.",
        "it is by {}",
    ),
    FactInfo(Fact.TYPE, FactKind.CHOICE, "The activity's type.", "it is {}", _TYPES),
    FactInfo(
        Fact.LANGUAGE,
        FactKind.LANGUAGES,
        "Languages that the post says it is in; `pt` covers `pt-br`. Fits when any is named.",
        "its language is {}",
        none="not given",
    ),
    FactInfo(
        Fact.HASHTAGS,
        FactKind.HASHTAGS,
        "Hashtags of the post, without regard to case; fits when any is named.",
        "it has {}",
        none="no hashtag",
    ),
    FactInfo(
        Fact.MENTIONS,
        FactKind.NUMBER,
        "How many accounts the post mentions.",
        "the number of accounts that it mentions is {}",
    ),
    FactInfo(
        Fact.SENSITIVE,
        FactKind.CHOICE,
        "Whether the author hides the media behind a warning.",
        "its author {}",
        {YES: "marks it as sensitive", NO: "does not mark it as sensitive"},
        other_words={"true": YES, "false": NO},
    ),
    FactInfo(
        Fact.SOFTWARE,
        FactKind.NAMES,
        "What the server that signed runs, as its NodeInfo says; `none` while that is not known.",
        "the server that sent it runs {}",
        none="something that it does not tell",
    ),
    FactInfo(
        Fact.SUBSCRIBED_FOR,
        FactKind.AGE,
        "How long ago the server that signed first followed; 0 seconds for one that is no subscriber.",
        "the server that sent it has subscribed for {}",
    ),
    FactInfo(
        Fact.FIRST_SEEN,
        FactKind.AGE,
        "How long ago the relay first heard of the server that signed.",
        "the server that sent it has been known here for {}",
    ),
    FactInfo(
        Fact.POSTS_FROM_SERVER,
        FactKind.RATE,
        "How many posts of the server that signed came in the last minute, hour or day; counted since the start.",
        "the server that sent it sent {}",
    ),
)
"""Every fact, in the order of the reference."""

BY_NAME: Final[Mapping[str, FactInfo]] = {info.fact.value: info for info in FACTS}
"""The table of facts, by the name that policies use."""


@dataclass(frozen=True, slots=True)
class VerbInfo:
    """One row of the table of verbs: what it means, what to do in English, the reason code it has by itself."""

    verb: Verb
    meaning: str
    phrase: str
    reason: str


VERBS: Final = (
    VerbInfo(Verb.RELAY, "Send it to subscribers.", "relay it", "allowed"),
    VerbInfo(
        Verb.RELAY_AND_ATTEST,
        "Send it, and attest the media that our scan found clean.",
        "relay it and attest its media",
        "no-known-match",
    ),
    VerbInfo(
        Verb.RELAY_MARKED,
        "Send it only to subscribers whose profile takes unattested media.",
        "relay it to subscribers that take unattested media",
        "unattested",
    ),
    VerbInfo(
        Verb.DEFER,
        "Decide again later; says how long: `defer 10 minutes`.",
        "decide again later",
        "deferred",
    ),
    VerbInfo(Verb.QUARANTINE, "Hold it for a person to decide.", "hold it for a person", "needs-review"),
    VerbInfo(Verb.DROP, "Do not send it.", "drop it", "not-allowed"),
)
"""Every verb, in the order of the reference."""

BY_VERB: Final[Mapping[Verb, VerbInfo]] = {info.verb: info for info in VERBS}
