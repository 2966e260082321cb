"""The policy as the public reads it: what is in force, and every change, in sentences.

How much is told is the operator's choice, and may change while the relay runs. It is the same for all versions: what is
no longer to be told is not told of older ones either. Who gave a command and what lists hold is never told.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from relay.domain.english import Shown
from relay.domain.errors import NotFound
from relay.domain.policy_changes import changes
from relay.domain.policy_yaml import written_out
from relay.protocol.policy_statement import digest_of_statement, key_of
from relay.services.policy_history import outline

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from relay.domain.english import Paragraph
    from relay.domain.policy_changes import Change
    from relay.domain.policy_version import PolicyVersion
    from relay.services.policy_history import PolicyHistory

    Level = Literal["full", "sentences", "off"]

PAGE: Final = 20
"""Versions of one page of the history."""
_SHOWN: Final = {"full": Shown.MOST, "sentences": Shown.OUTLINE}


@dataclass(frozen=True, slots=True)
class PublicVersion:
    """One version as the public reads it. `at` is in seconds since the epoch.

    `previous` is the digest of the statement before, `digest` that of this `statement`; `key` is the id of the key that
    it was signed with, which the actor document has. `text` is None unless all is told.
    """

    number: int
    at: float
    why: str
    note: str
    mode: str
    paragraphs: tuple[Paragraph, ...]
    changes: tuple[Change, ...]
    statement: str
    digest: str
    previous: str | None
    key: str
    text: str | None

    def as_json(self) -> dict[str, Any]:
        """The version for programs; `at` in whole seconds, as in the statement."""
        told = {
            "number": self.number,
            "at": int(self.at),
            "why": self.why,
            "note": self.note,
            "mode": self.mode,
            "policy": [{"heading": one.heading, "lines": list(one.lines)} for one in self.paragraphs],
            "changes": [one.as_json() for one in self.changes],
            "statement": self.statement,
            "digest": self.digest,
            "previous": self.previous,
            "key": self.key,
        }
        return told if self.text is None else told | {"text": self.text}


class PolicyPublication:
    """Makes what the public reads; made once for each change. `level` gives how much is told now."""

    def __init__(self, history: PolicyHistory, level: Callable[[], Level]) -> None:
        self._history, self._level = history, level
        self._made: tuple[tuple[Level, int], list[PublicVersion]] | None = None

    async def current(self) -> PublicVersion:
        """Return the version in force. Raises `NotFound` when nothing is published."""
        return (await self._all())[-1]

    async def version(self, number: int) -> PublicVersion:
        """Return one version. Raises `NotFound`."""
        versions = await self._all()
        if not 0 < number <= len(versions):
            raise NotFound(f"There is no version {number} of the policy.")
        return versions[number - 1]

    async def page(self, before: int | None = None) -> list[PublicVersion]:
        """Return versions, newest first, those below a number if one is given. Raises `NotFound` without any."""
        found = [one for one in await self._all() if before is None or one.number < before]
        if not found:
            raise NotFound("There is no older version of the policy.")
        return found[: -PAGE - 1 : -1]

    async def head(self) -> str | None:
        """Return a statement, signed now, of which version is the last one."""
        return await self._history.head()

    async def _all(self) -> list[PublicVersion]:
        level, last = self._level(), await self._history.last()
        if level == "off" or last is None:
            raise NotFound("The policy is not published here.")
        if self._made is None or self._made[0] != (level, last.number):
            versions = await self._history.all()
            # Some milliseconds for each version: not on the loop.
            made = await asyncio.to_thread(_published, versions, level)
            self._made = (level, len(made)), made
            return made
        return self._made[1]


def _published(versions: Sequence[PolicyVersion], level: Level) -> list[PublicVersion]:
    shown, made, before = _SHOWN[level], list[PublicVersion](), None
    for version in versions:
        made.append(
            PublicVersion(
                number=version.number,
                at=version.at,
                why=version.why.value,
                note=version.note,
                mode=version.record["mode"],
                paragraphs=outline(version.record, shown),
                changes=() if before is None else changes(before.record, version.record, shown),
                statement=version.statement,
                digest=digest_of_statement(version.statement),
                previous=None if before is None else digest_of_statement(before.statement),
                key=key_of(version.statement),
                text=written_out(version.record) if level == "full" else None,
            )
        )
        before = version
    return made
