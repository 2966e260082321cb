"""What a server of the demo does with others' documents: who signed a request, and what an Announce leads to.

As real servers do, it believes nothing that it did not fetch from its origin: the announced object, its media, and
the actor of whoever vouches for them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from mediaattest import digest_of, to_data_url, unverified, verify
from relay.domain import strictjson
from relay.domain.activity import parse_object
from relay.domain.errors import RelayError, RemoteError
from relay.protocol import httpsig
from relay.protocol.actors import KeyFound, key_in
from relay.protocol.identity import ACCEPT, Same, check_content_type, check_identity

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from relay.domain.actor import ActorKey
    from relay.domain.media import MediaRef
    from relay.ports import Clock, Remote
    from relay.protocol.httpsig import SignedRequest
    from relay.services.signing import Signing

    Document = Mapping[str, object]

LIMIT: Final = 4 * 1024 * 1024
TIMEOUT: Final = 10.0


@dataclass(frozen=True, slots=True)
class Arrival:
    """What came of an Announce: `vouchers` are the actors whose attestation of the fetched bytes verified.

    `media` counts the files that were fetched. `problem` says why the post could not be shown, or is None.
    """

    object_id: str
    media: int = 0
    vouchers: frozenset[str] = frozenset()
    problem: str | None = None


class Reader:
    """Reads for one server. `trusted` are the issuers whose attestations count there."""

    def __init__(self, *, remote: Remote, signing: Signing, clock: Clock, trusted: frozenset[str]) -> None:
        self._remote, self._signing, self._clock, self._trusted = remote, signing, clock, trusted
        self._actors: dict[str, Document] = {}

    async def signer_of(self, request: SignedRequest, host: str) -> tuple[str, httpsig.Signature] | None:
        """Return the actor that signed a request to `host`, with the signature; None when it proves nobody."""
        signature = httpsig.inspect(request, now=self._clock.now(), hosts=frozenset({host}))
        if isinstance(signature, httpsig.Failure):
            return None
        try:
            key = await self._key(signature.key_id)
        except RelayError:
            return None
        if key is None or not httpsig.verify(signature, request, key.pem):
            return None
        return key.owner, signature

    async def read(self, object_id: str, tokens: Sequence[str]) -> Arrival:
        """Fetch an announced post and its media. `tokens`: attestations that came beside it. Never raises."""
        try:
            post = parse_object(await self._document(object_id))
            vouchers = [await self._vouchers(ref, object_id, tokens) for ref in post.media]
        except RelayError as error:
            return Arrival(object_id, problem=f"{error.code}: {error}")
        return Arrival(object_id, len(vouchers), frozenset().union(*vouchers))

    async def _vouchers(self, ref: MediaRef, object_id: str, tokens: Sequence[str]) -> set[str]:
        fetched = await self._remote.get(ref.url, accept="*/*", limit=LIMIT, timeout=TIMEOUT)
        beside = [to_data_url(token) for token in tokens]
        found: set[str] = set()
        for attestation in (*ref.attestations, *beside):
            claim = unverified(attestation)
            if claim is None or claim.issuer not in self._trusted:
                continue
            outcome = verify(
                attestation,
                received=digest_of(fetched.body),
                actors={claim.issuer: await self._actor(claim.issuer)},
                trusted_issuers=self._trusted,
                accepted_lists=None,
                now=int(self._clock.now()),
                declared_hashes=ref.hashes,
                object_origin=object_id,
            )
            found |= {claim.issuer} if outcome.valid else set()
        return found

    async def _key(self, key_id: str) -> ActorKey | None:
        found = key_in(await self._actor(key_id.partition("#")[0]), key_id, now=self._clock.now())
        return found.key if isinstance(found, KeyFound) else None

    async def _actor(self, actor_id: str) -> Document:
        if actor_id not in self._actors:
            self._actors[actor_id] = await self._document(actor_id)
        return self._actors[actor_id]

    async def _document(self, url: str) -> Document:
        """Fetch what stands at an id by signed GET. Raises `RelayError`."""
        fetched = await self._remote.get(
            url, accept=ACCEPT, limit=LIMIT, timeout=TIMEOUT, sign=self._signing.get_headers
        )
        document = strictjson.loads(fetched.body)
        is_it = check_content_type(fetched.content_type) and isinstance(document, dict)
        if not is_it or not isinstance(check_identity(url, fetched.url, document), Same):
            raise RemoteError(f"{urlsplit(url).path} is not what it should be", code="bad-document")
        return document if isinstance(document, dict) else {}
