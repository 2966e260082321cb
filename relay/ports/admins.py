"""The part of the durable state that is about operators at the admin pages. See `store`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from relay.domain.admin import AdminSession, Draft


class Admins(Protocol):
    """Sign-in links, sessions and drafts. Secrets are kept as their SHA-256 only."""

    async def add_link(self, token: str, who: str, *, now: float, expires_at: float, most: int) -> None:
        """Write a sign-in link; forget those that have ended, and the oldest of more than `most`."""

    async def link(self, token: str, now: float) -> str | None:
        """Return whose link it is; None when there is none, or none any more."""

    async def drop_link(self, token: str) -> None:
        """Forget a link."""

    async def add_session(
        self, token: str, who: str, *, now: float, expires_at: float, agent: str, most: int
    ) -> None:
        """Write a session; forget those that have ended, and of more than `most` the one that is idle for longest."""

    async def session(self, token: str, *, now: float, used_after: float) -> AdminSession | None:
        """Return the session of a browser, unless it has ended or was not used since a time."""

    async def sessions(self, who: str, *, now: float, used_after: float) -> list[AdminSession]:
        """Return the sessions of an account, the last used first."""

    async def use(self, session_id: int, now: float) -> None:
        """Note that a session is used."""

    async def drop_session(self, who: str, session_id: int) -> bool:
        """End a session of an account; False when there is none."""

    async def signed_in(self) -> bool:
        """Whether anybody ever signed in."""

    async def draft(self, who: str) -> Draft | None:
        """Return the policy that an account is writing."""

    async def save_draft(self, who: str, draft: Draft) -> None:
        """Write it."""

    async def drop_draft(self, who: str) -> None:
        """Forget it."""
