"""Versions of the policy, and questions to read the configuration again."""

from __future__ import annotations

from base64 import b64decode, b64encode
from typing import TYPE_CHECKING, Any

import orjson

from relay.adapters.sql.codec import json
from relay.domain.policy_version import PolicyVersion, Why, WrittenPolicy
from relay.domain.reload import ReloadAnswer, ReloadRequest, read_answer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from relay.adapters.sql.queries import Queries

    Row = Mapping[str, Any]


class SqlPolicyVersions:
    """Port `PolicyVersions` on SQL."""

    def __init__(self, queries: Queries) -> None:
        self._sql = queries

    async def last(self) -> PolicyVersion | None:
        """Return the newest version."""
        row = await self._sql.row("last_policy_version")
        return None if row is None else _version(row)

    async def get(self, number: int) -> PolicyVersion | None:
        """Return one version."""
        row = await self._sql.row("policy_version", number=number)
        return None if row is None else _version(row)

    async def all(self) -> list[PolicyVersion]:
        """Return every version, oldest first."""
        return [_version(row) for row in await self._sql.rows("policy_versions")]

    async def add(self, version: PolicyVersion) -> None:
        """Write a new version."""
        written = version.written
        await self._sql.run(
            "add_policy_version",
            number=version.number,
            policy=version.policy,
            at=version.at,
            who=version.who,
            why=version.why.value,
            note=version.note,
            place=written.place,
            text=written.text,
            preset=written.preset,
            expanded=written.expanded,
            record=json(version.record),
            salt=b64encode(version.salt).decode(),
            statement=version.statement,
        )


class SqlReloads:
    """Port `Reloads` on SQL."""

    def __init__(self, queries: Queries) -> None:
        self._sql = queries

    async def ask(self, request: ReloadRequest) -> int:
        """Write a question; return its number."""
        number: int = await self._sql.value(
            "ask_reload",
            asked_at=request.asked_at,
            who=request.who,
            why=request.why.value,
            note=request.note,
            digest=request.digest,
        )
        return number

    async def open(self) -> list[ReloadRequest]:
        """Return the questions without an answer, oldest first."""
        return [
            ReloadRequest(row["id"], row["asked_at"], row["who"], Why(row["why"]), row["note"], row["digest"])
            for row in await self._sql.rows("open_reloads")
        ]

    async def answer(self, number: int, answer: ReloadAnswer, at: float) -> None:
        """Write what came of a question."""
        await self._sql.run("answer_reload", id=number, answer=json(answer.as_json()), at=at)

    async def answered(self, number: int) -> ReloadAnswer | None:
        """Return what came of a question."""
        text = await self._sql.value("reload_answer", id=number)
        return None if text is None else read_answer(orjson.loads(text))

    async def last_answered(self) -> int:
        """Return the number of the newest question that has an answer; 0 when none has."""
        number: int = await self._sql.value("last_answered_reload")
        return number

    async def withdraw(self, number: int) -> None:
        """Forget a question that nobody waits for any more."""
        await self._sql.run("withdraw_reload", id=number)

    async def forget(self, keep: int) -> None:
        """Forget all questions but the newest ones."""
        await self._sql.run("forget_reloads", keep=keep)


def _version(row: Row) -> PolicyVersion:
    return PolicyVersion(
        number=row["number"],
        policy=row["policy"],
        at=row["at"],
        who=row["who"],
        why=Why(row["why"]),
        note=row["note"],
        written=WrittenPolicy(row["place"], row["text"], row["preset"], row["expanded"]),
        record=orjson.loads(row["record"]),
        salt=b64decode(row["salt"]),
        statement=row["statement"],
    )
