"""Requests signed by the relay actor: building blocks for the fan-out, single POSTs of our own messages, and GETs."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from relay.domain import hosts
from relay.domain.errors import RemoteError
from relay.domain.scheme import REFUSALS, Scheme
from relay.protocol import httpsig, rfc9421
from relay.protocol.documents import CONTENT_TYPE
from relay.protocol.httpsig import Target, body_digest, http_date
from relay.services.schemes import Schemes

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from relay.domain.remote import Fetched, First, Posted
    from relay.ports import Clock, Remote, Signer


class Message(
    NamedTuple
):  # this and the next are made for each delivery: a tuple costs a third of a dataclass
    """A POST that is to be signed: `digest` is the Digest header of its body, `kind` its media type."""

    target: Target
    digest: str
    attestations: str | None
    kind: str = CONTENT_TYPE


class Signed(NamedTuple):
    """A POST that can be sent, soon: servers look at the time of signing, `at`."""

    message: Message
    scheme: Scheme
    headers: Mapping[str, str]
    at: float


def bytes_of(message: Message, scheme: Scheme, at: float, key_id: str) -> bytes:
    """Return what is signed. `at` is the time of signing in seconds since 1970."""
    target, attestations = message.target, message.attestations
    if scheme is Scheme.DRAFT:
        return httpsig.post_string(target, http_date(at), message.digest, message.kind, attestations)
    digest = rfc9421.content_digest(message.digest)
    return rfc9421.post_base(target, int(at), digest, message.kind, attestations, key_id)


def headers_of(message: Message, scheme: Scheme, at: float, key_id: str, signature: bytes) -> dict[str, str]:
    """Put together the headers of a signed POST; the draft's in the order in which they are covered."""
    headers = {"Host": message.target.host}
    if scheme is Scheme.DRAFT:
        headers |= {"Date": http_date(at), "Digest": message.digest, "Content-Type": message.kind}
    else:
        headers |= {"Content-Digest": rfc9421.content_digest(message.digest), "Content-Type": message.kind}
    if message.attestations is not None:
        headers["Media-Attestation"] = message.attestations
    if scheme is Scheme.RFC9421:
        plain = message.attestations is None
        covered = rfc9421.COVERED_POST if plain else rfc9421.COVERED_POST_ATTESTED
        return headers | rfc9421.signature_headers(key_id, covered, int(at), signature)
    covered = httpsig.COVERED_POST if message.attestations is None else httpsig.COVERED_POST_ATTESTED
    return headers | {"Signature": httpsig.signature_header(key_id, covered, signature)}


