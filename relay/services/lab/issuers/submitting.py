"""Submitting media to an attestation service as one of its clients does (profile S-05)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import urljoin

from relay.domain import strictjson
from relay.domain.errors import Malformed
from relay.domain.scheme import Scheme
from relay.protocol.documents import dump
from relay.protocol.httpsig import Target, body_digest
from relay.services.lab.issuers.seen import LIMIT
from relay.services.signing import Message, bytes_of, headers_of

if TYPE_CHECKING:
    from relay.domain.lab.exchange import Exchange
    from relay.services.lab.actors import LabActor
    from relay.services.lab.issuers.seen import Outside

JSON: Final = "application/json"
PICTURE: Final = "image/jpeg"
SOONEST: Final = 1.0
LATEST: Final = 30.0
"""Bounds of the `Retry-After` that is kept to, in seconds."""
_OWN: Final = frozenset({"date", "location", "etag", "age", "content-length", "retry-after", "x-request-id"})
"""Headers of an answer that differ for other reasons than the medium."""


@dataclass(frozen=True, slots=True)
class Told:
    """What came of a submission: the first answer and the last, which may be the same, and the seconds between."""

    first: Exchange
    last: Exchange
    seconds: float

    @property
    def properties(self) -> tuple[str, str] | None:
        """`hash` and `attestation`; None when there is none."""
        if self.last.status != 200:
            return None
        try:
            document = strictjson.loads(self.last.body)
        except Malformed:
            return None
        if not isinstance(document, dict):
            return None
        found = document.get("hash"), document.get("attestation")
        return found if isinstance(found[0], str) and isinstance(found[1], str) else None  # type: ignore[return-value]

    @property
    def pending(self) -> bool:
        """Whether there was no answer for as long as we waited."""
        return self.last.status == 202

    @property
    def shape(self) -> tuple[object, ...]:
        """Everything that may not depend on the medium: of the first answer and of the last."""
        return _shape(self.first), _shape(self.last)


class Submitter:
    """A client of a service at `url`. `patience`: seconds that it asks again after 202."""

    def __init__(self, outside: Outside, actor: LabActor, url: str, *, patience: float) -> None:
        self._outside, self.actor, self.url, self._patience = outside, actor, url, patience

    async def submit(self, content: bytes, kind: str = PICTURE) -> Told:
        """Submit bytes and wait for the answer. Raises `RemoteError`."""
        clock = self._outside.clock
        began = clock.monotonic()
        first = last = await self._post(content, kind)
        while last.status == 202 and clock.monotonic() - began < self._patience and first.header("location"):
            await clock.sleep(_pause(last))
            last = await self._outside.signed_get(
                self.actor, urljoin(self.url, first.header("location")), accept=JSON
            )
        return Told(first, last, clock.monotonic() - began)

    async def submit_url(self, url: str) -> Told:
        """Submit what is served at an address."""
        return await self.submit(dump({"url": url}), JSON)

    async def _post(self, content: bytes, kind: str) -> Exchange:
        found = await self._try(content, kind, Scheme.DRAFT)
        return await self._try(content, kind, Scheme.RFC9421) if found.status == 401 else found

    async def _try(self, content: bytes, kind: str, scheme: Scheme) -> Exchange:
        message = Message(Target.of(self.url), body_digest(content), None, kind)
        at = self._outside.clock.now()
        signature = self.actor.sign(bytes_of(message, scheme, at, self.actor.key_id))
        headers = headers_of(message, scheme, at, self.actor.key_id, signature)
        return await self._outside.probe.exchange(
            "POST", self.url, headers=headers, body=content, limit=LIMIT, timeout=self._outside.timeout
        )


def alike(told: list[Told]) -> bool:
    """Whether nothing in the answers tells one from another but their time."""
    return len({one.shape for one in told}) == 1


def _pause(answer: Exchange) -> float:
    text = answer.header("retry-after")
    return min(max(float(text), SOONEST), LATEST) if text.isdigit() and len(text) < 6 else SOONEST


def _shape(answer: Exchange) -> tuple[object, ...]:
    kept = tuple((name, value) for name, value in answer.headers if name not in _OWN)
    return answer.status, kept, answer.body
