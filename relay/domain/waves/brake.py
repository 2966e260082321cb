"""Brakes: what is held up for a while, since when and until when.

A brake that the relay itself puts on (a wave) covers accounts that are new or louder than people are; whoever has been
around for longer and posts as always is never braked by one, whatever others do in his name or on his server. A brake
that a person puts on (an incident) covers what its name says.

A brake only ever turns relaying into holding or deferring. What the policy holds, defers or drops stays so.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from math import ceil
from typing import TYPE_CHECKING, Any, Final

from relay.domain import hosts
from relay.domain.policy import RELAYING, Tried, Verb
from relay.domain.waves.sighting import Picture
from relay.domain.waves.wording import Sketch

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from relay.domain.policy import Decision
    from relay.domain.waves.sighting import Sighting

PHASE: Final = "brake"
"""The phase of a decision's trace that names a brake."""
SPREAD: Final = 3600
"""Seconds over which what was deferred comes back when a brake ends: a second for each, from the start after that."""
PARDON: Final = 7 * 24 * 3600.0
"""Seconds for which a wave that a person ended or released is not braked again."""


class Kind(StrEnum):
    """What a brake goes by. The first four are waves, the others incidents."""

    TEXT = "text"
    PICTURE = "picture"
    MENTIONS = "mentions"
    RATE = "rate"
    MEDIA = "media"
    SERVER = "server"
    NEWCOMERS = "newcomers"
    SINCE = "since"


WAVES: Final = frozenset({Kind.TEXT, Kind.PICTURE, Kind.MENTIONS, Kind.RATE})


class BrakeState(StrEnum):
    """`ACTIVE` until its time is over (`ENDED`), or a person has ended or released it."""

    ACTIVE = "active"
    ENDED = "ended"
    RELEASED = "released"


@dataclass(frozen=True, slots=True)
class Cover:
    """What a brake is about; which fields are set depends on `kind`.

    `text` of near-identical posts; `picture` that is posted; `account` or `server` that mentions many (one of them);
    `server` that posts much more than it used to, or that is held as a whole, with its subdomains; `since`: held is
    whoever subscribed at that time (seconds since the epoch) or later, or does not subscribe.
    """

    kind: Kind
    text: Sketch | None = None
    picture: Picture | None = None
    account: str | None = None
    server: str | None = None
    since: float | None = None

    def covers(self, seen: Sighting) -> bool:
        """Whether a post is meant."""
        return _COVERS[self.kind](self, seen)

    def alike(self, other: Cover) -> bool:
        """Whether another brake is about the same."""
        if self.kind is not other.kind:
            return False
        if self.text is not None and other.text is not None:
            return self.text.alike(other.text)
        if self.picture is not None and other.picture is not None:
            return self.picture.alike(other.picture)
        return self == other

    def as_json(self) -> dict[str, object]:
        """The cover as JSON, without what is not set."""
        found: dict[str, object] = {"account": self.account, "server": self.server, "since": self.since}
        if self.text is not None:
            found["text"] = list(self.text.values)
        if self.picture is not None:
            found["digest"] = self.picture.digest
            found["pdq"] = None if self.picture.pdq is None else f"{self.picture.pdq:064x}"
        return {name: value for name, value in found.items() if value is not None}


def cover_of(kind: Kind, document: Mapping[str, Any]) -> Cover:
    """The cover that `as_json` wrote."""
    digest, pdq = document.get("digest"), document.get("pdq")
    return Cover(
        kind,
        text=Sketch(tuple(document["text"])) if "text" in document else None,
        picture=None if digest is None else Picture(digest, None if pdq is None else int(pdq, 16)),
        account=document.get("account"),
        server=document.get("server"),
        since=document.get("since"),
    )


def _same_text(cover: Cover, seen: Sighting) -> bool:
    if not seen.young or cover.text is None:
        return False
    return seen.text is not None and cover.text.alike(seen.text)


