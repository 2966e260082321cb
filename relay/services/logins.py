"""Admins of subscribers who show that a server is theirs, and their sessions.

A code is good for one server and one browser. It is shown in one of two ways, neither of which needs a password here:

- the server's own actor signs a POST to the address that holds the code. Where software lets its admin add a relay by
  its inbox (Mastodon, Misskey and their relatives), adding that address does it; elsewhere a script with the actor's
  key does;
- the code stands in the description of the server, which NodeInfo and the client API give to everybody.

What the browser holds is a secret of its own, so that nobody who reads the code in public can use it. Once the code was
shown, the browser gets another secret and the code is worth nothing any more. Who subscribes is not told before that.
"""

from __future__ import annotations

import hashlib
from base64 import b32encode, urlsafe_b64encode
from dataclasses import replace
from math import ceil
from typing import TYPE_CHECKING, Final

from relay.domain import hosts, strictjson
from relay.domain.errors import Busy, Malformed, NotFound, Refused, RelayError, RemoteError, TooMany
from relay.domain.login import (
    CODE_LASTS,
    MOST,
    MOST_LOOKS,
    MOST_OF_ONE_SERVER,
    SESSION_LASTS,
    Login,
)
from relay.domain.rates import Bucket, Rate
from relay.protocol.discovery import nodeinfo_address
from relay.protocol.instances import INSTANCE_PATHS, descriptions_in
from relay.services.memory import Remembered

if TYPE_CHECKING:
    from relay.domain.subscription import Subscription
    from relay.ports import Clock, Remote, Store
    from relay.services.authenticate import Sender
    from relay.services.blocks import Blocks

PREFIX: Final = "assay-"
"""What a code begins with, so that admins know later what stands in their description."""
BEGIN_ALL: Final = Rate(120, 60)
BEGIN_ONE: Final = Rate(20, 3600)
"""Codes that everybody together, and somebody for one server, may ask for."""
LOOK_EVERY: Final = 5.0
"""Seconds between two looks at the description of one server."""
LIMIT: Final = 256 * 1024
TIMEOUT: Final = 10.0
_NODEINFO: Final = "/.well-known/nodeinfo"
_PLACES: Final = (_NODEINFO, *INSTANCE_PATHS)


