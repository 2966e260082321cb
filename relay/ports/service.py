"""The part of the durable state that is about attesting: submissions, our keys, status lists. See `store`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from relay.domain.attestkey import KeyRecord
    from relay.domain.media import Match, ScanOutcome
    from relay.domain.submission import Finding, Submission, SubmissionState


class KeyPair(Protocol):
    """An attestation key."""

    @property
    def name(self) -> str:
        """Its name, which is the fragment of its id."""

    @property
    def private(self) -> Ed25519PrivateKey:
        """The key itself."""

    @property
    def public_raw(self) -> bytes:
        """The 32 bytes of its public half."""


class KeyFiles(Protocol):
    """The private attestation keys. A key that is returned is on the disk, and no name is ever used twice.

    Raises OSError, or ValueError for a file that is no such key.
    """

    def attestation(self, *, now: float) -> Sequence[KeyPair]:
        """Return every key, the newest first; make one when there is none."""

    def add(self, *, now: float, taken: Collection[str] = ()) -> KeyPair:
        """Make a key of the month of `now` with a name that is not `taken`."""

    def remove(self, name: str) -> None:
        """Delete a key; nothing happens when there is none of that name."""


class KeyRecords(Protocol):
    """Attestation keys that do not sign any more."""

    async def all(self) -> list[KeyRecord]:
        """Return every record, by name."""

    async def save(self, record: KeyRecord) -> None:
        """Write a record, new or changed."""


class StatusIndexes(Protocol):
    """The indexes of our attestations in status lists. Retracting an attestation (`Media`) retracts its indexes."""

    async def newest(self) -> tuple[int, int]:
        """Return the number of the newest list, 1 when there is none, and how many of its indexes are used."""

    async def take(self, number: int, index: int, *, digest: str, key: str, expires_at: float) -> bool:
        """Take an index for an attestation of a digest, made with a key; False when it is taken."""

    async def retracted(self, number: int) -> list[int] | None:
        """Return the indexes of a list that were retracted, in order; None when there is no such list."""

    async def forget(self, before: float) -> None:
        """Free the indexes of attestations that ended before a time."""


class Submissions(Protocol):
    """Media submitted to be attested, and what was found among it."""

    async def by_id(self, submission_id: str) -> Submission | None:
        """Return one submission."""

    async def unanswered(self, server: str, key: str, now: float) -> Submission | None:
        """Return the submission of a server about a file to which it has not been given an answer yet."""

    async def add(self, submission: Submission) -> None:
        """Write a new submission."""

    async def claim(
        self, *, now: float, until: float, most: int, held: Collection[str], grace: float
    ) -> list[Submission]:
        """Take submissions that are due, oldest first; not finished by `until` they fall due again.

        Those whose file was sent are taken by the process that has it, which are those in `held`; by any other one only
        `grace` seconds after their answer was due.
        """

    async def next_due(self) -> float | None:
        """When the next submission falls due."""

    async def delay(self, submission: Submission, due_at: float) -> None:
        """Look at it again at a time; its digest is kept."""

    async def hurry(self, submission_id: str, due_at: float) -> None:
        """Look at it no later than at a time."""

    async def settle(
        self,
        submission: Submission,
        state: SubmissionState,
        *,
        reason: str | None,
        shown_at: float | None,
    ) -> None:
        """Write the answer; nothing happens when there is one."""

    async def counts(self, server: str, now: float) -> tuple[int, int]:
        """Count submissions without an answer: of everybody, and of one server."""

    async def note(
        self,
        submission: Submission,
        outcome: ScanOutcome,
        matches: tuple[Match, ...],
        *,
        rule: str,
        reason: str,
        at: float,
    ) -> None:
        """Note that a submitted file is on a list. Another one of the same server and digest is counted with it."""

    async def finding(self, number: int) -> Finding | None:
        """Return one finding."""

    async def findings(self, *, is_open: bool, most: int) -> list[Finding]:
        """Return findings, the last to come first."""

    async def close(self, number: int, *, at: float, who: str, note: str | None) -> bool:
        """Write that somebody dealt with a finding; False when it is not open."""

    async def forget(self, before: float, *, findings: float) -> None:
        """Forget submissions received before a time that have their answer, and findings closed before another."""
