"""Posts that a server sends by web hook to have them checked: what is kept of them, and what comes of it.

They are checked and nothing else: they never become activities, so no subscriber can ever get one. Of a post only
facts are kept: who wrote it, where its media are, its languages, hashtags and the number of mentions; never its text.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from relay.domain.facts import Scan
from relay.domain.media import ScanOutcome
from relay.domain.policy_rules import Verb

if TYPE_CHECKING:
    from collections.abc import Sequence

    from relay.domain.content import Content
    from relay.domain.facts import Facts
    from relay.domain.intake import Item
    from relay.domain.media import MediaRef
    from relay.domain.policy import Decision

ADDRESS: Final = "/webhooks/mastodon"
"""The path of every web hook, before its name."""
EVENTS: Final = {"status.created": "Create", "status.updated": "Update"}
"""The events that are taken, and the type of activity that the policy sees."""


class Receipt(StrEnum):
    """What became of a request. All but the last three are answered 202."""

    ACCEPTED = "accepted"
    REPEAT = "repeat"
    EVENT = "ignored-event"
    VISIBILITY = "ignored-visibility"
    BOOST = "ignored-boost"
    SERVER = "ignored-server"
    NO_MEDIA = "ignored-no-media"
    FULL = "busy"
    MALFORMED = "malformed"
    UNSIGNED = "bad-signature"


class Checked(StrEnum):
    """What became of a post that was accepted.

    `CLEAN`: everything was looked at and matched nothing. `PASSED`: not so, but the policy would relay it. `GONE`: its
    server had no file any more. `FINDING`: the policy would not relay it, or has somebody told.
    """

    WAITING = "waiting"
    CLEAN = "clean"
    PASSED = "passed"
    GONE = "gone"
    FINDING = "finding"


@dataclass(frozen=True, slots=True)
class Sender:
    """A server that sends posts to be checked.

    `server` is the name in the ids of its posts. `secret` signs what it sends. `visibilities` are those that are
    checked. `flag`: findings are reported to it.
    """

    name: str
    server: str
    secret: bytes = field(repr=False)
    visibilities: frozenset[str] = frozenset({"public", "unlisted"})
    flag: bool = False


@dataclass(frozen=True, slots=True)
class HookedPost:
    """What is kept of a post. `id` and `author` are ids, `kind` is the type of activity that the policy sees.

    `version` is when it was last edited, as its server writes it. `complete` is False when it has more media than are
    listed.
    """

    id: str
    author: str
    kind: str
    version: str | None
    visibility: str
    media: tuple[MediaRef, ...]
    complete: bool
    content: Content

    @property
    def key(self) -> str:
        """What tells this version of it from others: the same event comes again when an answer got lost."""
        return _digest([self.kind, self.version or "", self.id])


@dataclass(frozen=True, slots=True)
class HookWork:
    """A post taken to be checked. `attempts` counts this one; times are in seconds since the epoch."""

    id: int
    sender: str
    post: HookedPost
    received_at: float
    attempts: int


@dataclass(frozen=True, slots=True)
class HookFinding:
    """Facts about a post that the policy would not relay, for the operator. Never the post, never a file.

    `items` are its media as they were found. `flag` says what became of the report to its server: None when none was
    to be sent. One per post and what was found in it: `times` counts how often it came.
    """

    id: int
    sender: str
    object_id: str
    actor: str
    visibility: str
    items: tuple[Item, ...]
    verb: Verb
    rule: str
    reason: str
    first_at: float
    last_at: float
    times: int
    flag: str | None = None
    closed_at: float | None = None
    closed_by: str | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True)
class HookCount:
    """How often something became of what a sender sent, and when last."""

    sender: str
    what: str
    number: int
    last_at: float


def still_there(items: Sequence[Item]) -> list[Item]:
    """The items without those that their own server refuses for good: deleted meanwhile, nobody sees them."""
    return [item for item in items if (item.outcome, item.reason) != (ScanOutcome.UNSCANNABLE, "status")]


def outcome_of(facts: Facts, decision: Decision) -> Checked:
    """What a decision means for a post that is only checked.

    What was looked at and matched nothing is no finding, whatever else a policy has against relaying it: that it has no
    attestation, that its server is new. A rule with `tell` is a finding in any case.
    """
    if decision.tell:
        return Checked.FINDING
    if facts.scan is Scan.CLEAN:
        return Checked.CLEAN
    return Checked.FINDING if decision.would in {Verb.QUARANTINE, Verb.DROP} else Checked.PASSED


def is_reported(facts: Facts, decision: Decision) -> bool:
    """Whether its server should be told: something matched, and the policy does more than observe."""
    return facts.match is not None and decision.enforced and decision.would in {Verb.QUARANTINE, Verb.DROP}


def finding_key(post: HookedPost, items: Sequence[Item]) -> str:
    """What makes two findings one: the post, and the bytes or addresses of what was found in it."""
    bad = {item.digest or item.url for item in items if item.outcome is not ScanOutcome.NO_KNOWN_MATCH}
    return _digest([post.id, *sorted(bad)])


def _digest(parts: Sequence[str]) -> str:
    return hashlib.sha256("\n".join(parts).encode("utf-8", "surrogatepass")).hexdigest()
