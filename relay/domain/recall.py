"""Recalls: media that came onto a list after it was relayed, who got it, and who was told.

A recall is of one entry of one list. From the first moment on its media does not go out any more; that can be taken
back. Telling servers cannot, so it happens later: by itself after a time in which a mistake can be undone, or when a
person says so.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from relay.domain.delivery import Verdict
from relay.domain.hashlist import ListPurpose
from relay.domain.media import Decoded, MatchKind, ScanOutcome, ScanResult
from relay.domain.subscriber_profile import POSTS, Direction, SubscriberProfile, in_sample, skip

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from relay.domain.media import Match, Undecodable
    from relay.domain.subscription import Dialect
    from relay.domain.traits import Traits


class RecallMode(StrEnum):
    """What happens by itself. `ACT`: known matches are recalled after a while. `ASK`: a person says so for each."""

    ACT = "act"
    ASK = "ask"
    OFF = "off"


class RecallState(StrEnum):
    """Where a recall stands. Media of the first three does not go out.

    `WAITING`: for a person. `DUE`: servers will be told at a time. `SENT`: they were. `DISMISSED`: a person said that
    it was wrong. `UNDONE`: the entry left its list.
    """

    WAITING = "waiting"
    DUE = "due"
    SENT = "sent"
    DISMISSED = "dismissed"
    UNDONE = "undone"


STANDING: Final = frozenset({RecallState.WAITING, RecallState.DUE, RecallState.SENT})
"""States in which the media stays stopped."""
UNSENT: Final = frozenset({RecallState.WAITING, RecallState.DUE})
"""States in which nobody was told yet."""


class Cause(StrEnum):
    """Why a recall waits for a person."""

    MODE = "mode"
    NEAR = "near"
    TEST = "test"
    UNREVIEWED = "unreviewed"
    FLOOD = "flood"


@dataclass(frozen=True, slots=True)
class RecallRules:
    """How recalls go. `wait`: seconds before servers are told. `flood`: more posts than that need a person.

    `notify`: servers that received it are told, not only our own Announces undone.
    """

    mode: RecallMode = RecallMode.ACT
    wait: float = 900.0
    flood: int = 20
    notify: bool = True


def why_wait(
    rules: RecallRules, purpose: ListPurpose, kind: MatchKind, posts: int, *, reviewed: bool = True
) -> Cause | None:
    """Why a person has to decide; None when servers are told by themselves. `posts`: of the whole recall.

    `reviewed`: whether a person has seen to it that the entry belongs onto the list.
    """
    if posts > rules.flood:
        return Cause.FLOOD
    if purpose is ListPurpose.TEST:
        return Cause.TEST
    if not reviewed:
        return Cause.UNREVIEWED
    if kind is MatchKind.NEAR:
        return Cause.NEAR
    return Cause.MODE if rules.mode is not RecallMode.ACT else None


@dataclass(frozen=True, slots=True)
class Recall:
    """A recall. `entry` is the mark of the entry, which does not show it. `act_at`: when servers are told, if `DUE`.

    `cause`: why it waited for a person.
    """

    id: int
    list: str
    purpose: ListPurpose
    entry: str
    category: str
    kind: MatchKind
    state: RecallState
    cause: Cause | None
    opened_at: float
    act_at: float | None = None
    sent_at: float | None = None
    closed_at: float | None = None
    who: str = ""
    note: str = ""

    @property
    def stands(self) -> bool:
        """Whether its media stays stopped."""
        return self.state in STANDING


@dataclass(frozen=True, slots=True)
class Copy:
    """One place of a post in the log: what is needed to tell who got it. `announce`: the id of our Announce.

    `traits` are None when the log does not hold it any more.
    """

    seq: int
    position: int
    object_id: str
    author: str | None
    origins: frozenset[str]
    announce: str | None
    published_at: float
    media: tuple[str, ...] = ()
    traits: Traits | None = None


@dataclass(frozen=True, slots=True)
class Serving:
    """A stretch of the log that a subscriber was served: positions after `first`, up to `last` (None: it goes on).

    `cursor`: all up to it was settled when that was written last. `gaps`: what it never gets, first and last position.
    `stragglers`: what failed by itself, and how. `fails`: whether its server takes nothing now; `succeeded_at`:
    when it took something last; `error`: what came of the last attempt.
    """

    actor: str
    server: str
    inbox: str
    dialect: Dialect
    first: int
    last: int | None
    cursor: int
    profile: SubscriberProfile = field(default_factory=SubscriberProfile)
    profile_since: int = 0
    gaps: tuple[tuple[int, int], ...] = ()
    stragglers: Mapping[int, str] = field(default_factory=dict)
    fails: bool = False
    succeeded_at: float | None = None
    error: str = ""


def may_have(copy: Copy, serving: Serving) -> bool:
    """Whether a subscriber may have received a post: True unless the contrary is certain.

    Certain is: it came from there, was published before or after its time, is in a gap, is not wanted by a profile
    that is as old as the post, or could not be delivered. What timed out may have arrived. Which decisions a profile
    takes is not asked: the policy may have been another one then.
    """
    at = copy.position
    if serving.server in copy.origins or at <= serving.first:
        return False
    if serving.last is not None and at > serving.last:
        return False
    if any(first <= at <= last for first, last in serving.gaps):
        return False
    if _unwanted(copy, serving):
        return False
    failed = serving.stragglers.get(at)
    if failed is not None:
        return _may_have_arrived(failed)
    if at <= serving.cursor or not serving.fails:
        return True
    got_through = serving.succeeded_at is not None and serving.succeeded_at >= copy.published_at
    return got_through or _may_have_arrived(serving.error)


def _unwanted(copy: Copy, serving: Serving) -> bool:
    profile, traits = serving.profile, copy.traits
    if traits is None or serving.profile_since >= copy.position or traits.kind not in POSTS:
        return False
    if profile.direction is Direction.PUSH or skip(profile, {traits.verb}, traits) is not None:
        return True
    return not in_sample(profile.sample, serving.actor, copy.object_id)


def _may_have_arrived(error: str) -> bool:
    return error.startswith("timeout")


# ---------------------------------------------------------------- who was told


class NoticeKind(StrEnum):
    """What was sent. `UNDO`: of our Announces. `FLAG`: to the people of a server. `MACHINE`: to its software.

    `WITHDRAWAL`: that a recall was wrong.
    """

    UNDO = "undo"
    FLAG = "flag"
    MACHINE = "machine"
    WITHDRAWAL = "withdrawal"


class NoticeState(StrEnum):
    """How sending goes. `REFUSED` is tried again, too. `GIVEN_UP`: after a week, or when the inbox is gone.

    `CANCELLED`: it was not needed any more before it arrived.
    """

    WAITING = "waiting"
    DELIVERED = "delivered"
    REFUSED = "refused"
    GIVEN_UP = "given-up"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Notice:
    """One message of a recall. `document`: the id that an answer names. `answer`: `accepted` or `rejected`."""

    id: int
    recall: int
    actor: str
    server: str
    kind: NoticeKind
    document: str
    posts: tuple[str, ...]
    state: NoticeState
    attempts: int
    at: float
    error: str | None = None
    answer: str | None = None
    answered_at: float | None = None


_LETTER: Final = "recall:"


def letter_kind(notice: int) -> str:
    """The kind of the letter that carries a notice."""
    return f"{_LETTER}{notice}"


def notice_of(kind: str) -> int | None:
    """The number of the notice that a letter carries, None for any other letter."""
    number = kind.removeprefix(_LETTER)
    return int(number) if number != kind and number.isdigit() else None


def attempted(verdict: Verdict, *, old: bool) -> NoticeState:
    """What an attempt at a notice came to. `old`: it is not tried again."""
    if verdict is Verdict.DELIVERED:
        return NoticeState.DELIVERED
    if old or verdict is Verdict.GONE:
        return NoticeState.GIVEN_UP
    return NoticeState.REFUSED if verdict is Verdict.REFUSED else NoticeState.WAITING


# ---------------------------------------------------------------- what is known about the media


DISMISSED: Final = "dismissed"
"""Reason of a result from which a person took every match."""


def matched(before: ScanResult | None, match: Match) -> ScanResult:
    """What is known of media from the moment on at which it matched late."""
    outcome = ScanOutcome.VENDOR_TEST_MATCH if match.kind is MatchKind.TEST else ScanOutcome.MATCH
    others = () if before is None else tuple(one for one in before.matches if one.scanner != match.scanner)
    if before is not None and before.outcome is ScanOutcome.MATCH:
        outcome = ScanOutcome.MATCH
    return ScanResult(outcome, (*others, match), None, {} if before is None else before.versions)


def without(result: ScanResult, lists: Collection[str], decoded: Decoded | Undecodable) -> ScanResult:
    """A result without what lists say about a file of which a person said that they are wrong.

    What could not be looked at is not clean by that.
    """
    kept = tuple(one for one in result.matches if one.scanner not in lists)
    if len(kept) == len(result.matches):
        return result
    if kept:
        tests = all(one.kind is MatchKind.TEST for one in kept)
        outcome = ScanOutcome.VENDOR_TEST_MATCH if tests else ScanOutcome.MATCH
        return ScanResult(outcome, kept, result.reason, result.versions)
    unseen = decoded.unseen if isinstance(decoded, Decoded) else decoded
    if unseen is not None:
        return ScanResult(ScanOutcome.UNSCANNABLE, (), unseen.value, result.versions)
    return ScanResult(ScanOutcome.NO_KNOWN_MATCH, (), DISMISSED, result.versions)
