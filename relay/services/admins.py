"""Operators at the admin pages: a link that is good once signs a browser in; nobody has a password.

Whoever can give commands to the relay on its machine makes the link (`assay admin link`), and whoever has the link is
that person. So it is long, short-lived, kept as a digest, and used up by a button rather than by being looked at:
programs that follow links in mail and chat use up nothing.
"""

from __future__ import annotations

import hashlib
from base64 import urlsafe_b64encode
from math import ceil
from typing import TYPE_CHECKING, Final

from relay.domain.admin import (
    ADMIN,
    IDLE_LASTS,
    LINK_LASTS,
    MOST_LINKS,
    MOST_SESSIONS,
    SESSION_LASTS,
)
from relay.domain.errors import NotFound, Refused, TooMany
from relay.domain.rates import Bucket, Rate

if TYPE_CHECKING:
    from relay.domain.admin import AdminSession
    from relay.ports import Clock, Store

TRIES: Final = Rate(30, 60)
"""How often links may be tried, by all together: only one of them is right, and it is clicked once or twice."""
NOTED_EVERY: Final = 60.0
"""Seconds after which it is noted again that a session is used: not each page writes to the disk."""
_LONGEST_AGENT: Final = 200


class Admins:
    """Makes and takes sign-in links, and looks after sessions."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store, self._clock = store, clock
        self._tries = Bucket(float(TRIES.count), clock.monotonic())

    async def link(self, *, made_by: str, who: str = ADMIN) -> str:
        """Make a sign-in link; return its secret, which is kept nowhere else."""
        now, (secret, token) = self._clock.now(), self._secret()
        async with self._store.transaction() as tx:
            await tx.admins.add_link(token, who, now=now, expires_at=now + LINK_LASTS, most=MOST_LINKS)
            await tx.subscribers.audit(at=now, who=made_by, action="admin-link", subject=who, detail="")
        return secret

    async def waits(self, secret: str) -> bool:
        """Whether a link can be used. Raises `TooMany`."""
        self._count()
        async with self._store.reading() as tx:
            return await tx.admins.link(_hashed(secret), self._clock.now()) is not None

    async def open(self, secret: str, *, agent: str) -> str:
        """Use a link up and open a session: return the secret for the browser. Raises `Refused`, `TooMany`.

        `agent` is what the browser calls itself.
        """
        self._count()
        now, (opened, token), used = self._clock.now(), self._secret(), _hashed(secret)
        async with self._store.transaction() as tx:
            who = await tx.admins.link(used, now)
            if who is None:
                raise Refused("This link was used before, or is older than 15 minutes.", code="bad-link")
            await tx.admins.drop_link(used)
            await tx.admins.add_session(
                token,
                who,
                now=now,
                expires_at=now + SESSION_LASTS,
                agent=agent[:_LONGEST_AGENT],
                most=MOST_SESSIONS,
            )
            await tx.subscribers.audit(at=now, who=who, action="admin-sign-in", subject=who, detail="")
        return opened

    async def current(self, secret: str) -> AdminSession | None:
        """Return the session of a browser, None when it has none, and note that it is used."""
        if not secret:
            return None
        now = self._clock.now()
        async with self._store.reading() as tx:
            found = await tx.admins.session(_hashed(secret), now=now, used_after=now - IDLE_LASTS)
        if found is not None and now - found.used_at >= NOTED_EVERY:
            async with self._store.transaction() as tx:
                await tx.admins.use(found.id, now)
        return found

    async def sessions(self, who: str) -> list[AdminSession]:
        """Return the sessions of an account, the last used first."""
        now = self._clock.now()
        async with self._store.reading() as tx:
            return await tx.admins.sessions(who, now=now, used_after=now - IDLE_LASTS)

    async def end(self, who: str, session_id: int, *, by: str | None = None) -> None:
        """End one session of an account; `by` is who does it, for the record. Raises `NotFound`."""
        async with self._store.transaction() as tx:
            if not await tx.admins.drop_session(who, session_id):
                raise NotFound("This session has ended already.")
            now = self._clock.now()
            await tx.subscribers.audit(at=now, who=by or who, action="admin-sign-out", subject=who, detail="")

    async def ever(self) -> bool:
        """Whether anybody ever signed in."""
        async with self._store.reading() as tx:
            return await tx.admins.signed_in()

    def _count(self) -> None:
        wait = self._tries.take(TRIES, self._clock.monotonic())
        if wait:
            raise TooMany("Too many links were tried: try again in a minute.", retry_after=max(1, ceil(wait)))

    def _secret(self) -> tuple[str, str]:
        """Return a secret of 256 bits and how it is kept."""
        secret = urlsafe_b64encode(self._clock.token(32)).decode().rstrip("=")
        return secret, _hashed(secret)


def _hashed(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
