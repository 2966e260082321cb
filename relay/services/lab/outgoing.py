"""What the lab sends: signed deliveries in either way, also ones that are wrong on purpose, and signed documents."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from mediaattest import HEADER_NAME
from relay.domain.errors import RemoteError
from relay.domain.scheme import Scheme
from relay.protocol import documents
from relay.protocol.httpsig import Target, body_digest
from relay.protocol.ldsig import Reading
from relay.services.signing import Message, Signing, bytes_of, headers_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from relay.domain.remote import Posted
    from relay.ports import Canonicalizer, Clock, Remote
    from relay.protocol.documents import Json
    from relay.services.fetch import Fetcher
    from relay.services.lab.actors import LabActor

TIMEOUT: Final = 30.0


@dataclass(frozen=True, slots=True)
class Letter:
    """A delivery, signed and ready: sent twice, it is a replay."""

    url: str
    headers: Mapping[str, str]
    body: bytes


class Outgoing:
    """Signs and sends for the actors of the lab. `timeout` in seconds."""

    def __init__(
        self,
        *,
        remote: Remote,
        clock: Clock,
        fetcher: Fetcher,
        canonicalizer: Canonicalizer,
        timeout: float = TIMEOUT,
    ) -> None:
        self.remote, self.clock, self.fetcher = remote, clock, fetcher
        self._canonicalizer, self._timeout = canonicalizer, timeout

    def letter(
        self,
        actor: LabActor,
        inbox: str,
        document: Mapping[str, object] | bytes,
        *,
        scheme: Scheme = Scheme.DRAFT,
        beside: str | None = None,
        at: float | None = None,
    ) -> Letter:
        """Sign a delivery by `actor`. `beside` is a Media-Attestation field, `at` the time of signing if not now."""
        body = document if isinstance(document, bytes) else documents.dump(document)
        message = Message(Target.of(inbox), body_digest(body), beside)
        moment = self.clock.now() if at is None else at
        signature = actor.sign(bytes_of(message, scheme, moment, actor.key_id))
        headers = headers_of(message, scheme, moment, actor.key_id, signature)
        return Letter(message.target.url, headers, body)

    async def post(self, letter: Letter) -> Posted:
        """Send a letter as it is. Raises `RemoteError`."""
        return await self.remote.post(
            letter.url, headers=letter.headers, body=letter.body, timeout=self._timeout
        )

    async def send(
        self,
        actor: LabActor,
        inbox: str,
        document: Mapping[str, object] | bytes,
        *,
        beside: str | None = None,
    ) -> Posted:
        """Deliver by `actor`, in the way that the receiver takes. Raises `RemoteError`."""
        body = document if isinstance(document, bytes) else documents.dump(document)
        signing = Signing(actor, self.remote, self.clock)
        [signed] = await signing.sign([Message(Target.of(inbox), body_digest(body), beside)])
        return await signing.send(signed, body, self._timeout)

    async def send_unsigned(self, inbox: str, document: Mapping[str, object]) -> Posted:
        """Deliver without any signature. Raises `RemoteError`."""
        headers = {"Content-Type": documents.CONTENT_TYPE}
        body = documents.dump(document)
        return await self.remote.post(inbox, headers=headers, body=body, timeout=self._timeout)

    async def inbox_of(self, actor_id: str) -> str:
        """Return where an actor takes deliveries. Raises `RemoteError`."""
        return (await self.fetcher.actor(actor_id)).inbox

    async def ld_signed(self, actor: LabActor, document: Mapping[str, Any]) -> Json:
        """Add the Linked Data signature of an actor, as Mastodon does. Raises `RemoteError` if it cannot be made."""
        options = {
            "type": "RsaSignature2017",
            "creator": actor.key_id,
            "created": documents.timestamp(self.clock.now()),
        }
        # What is hashed leaves the signature's own value out, so there may be any.
        unsigned = {**document, "signature": {**options, "signatureValue": b64encode(bytes(256)).decode()}}
        reading = await self._canonicalizer.read(documents.dump(unsigned), "first")
        if not isinstance(reading, Reading):
            raise RemoteError(
                f"the lab's own document could not be signed: {reading.code}", code="bad-document"
            )
        value = actor.sign(f"{reading.options_hash}{reading.document_hash}".encode())
        return {**document, "signature": {**options, "signatureValue": b64encode(value).decode()}}


FIELD: Final = HEADER_NAME.lower()
"""The header field of attestations, as it stands in an `Arrival`."""