class Signing:
    """Signs and sends, each server in the way that it takes. Without `schemes` it remembers for itself."""

    def __init__(self, signer: Signer, remote: Remote, clock: Clock, schemes: Schemes | None = None) -> None:
        self._signer, self._remote, self._clock = signer, remote, clock
        self._schemes = schemes or Schemes(clock)

    async def sign(self, messages: Sequence[Message]) -> list[Signed]:
        """Sign a batch in one hop, each message in the way that is to be tried first."""
        return await self._sign([(message, self._schemes.first(message.target.host)) for message in messages])

    async def _sign(self, messages: Sequence[tuple[Message, Scheme]]) -> list[Signed]:
        at, key_id = self._clock.now(), self._signer.key_id
        signatures = await self._signer.sign_many([bytes_of(*each, at, key_id) for each in messages])
        return [
            Signed(message, scheme, headers_of(message, scheme, at, key_id, signature), at)
            for (message, scheme), signature in zip(messages, signatures, strict=True)
        ]

    def send_now(
        self, signed: Signed, body: bytes, timeout: float, answered: Callable[[First], None]
    ) -> bool:
        """Send a message at once if that needs no waiting, see `Remote.post_now`; `send` deals with the answer."""
        url = signed.message.target.url
        return self._remote.post_now(
            url, headers=signed.headers, body=body, timeout=timeout, answered=answered
        )

    def give_up(self) -> None:
        """End what was sent at once and is not answered yet, see `Remote.give_up`."""
        self._remote.give_up()

    async def send(
        self, what: Signed | Message, body: bytes, timeout: float, posted: Posted | None = None
    ) -> Posted:
        """Send a message; once more, signed the other way, when it is refused. Raises `RemoteError`.

        What is not signed yet is signed when there is a connection: for servers that are not there it would be in vain.
        `posted` is what it was answered if it was sent already.
        """
        signed = what if isinstance(what, Signed) else None
        message = what if isinstance(what, Message) else what.message
        target = message.target

        async def send(scheme: Scheme) -> Posted:
            made = [signed] if signed is not None and scheme is signed.scheme else []

            async def headers() -> Mapping[str, str]:
                if not made:
                    made.extend(await self._sign([(message, scheme)]))
                return made[0].headers

            answer = await self._remote.post(target.url, headers=headers, body=body, timeout=timeout)
            return answer.to(made[0].at)

        scheme = self._schemes.first(target.host) if signed is None else signed.scheme
        first = None if posted is None or signed is None else posted.to(signed.at)
        return await self._schemes.knock(target.host, scheme, send, first)

    async def post(self, inbox: str, body: bytes, timeout: float) -> Posted:
        """Sign one message and `send` it."""
        [signed] = await self.sign([Message(Target.of(inbox), body_digest(body), None)])
        return await self.send(signed, body, timeout)

    async def get(self, url: str, *, accept: str, limit: int, timeout: float) -> Fetched:
        """Fetch by signed GET, see port `Remote`; who refuses the signature is asked once more."""
        knock = _Knock(self)

        async def fetch() -> Fetched:
            return await self._remote.get(
                url, accept=accept, limit=limit, timeout=timeout, sign=knock.headers
            )

        try:
            return await fetch()
        except RemoteError as error:
            other = self._schemes.second(knock.server, knock.scheme, error.status)
            if other is None:
                raise
            refused, server, knock.chosen = error, knock.server, {knock.server: other}
        try:
            fetched = await fetch()
        except RemoteError as error:
            if error.status not in REFUSALS or knock.server != server:
                raise
            await self._schemes.settle(server, other, error.status)
            raise refused from error
        await self._schemes.settle(server, other, 200)
        return fetched

    def first(self, url: str) -> tuple[str, Scheme]:
        """Return the server of a URL and how to sign a first request to it."""
        server = hosts.server_name(url)
        return server, self._schemes.first(server)

    async def get_headers(self, url: str, scheme: Scheme = Scheme.DRAFT) -> Mapping[str, str]:
        """Return the headers that sign a GET of `url` (servers in secure mode answer no others)."""
        target, now, key_id = Target.of(url), self._clock.now(), self._signer.key_id
        if scheme is Scheme.RFC9421:
            [signature] = await self._signer.sign_many([rfc9421.get_base(target, int(now), key_id)])
            signed = rfc9421.signature_headers(key_id, rfc9421.COVERED_GET, int(now), signature)
            return {"Host": target.host, **signed}
        date = http_date(now)
        [signature] = await self._signer.sign_many([httpsig.get_string(target, date)])
        header = httpsig.signature_header(key_id, httpsig.COVERED_GET, signature)
        return {"Host": target.host, "Date": date, "Signature": header}


class _Knock:
    """Signs the hops of one fetch and remembers the last of them. `chosen` says how, for servers that refused."""

    def __init__(self, signing: Signing) -> None:
        self._signing = signing
        self.chosen: dict[str, Scheme] = {}
        self.server, self.scheme = "", Scheme.DRAFT

    async def headers(self, url: str) -> Mapping[str, str]:
        self.server, first = self._signing.first(url)
        self.scheme = self.chosen.get(self.server, first)
        return await self._signing.get_headers(url, self.scheme)