def _same_picture(cover: Cover, seen: Sighting) -> bool:
    wanted = cover.picture
    return seen.young and wanted is not None and any(wanted.alike(one) for one in seen.pictures)


def _mentions(cover: Cover, seen: Sighting) -> bool:
    its = seen.account == cover.account or seen.server == cover.server
    return seen.young and its and bool(seen.mentions)


def _rate(cover: Cover, seen: Sighting) -> bool:
    return seen.server == cover.server and (seen.young or seen.loud)


def _server(cover: Cover, seen: Sighting) -> bool:
    return cover.server is not None and hosts.covers(cover.server, seen.server)


def _since(cover: Cover, seen: Sighting) -> bool:
    return seen.followed_at is None or cover.since is None or seen.followed_at >= cover.since


_COVERS: Final[Mapping[Kind, Callable[[Cover, Sighting], bool]]] = {
    Kind.TEXT: _same_text,
    Kind.PICTURE: _same_picture,
    Kind.MENTIONS: _mentions,
    Kind.RATE: _rate,
    Kind.MEDIA: lambda _, seen: seen.media,
    Kind.SERVER: _server,
    Kind.NEWCOMERS: lambda _, seen: seen.young,
    Kind.SINCE: _since,
}


@dataclass(frozen=True, slots=True)
class Brake:
    """A brake. Times are seconds since the epoch.

    `verb` is `quarantine` (hold for a person) or `defer`. `observed`: it is only recorded what it would do. It ends at
    `until`, which moves on while a wave goes on, but never beyond `latest`. `evidence` are the numbers that it was put
    on for, `before` the ids of posts that had been decided by then. `who` put it on, `note` says why.
    """

    id: int
    cover: Cover
    verb: Verb
    observed: bool
    state: BrakeState
    started_at: float
    until: float
    latest: float
    who: str
    note: str = ""
    evidence: Mapping[str, int] = field(default_factory=dict)
    before: tuple[str, ...] = ()
    ended_at: float | None = None
    ended_by: str | None = None

    @property
    def wave(self) -> bool:
        """Whether the relay itself put it on."""
        return self.cover.kind in WAVES

    @property
    def name(self) -> str:
        """What decisions call it: the name of their rule."""
        return f"spam wave {self.id}" if self.wave else f"incident {self.id}"

    @property
    def reason(self) -> str:
        """The reason code of decisions."""
        return "spam-wave" if self.wave else "incident"

    def active(self, now: float) -> bool:
        """Whether it brakes."""
        return self.state is BrakeState.ACTIVE and now < self.until

    def pardons(self, now: float) -> bool:
        """Whether a person has said of this wave that it is none, or is over."""
        by_hand = self.ended_by is not None and self.state is not BrakeState.ACTIVE
        return self.wave and by_hand and now < (self.ended_at or 0.0) + PARDON

    def extended(self, now: float, duration: float) -> float:
        """Until when it lasts if the wave still goes on now."""
        return max(self.until, min(self.latest, now + duration))


def braked(decision: Decision, brake: Brake, now: float, *, ahead: int = 0) -> Decision:
    """The decision under an active brake that covers its post. `ahead`: how many it has deferred before.

    Of a policy that only observes, and of a brake that does, what would be done is on record and nothing else changes;
    a person who declares an incident means it in either mode.
    """
    if decision.verb not in RELAYING or (decision.would not in RELAYING and brake.wave):
        return decision
    acts = not brake.observed and (decision.enforced or not brake.wave)
    deferred = brake.verb is Verb.DEFER
    return replace(
        decision,
        verb=brake.verb if acts else decision.verb,
        would=brake.verb,
        enforced=acts,
        seconds=ceil(brake.until - now) + ahead % SPREAD if deferred else 0,
        rule=brake.name,
        reason=brake.reason,
        trace=(*decision.trace, Tried(PHASE, brake.name)),
    )
