"""Media that is submitted to be attested before it is published: what is kept, and what the submitter may see when.

Whatever does not end in an attestation looks alike from outside: a match, a file that cannot be read, one that is too
large, a scanner that fails, a file left out at random. The answer "no attestation" is given at a time that is drawn
when the file is submitted, never at the time when the relay knew (attestation.md, the oracle problem).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from math import ceil
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from relay.domain.media import Match, ScanOutcome

SHORTEST: Final = 10.0
"""Seconds after which "no attestation" is said at the earliest: longer than nearly every scan takes."""
SPREAD: Final = 20.0
"""Seconds over which the rest of the wait is drawn."""
STEP: Final = 10.0
"""Seconds between two moments at which "no attestation" may be said about a scan that took longer than the wait."""


class SubmissionState(StrEnum):
    """How far a submission has come."""

    WAITING = "waiting"
    ATTESTED = "attested"
    UNATTESTED = "unattested"


@dataclass(frozen=True, slots=True)
class Submission:
    """A file that a server asks to have attested. `id` is unguessable: it is the address of the answer.

    `key` is what makes two submissions of one server the same: the hash string of the bytes, or the URL. `digest` is
    hex, None while a file at a URL was not fetched. `reason` says to the operator why there is no attestation.
    `wait` is the seconds drawn for "no attestation", which is said from `shown_at` on. `attempts` counts the present
    one. Times are seconds since the epoch.
    """

    id: str
    server: str
    actor: str
    key: str
    digest: str | None
    url: str | None
    received_at: float
    due_at: float
    wait: float
    state: SubmissionState = SubmissionState.WAITING
    reason: str | None = None
    shown_at: float | None = None
    attempts: int = 0

    def is_shown(self, now: float) -> bool:
        """Whether the submitter may be told that there is no attestation."""
        unattested = self.state is SubmissionState.UNATTESTED
        return unattested and self.shown_at is not None and self.shown_at <= now


def wait_of(chance: float) -> float:
    """The seconds until "no attestation" is said, of a number in [0, 1)."""
    return SHORTEST + chance * SPREAD


def shown_at(received_at: float, wait: float, known_at: float) -> float:
    """When "no attestation" is said: after the wait, or, known later than that, at the next of its steps."""
    first = received_at + wait
    return first + STEP * ceil(max(0.0, known_at - first) / STEP)


@dataclass(frozen=True, slots=True)
class Finding:
    """Facts about a submitted file that is on a list, for the operator: never the file, never told to anybody else.

    One per server and digest: `times` counts the submissions. `closed_by` is who has dealt with it; the file does not
    come up again then. Times are seconds since the epoch.
    """

    id: int
    server: str
    actor: str
    digest: str
    outcome: ScanOutcome
    matches: tuple[Match, ...]
    rule: str
    reason: str
    first_at: float
    last_at: float
    times: int
    closed_at: float | None = None
    closed_by: str | None = None
    note: str | None = None


@dataclass(slots=True)
class Allowance:
    """What one server may submit: so many bytes a second on average, and a burst at once. Times are of any one clock.

    `paid_at` is when everything taken so far is within the average. More than the burst is not refused but waits.
    """

    paid_at: float

    def wait(self, rate: float, burst: float, now: float) -> float:
        """The seconds until what is submitted now may be looked at."""
        return max(0.0, self.paid_at - now - burst / rate)

    def take(self, size: int, rate: float, burst: float, now: float) -> float:
        """Take `size` bytes; return the seconds until they may be looked at."""
        self.paid_at = max(self.paid_at, now) + size / rate
        return self.wait(rate, burst, now)
