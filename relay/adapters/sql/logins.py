"""Codes and sessions of admins of subscribers."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from relay.domain.login import Login

if TYPE_CHECKING:
    from collections.abc import Mapping

    from relay.adapters.sql.queries import Queries


class SqlLogins:
    """Port `Logins` on SQL."""

    def __init__(self, queries: Queries) -> None:
        self._sql = queries

    async def by_token(self, token: str, now: float) -> Login | None:
        """Return the login of a browser."""
        return _login(await self._sql.row("login_by_token", token=token, now=now))

    async def by_nonce(self, nonce: str, now: float) -> Login | None:
        """Return the login that waits for a code to be shown."""
        return _login(await self._sql.row("login_by_nonce", nonce=nonce, now=now))

    async def save(self, login: Login) -> None:
        """Write a login, new or changed."""
        await self._sql.run("save_login", **asdict(login))

    async def drop(self, token: str) -> None:
        """Forget a login."""
        await self._sql.run("drop_login", token=token)

    async def numbers(self, server: str, now: float) -> tuple[int, int]:
        """Return how many there are: of one server that are not proven yet, and in all."""
        of_one: int = await self._sql.value("count_logins_of", server=server, now=now)
        of_all: int = await self._sql.value("count_logins", now=now)
        return of_one, of_all

    async def forget(self, now: float) -> None:
        """Forget what has expired."""
        await self._sql.run("forget_logins", now=now)


def _login(row: Mapping[str, Any] | None) -> Login | None:
    if row is None:
        return None
    return Login(
        token=row["token"],
        nonce=row["nonce"],
        server=row["server"],
        created_at=row["created_at"],
        expires_at=row["expires_at"],
        actor=row["actor"],
        proven=bool(row["proven"]),
        opened=bool(row["opened"]),
        looks=row["looks"],
    )
