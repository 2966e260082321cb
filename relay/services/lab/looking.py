"""Looking at a delivery to a temporary inbox: who signed it, who issued what it carries; a Follow is accepted.

What is found out here is what cannot be found out later: keys and actors change. All the rest, such as what the
attestations come to, follows from the bytes and from this (`relay.protocol.lab.arrivals`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from relay.domain import hosts, strictjson
from relay.domain.attachments import flat
from relay.domain.errors import Malformed, RelayError, RemoteError
from relay.domain.lab.inbox import Seen
from relay.protocol import documents, httpsig
from relay.protocol.documents import FollowEcho
from relay.protocol.lab import temporary
from relay.protocol.lab.documents import issuers_in
from relay.protocol.requests import SignedRequest
from relay.services.signing import Signing

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractAsyncContextManager

    from relay.domain.lab.inbox import Delivery, TemporaryInbox
    from relay.ports import Clock, Remote, Signer
    from relay.protocol.httpsig import Signature
    from relay.services.authenticate import Authenticator
    from relay.services.blocks import Blocks
    from relay.services.fetch import Fetcher
    from relay.services.identity import Identity
    from relay.services.lab.asking import Issuers

    OpenSigner = Callable[[str, bytes], AbstractAsyncContextManager[Signer]]

TIMEOUT: Final = 10.0
"""Seconds that an Accept may take."""
VERIFIED: Final = "verified"
_PUBLIC: Final = f"{documents.AS2}#Public"


class Looker:
    """Looks at deliveries. `open_signer` makes a signer of a key id and a private PEM."""

    def __init__(
        self,
        *,
        identity: Identity,
        clock: Clock,
        remote: Remote,
        authenticator: Authenticator,
        fetcher: Fetcher,
        blocks: Blocks,
        issuers: Issuers,
        open_signer: OpenSigner,
        scheme: str,
    ) -> None:
        self._identity, self._clock, self._remote = identity, clock, remote
        self._authenticator, self._fetcher, self._blocks, self._issuers = (
            authenticator,
            fetcher,
            blocks,
            issuers,
        )
        self._open_signer, self._scheme = open_signer, scheme

    async def look(self, inbox: TemporaryInbox, delivery: Delivery) -> Seen:
        """Find out about a delivery. Never raises what another server can cause."""
        request = SignedRequest("POST", delivery.target, delivery.headers, delivery.body)
        signature = httpsig.inspect(
            request, now=delivery.at, hosts=frozenset({self._identity.server}), scheme=self._scheme
        )
        asked = await self._issuers.ask(issuers_in(_parsed(delivery.body), delivery.attestations))
        if isinstance(signature, httpsig.Failure):
            return Seen(
                scheme=_scheme_of_headers(request),
                code=signature.code,
                sentence=signature.sentence,
                issuers=asked.documents,
                failures=asked.failures,
            )
        actor, code, sentence = await self._who(request)
        answer = None if actor is None else await self._answer(inbox, delivery, actor)
        return Seen(
            scheme=_scheme(signature),
            code=code,
            sentence=sentence,
            key_id=signature.key_id,
            actor=actor,
            covered=tuple(signature.covered),
            issuers=asked.documents,
            failures=asked.failures,
            answer=answer,
        )

    async def _who(self, request: SignedRequest) -> tuple[str | None, str, str]:
        try:
            sender = await self._authenticator.authenticate(request)
        except RelayError as error:
            return None, error.code, str(error)
        return sender.actor, VERIFIED, "The signature verifies."

    async def _answer(self, inbox: TemporaryInbox, delivery: Delivery, actor: str) -> str | None:
        """Accept a Follow by the actor that signed it; return what came of it, None when it is no Follow."""
        me = temporary.inbox_id(inbox.token, url=self._identity.url)
        echo = _follow_in(delivery.body, actor, me)
        if echo is None:
            return None
        try:
            target = (await self._fetcher.actor(actor)).inbox
            if not hosts.same_origin(target, actor):
                return "The Follow was not answered: the inbox of its actor is on another server."
            body = documents.dump(
                documents.accept(id=f"{me}#accepts/{self._clock.new_id()}", actor=me, follow=echo)
            )
            key_id = temporary.key_id(inbox.token, url=self._identity.url)
            async with self._open_signer(key_id, inbox.private_pem.encode()) as signer:
                posted = await Signing(signer, self._remote, self._clock).post(target, body, TIMEOUT)
        except (RemoteError, Malformed) as error:
            return f"The Accept could not be delivered: {error}."
        return f"An Accept went to {target}, which answered {posted.status}."


def _parsed(body: bytes) -> object:
    """The document in a body; None for what is none."""
    try:
        return strictjson.loads(body)
    except Malformed:
        return None


def _scheme(signature: Signature) -> str:
    return "draft-cavage" if signature.base is None else "rfc9421"


def _scheme_of_headers(request: SignedRequest) -> str | None:
    if request.values("signature-input"):
        return "rfc9421"
    return "draft-cavage" if request.values("signature") else None


def _follow_in(body: bytes, actor: str, me: str) -> FollowEcho | None:
    """The Follow in a body that is by this actor and about us, or about the public collection as relays are asked."""
    document = _parsed(body)
    if not isinstance(document, dict) or "Follow" not in flat(document.get("type")):
        return None
    follow_id, by, target = (document.get(name) for name in ("id", "actor", "object"))
    if by != actor or target not in {me, _PUBLIC} or not isinstance(follow_id, str):
        return None
    return FollowEcho(follow_id, actor, str(target))