class Logins:
    """Begins, proves, opens and ends logins."""

    def __init__(self, *, store: Store, clock: Clock, remote: Remote, blocks: Blocks) -> None:
        self._store, self._clock, self._remote, self._blocks = store, clock, remote, blocks
        self._all = Bucket(float(BEGIN_ALL.count), clock.monotonic())
        self._begun: Remembered[Bucket] = Remembered(clock, seconds=BEGIN_ONE.seconds, most=10_000)
        self._looked: Remembered[bool] = Remembered(clock, seconds=LOOK_EVERY, most=10_000)

    async def begin(self, text: str) -> tuple[str, Login]:
        """Begin a login for the server that somebody names; return the secret for the browser, and the login.

        Raises `Malformed` for what is no server name, `TooMany`, and `Busy` when there is no room.
        """
        server = server_in(text)
        self._count(server)
        now = self._clock.now()
        code = PREFIX + b32encode(self._clock.token(16)).decode().rstrip("=").lower()
        secret, token = self._secret()
        login = Login(token, code, server, now, now + CODE_LASTS)
        async with self._store.transaction() as tx:
            await tx.logins.forget(now)
            of_one, of_all = await tx.logins.numbers(server, now)
            if of_one >= MOST_OF_ONE_SERVER or of_all >= MOST:
                raise Busy("Too many are signing in just now.", retry_after=600)
            await tx.logins.save(login)
        return secret, login

    async def current(self, secret: str | None) -> Login | None:
        """Return the login of a browser; None when it has none, or none any more."""
        if not secret:
            return None
        async with self._store.reading() as tx:
            return await tx.logins.by_token(_hashed(secret), self._clock.now())

    async def waits(self, code: str) -> bool:
        """Whether a code waits to be shown."""
        async with self._store.reading() as tx:
            return await tx.logins.by_nonce(code, self._clock.now()) is not None

    async def signed(self, code: str, sender: Sender) -> None:
        """Take a signed request to the address of a code as its proof.

        Raises `NotFound` when nobody waits for the code, `Refused` when the actor is of another server, or subscribes
        not: only the very actor that follows the relay speaks for its server.
        """
        now = self._clock.now()
        async with self._store.transaction() as tx:
            login = await tx.logins.by_nonce(code, now)
            if login is None:
                raise NotFound("Nobody waits for this code.")
            subscription = await tx.subscribers.by_actor(sender.actor)
            if sender.server != login.server or subscription is None:
                raise Refused("This actor does not subscribe for that server.", code="not-the-subscriber")
            await tx.logins.save(replace(login, nonce=None, actor=sender.actor, proven=True))

    async def look(self, login: Login) -> bool:
        """Look for the code in the description of its server; return whether it is there.

        Raises `TooMany` for too many looks, `Refused` for a server that is blocked, `RemoteError` when nothing could be
        had of it.
        """
        if login.nonce is None:
            return login.proven
        if self._blocks.blocked(login.server):
            raise Refused("This server is blocked here.", code="blocked")
        if login.looks >= MOST_LOOKS:
            raise TooMany("That was looked for too often: begin anew.", retry_after=60)
        if self._looked.get(login.server) is not None:
            raise TooMany("That was looked for just now: wait a few seconds.", retry_after=ceil(LOOK_EVERY))
        self._looked.put(login.server, True)
        async with self._store.transaction() as tx:
            await tx.logins.save(replace(login, looks=login.looks + 1))
        found = await self._is_described(login.server, login.nonce)
        if found:
            async with self._store.transaction() as tx:
                current = await tx.logins.by_nonce(login.nonce, self._clock.now())
                if current is not None:
                    await tx.logins.save(replace(current, nonce=None, proven=True))
        return found

    async def open(self, login: Login) -> tuple[str, Login]:
        """Open the session of a proven login, once: return its new secret and what it is now.

        Raises `Refused` when it is not proven, or was opened before.
        """
        now = self._clock.now()
        secret, token = self._secret()
        async with self._store.transaction() as tx:
            current = await tx.logins.by_token(login.token, now)
            if current is None or not current.proven or current.opened:
                raise Refused("This code was not shown, or used before.", code="not-proven")
            session = replace(
                current, token=token, opened=True, created_at=now, expires_at=now + SESSION_LASTS
            )
            await tx.logins.drop(login.token)
            await tx.logins.save(session)
            who = current.actor or f"https://{current.server}"
            await tx.subscribers.audit(
                at=now, who=who, action="sign-in", subject=current.server, detail=_how(current)
            )
        return secret, session

    async def end(self, login: Login) -> None:
        """End a login or a session."""
        async with self._store.transaction() as tx:
            await tx.logins.drop(login.token)

    async def subscriptions(self, login: Login) -> list[Subscription]:
        """Return the subscriptions that a session may see and change."""
        async with self._store.reading() as tx:
            return [one for one in await tx.subscribers.all() if login.speaks_for(one.server, one.actor)]

    def _count(self, server: str) -> None:
        now = self._clock.monotonic()
        bucket = self._begun.get(server) or Bucket(float(BEGIN_ONE.count), now)
        wait = max(bucket.take(BEGIN_ONE, now), self._all.take(BEGIN_ALL, now))
        self._begun.put(server, bucket)
        if wait:
            raise TooMany("Too many codes were asked for: try again later.", retry_after=max(1, ceil(wait)))

    def _secret(self) -> tuple[str, str]:
        """Return a secret and how it is kept."""
        secret = urlsafe_b64encode(self._clock.token(32)).decode().rstrip("=")
        return secret, _hashed(secret)

    async def _is_described(self, server: str, code: str) -> bool:
        origin, failures = await self._origin(server), list[RelayError]()
        for path in _PLACES:
            try:
                document = await self._document(f"{origin}{path}")
                address = nodeinfo_address(document) if path == _NODEINFO else None
                texts = descriptions_in(document if address is None else await self._document(address))
            except RelayError as error:
                failures.append(error)
                continue
            if any(code in text for text in texts):
                return True
        if len(failures) == len(_PLACES):
            raise RemoteError(f"{server} does not describe itself: {failures[0]}", code="unreachable")
        return False

    async def _origin(self, server: str) -> str:
        """Where a server answers: by https, unless its actor itself is known by plain http."""
        async with self._store.reading() as tx:
            known = [hosts.origin(one.actor) for one in await tx.subscribers.all() if one.server == server]
        return next(iter(known), f"https://{server}")

    async def _document(self, url: str) -> object:
        fetched = await self._remote.get(url, accept="application/json", limit=LIMIT, timeout=TIMEOUT)
        return strictjson.loads(fetched.body)


def server_in(text: str) -> str:
    """The server that somebody names: its name, or any address on it. Raises `Malformed`."""
    text = text.strip()
    server = hosts.server_name(text) if "://" in text else hosts.parse_pattern(text)
    if server.startswith("*."):
        raise Malformed("Write the name of one server, such as social.example.", code="server")
    return server


def _hashed(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _how(login: Login) -> str:
    return "the description of the server" if login.actor is None else "a signed request"
