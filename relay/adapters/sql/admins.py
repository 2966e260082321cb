"""Sign-in links, sessions and drafts of operators."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from relay.domain.admin import AdminSession, Draft

if TYPE_CHECKING:
    from collections.abc import Mapping

    from relay.adapters.sql.queries import Queries


class SqlAdmins:
    """Port `Admins` on SQL."""

    def __init__(self, queries: Queries) -> None:
        self._sql = queries

    async def add_link(self, token: str, who: str, *, now: float, expires_at: float, most: int) -> None:
        """Write a sign-in link; forget those that have ended, and the oldest of more than `most`."""
        await self._sql.run("add_admin_link", token=token, who=who, now=now, expires_at=expires_at)
        await self._sql.run("trim_admin_links", now=now, most=most)

    async def link(self, token: str, now: float) -> str | None:
        """Return whose link it is; None when there is none, or none any more."""
        who: str | None = await self._sql.value("admin_link", token=token, now=now)
        return who

    async def drop_link(self, token: str) -> None:
        """Forget a link."""
        await self._sql.run("drop_admin_link", token=token)

    async def add_session(
        self, token: str, who: str, *, now: float, expires_at: float, agent: str, most: int
    ) -> None:
        """Write a session; forget those that have ended, and of more than `most` the one that is idle for longest."""
        await self._sql.run(
            "add_admin_session", token=token, who=who, now=now, expires_at=expires_at, agent=agent
        )
        await self._sql.run("trim_admin_sessions", who=who, now=now, most=most)

    async def session(self, token: str, *, now: float, used_after: float) -> AdminSession | None:
        """Return the session of a browser, unless it has ended or was not used since a time."""
        row = await self._sql.row("admin_session", token=token, now=now, used_after=used_after)
        return None if row is None else _session(row)

    async def sessions(self, who: str, *, now: float, used_after: float) -> list[AdminSession]:
        """Return the sessions of an account, the last used first."""
        rows = await self._sql.rows("admin_sessions_of", who=who, now=now, used_after=used_after)
        return [_session(row) for row in rows]

    async def use(self, session_id: int, now: float) -> None:
        """Note that a session is used."""
        await self._sql.run("use_admin_session", id=session_id, now=now)

    async def drop_session(self, who: str, session_id: int) -> bool:
        """End a session of an account; False when there is none."""
        return await self._sql.run("drop_admin_session", who=who, id=session_id) > 0

    async def signed_in(self) -> bool:
        """Whether anybody ever signed in."""
        return bool(await self._sql.value("admins_signed_in"))

    async def draft(self, who: str) -> Draft | None:
        """Return the policy that an account is writing."""
        row = await self._sql.row("admin_draft", who=who)
        return None if row is None else Draft(row["text"], row["base"], row["changed_at"], row["revision"])

    async def save_draft(self, who: str, draft: Draft) -> None:
        """Write it."""
        await self._sql.run("save_admin_draft", who=who, **asdict(draft))

    async def drop_draft(self, who: str) -> None:
        """Forget it."""
        await self._sql.run("drop_admin_draft", who=who)


def _session(row: Mapping[str, Any]) -> AdminSession:
    return AdminSession(
        id=row["id"],
        token=row["token"],
        who=row["who"],
        created_at=row["created_at"],
        used_at=row["used_at"],
        expires_at=row["expires_at"],
        agent=row["agent"],
    )
