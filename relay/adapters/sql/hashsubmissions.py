"""Hashes that people handed in of their own pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from relay.domain.hashsubmission import About, HashSubmission, SubmissionPart, SubmissionState

if TYPE_CHECKING:
    from relay.adapters.sql.queries import Queries, Row


class SqlHashSubmissions:
    """Port `HashSubmissions` on SQL."""

    def __init__(self, queries: Queries) -> None:
        self._sql = queries

    async def open(self, *, secret: str, about: About, list_name: str, at: float) -> int:
        """Write a new submission."""
        number: int = await self._sql.value(
            "add_hash_submission", secret=secret, about=about.value, list=list_name, at=at
        )
        return number

    async def get(self, number: int) -> HashSubmission | None:
        """Return one submission."""
        row = await self._sql.row("hash_submission", id=number)
        return None if row is None else _submission(row)

    async def by_secret(self, secret: str) -> HashSubmission | None:
        """Return the submission with a secret."""
        number = await self._sql.value("hash_submission_of", secret=secret)
        return None if number is None else await self.get(number)

    async def all(self, state: SubmissionState | None, most: int) -> list[HashSubmission]:
        """Return submissions, the newest first."""
        rows = await self._sql.rows("hash_submissions_in", state=state and state.value, most=most)
        return [_submission(row) for row in rows]

    async def count(self, state: SubmissionState) -> int:
        """Count the submissions in a state."""
        count: int = await self._sql.value("hash_submissions_counted", state=state.value)
        return count

    async def parts(self, number: int) -> list[SubmissionPart]:
        """Return what came of a submission."""
        return [
            SubmissionPart(row["place"], row["hashes"], row["batch"], accepted=bool(row["accepted"]))
            for row in await self._sql.rows("hash_submission_parts", id=number)
        ]

    async def content(self, number: int, place: int) -> bytes:
        """Return the hashes of a part."""
        found: bytes | None = await self._sql.value("hash_submission_content", id=number, place=place)
        if found is None:
            raise LookupError(number, place)
        return found

    async def add(self, number: int, content: bytes, *, hashes: int, batch: int | None) -> None:
        """Write hashes that came together."""
        values = {"hashes": hashes, "content": content, "batch": batch}
        await self._sql.run("add_hash_submission_part", id=number, **values)

    async def accept(self, number: int, place: int, batch: int) -> None:
        """Write that a part is accepted."""
        await self._sql.run("accept_hash_submission_part", id=number, place=place, batch=batch)

    async def change(
        self,
        number: int,
        state: SubmissionState,
        *,
        at: float,
        who: str | None = None,
        note: str | None = None,
    ) -> None:
        """Write what became of a submission."""
        await self._sql.run("change_hash_submission", id=number, state=state.value, at=at, who=who, note=note)

    async def drop_parts(self, number: int) -> None:
        """Delete the hashes of a submission."""
        await self._sql.run("drop_hash_submission_parts", id=number)

    async def total(self) -> int:
        """Count the hashes of all submissions."""
        count: int = await self._sql.value("hashes_submitted")
        return count

    async def forget(self, before: float) -> None:
        """Forget what ended long ago."""
        await self._sql.run("forget_hash_submissions", before=before)


def _submission(row: Row) -> HashSubmission:
    return HashSubmission(
        number=row["id"],
        about=About(row["about"]),
        list=row["list"],
        state=SubmissionState(row["state"]),
        received_at=row["received_at"],
        changed_at=row["changed_at"],
        hashes=row["hashes"],
        who=row["who"],
        note=row["note"],
    )
