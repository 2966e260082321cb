"""The part of the durable state that holds hashes which people handed in of their own pictures. See `store`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from relay.domain.hashsubmission import About, HashSubmission, SubmissionPart, SubmissionState


class HashSubmissions(Protocol):
    """Submissions and their parts. Nothing here tells who handed them in."""

    async def open(self, *, secret: str, about: About, list_name: str, at: float) -> int:
        """Write a new submission without hashes; return its number. `secret`: the digest of what its link holds."""

    async def get(self, number: int) -> HashSubmission | None:
        """Return one submission."""

    async def by_secret(self, secret: str) -> HashSubmission | None:
        """Return the submission with the digest of its secret."""

    async def all(self, state: SubmissionState | None, most: int) -> list[HashSubmission]:
        """Return submissions in a state, or in any, the newest first."""

    async def count(self, state: SubmissionState) -> int:
        """Count the submissions in a state."""

    async def parts(self, number: int) -> list[SubmissionPart]:
        """Return what came of a submission, in order."""

    async def content(self, number: int, place: int) -> bytes:
        """Return the hashes of a part, a pack. Raises `LookupError` when there is none."""

    async def add(self, number: int, content: bytes, *, hashes: int, batch: int | None) -> None:
        """Write a pack of hashes that came together, which nobody has accepted, behind those that came before."""

    async def accept(self, number: int, place: int, batch: int) -> None:
        """Write that a part is accepted, and in force by this batch."""

    async def change(
        self,
        number: int,
        state: SubmissionState,
        *,
        at: float,
        who: str | None = None,
        note: str | None = None,
    ) -> None:
        """Write what became of a submission, who decided, and why."""

    async def drop_parts(self, number: int) -> None:
        """Delete the hashes of a submission."""

    async def total(self) -> int:
        """Count the hashes that are kept of all submissions."""

    async def forget(self, before: float) -> None:
        """Forget submissions that were refused or withdrawn before a time."""
