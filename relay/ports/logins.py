"""The part of the durable state that is about admins of subscribers. See `store`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from relay.domain.login import Login


class Logins(Protocol):
    """Codes and sessions. One that has expired is as good as gone."""

    async def by_token(self, token: str, now: float) -> Login | None:
        """Return the login of a browser."""

    async def by_nonce(self, nonce: str, now: float) -> Login | None:
        """Return the login that waits for a code to be shown."""

    async def save(self, login: Login) -> None:
        """Write a login, new or changed."""

    async def drop(self, token: str) -> None:
        """Forget a login."""

    async def numbers(self, server: str, now: float) -> tuple[int, int]:
        """Return how many there are: of one server that are not proven yet, and in all."""

    async def forget(self, now: float) -> None:
        """Forget what has expired."""
