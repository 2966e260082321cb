"""Who sent this request: its HTTP signature, and the owner of the key that it names.

The rules are protocol.md 3.2. Whatever needs no key is decided before anything is fetched.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from relay.domain import hosts
from relay.domain.errors import Malformed, Unauthorized
from relay.protocol import httpsig
from relay.services.memory import Remembered

if TYPE_CHECKING:
    from relay.ports import Clock
    from relay.protocol.httpsig import Signature, SignedRequest
    from relay.services.keyring import KeyRing

WINDOW: Final = 2.5 * 3600.0
"""Seconds for which a signature is remembered: longer than any date is accepted."""


@dataclass(frozen=True, slots=True)
class Sender:
    """The actor whose key signed a request. `replayed`: this very signature was acted on before.

    `promised` is the SHA-256 of the body of a request that was authenticated before its body came.
    """

    actor: str
    server: str
    key_id: str
    replayed: bool
    fingerprint: bytes
    promised: bytes | None = None


class Authenticator:
    """Authenticates requests.

    `host_names` are the relay's own names as they stand in Host headers, `scheme` is that of its public address.
    """

    def __init__(
        self, *, keys: KeyRing, clock: Clock, host_names: frozenset[str], scheme: str = "https"
    ) -> None:
        self._keys, self._clock, self._host_names, self._scheme = keys, clock, host_names, scheme
        self._acted: Remembered[bool] = Remembered(clock, seconds=WINDOW, most=200_000)

    async def authenticate(self, request: SignedRequest) -> Sender:
        """Return who sent a request; whether they may say what it says is not looked at here.

        Raises `Malformed` (400), `Unauthorized` (401), `Refused` (blocked), `KeyUnavailable` (try again).
        """
        signature = httpsig.inspect(
            request, now=self._clock.now(), hosts=self._host_names, scheme=self._scheme
        )
        if isinstance(signature, httpsig.Failure):
            error = Malformed if signature.status == 400 else Unauthorized
            raise error(signature.sentence, code=signature.code)
        try:
            return await self._sender(signature, request)
        except Unauthorized:
            if signature.instead is None:
                raise
        return await self._sender(signature.instead, request)

    async def _sender(self, signature: Signature, request: SignedRequest) -> Sender:
        key = await self._keys.key(signature.key_id)
        if not httpsig.verify(signature, request, key.pem):
            key = await self._keys.again(key)
            if not httpsig.verify(signature, request, key.pem):
                raise Unauthorized("The signature does not verify.", code="bad-signature")
        fingerprint = hashlib.sha256(signature.key_id.encode() + b"\0" + signature.value).digest()
        replayed = self._acted.get(fingerprint) is not None
        return Sender(
            key.actor, hosts.server_name(key.actor), key.id, replayed, fingerprint, signature.promised
        )

    def acted_on(self, sender: Sender) -> None:
        """Remember that a request was carried out: the same signature is not acted on again.

        Called after the commit: a sender whose request failed may send the very same one again.
        """
        self._acted.put(sender.fingerprint, True)
