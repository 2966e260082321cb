"""Arachnid Shield of the Canadian Centre for Child Protection (its OpenAPI 1.1.0).

By default hashes are sent: `POST /v1/pdq/` with `{"hashes": [base64 of 32 bytes]}`; the answer is keyed by our own
base64, and a key that is missing or null is a hash that was not checked. With `send: media` the file is:
`POST /v1/media/`. `/v1/media/submit` keeps what it is sent and is never called. Of an answer only the classification
and the type of the match are read; the details of near matches are dropped unread, as the terms of use ask.
"""

from __future__ import annotations

from base64 import b64encode
from itertools import islice
from typing import TYPE_CHECKING, Final

import orjson

from relay.adapters.scanners.services.connection import Answer, ServiceConnection, bad_answer
from relay.domain.errors import RemoteError
from relay.domain.hashservice import Unfit
from relay.domain.media import PDQ_RADIUS, Match, MatchKind, Undecodable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from relay.domain.hashservice import Question

AT_ONCE: Final = 32
"""Hashes in one request; how many the service takes is not documented."""
NOTHING: Final = "no-known-match"
POSITIVE: Final = frozenset({"csam", "harmful-abusive-material", "test"})
"""The other classes of the specification. A third of what is found is `harmful-abusive-material`: its own category."""


class _Scanned(Answer):
    classification: str
    match_type: str | None = None


class _Hashes(Answer):
    scanned_hashes: dict[str, _Scanned | None]


class _Version(Answer):
    last_updated_at: str | int | float


class Arachnid:
    """A service of kind `arachnid`; `sends_media` for `send: media`."""

    kind = "arachnid"

    def __init__(self, name: str, connection: ServiceConnection, *, sends_media: bool) -> None:
        self._name, self._connection, self._sends_media = name, connection, sends_media

    @property
    def methods(self) -> tuple[str, ...]:
        """`near` means PDQ for hashes; for media exact digests and another hash."""
        return ("sha1", "photodna") if self._sends_media else ("pdq",)

    @property
    def terms(self) -> str:
        """What is sent."""
        return "media" if self._sends_media else "hashes"

    async def ask(self, question: Question) -> Sequence[Match] | Unfit:
        """Ask by hashes or by the file, as configured."""
        return await (self._by_media(question) if self._sends_media else self._by_hashes(question))

    async def list_version(self) -> str | None:
        """Return when the database was last changed; None where this address does not exist."""
        try:
            found = await self._connection.get("/v1/version", _Version)
        except RemoteError as error:
            if error.status == 404:
                return None
            raise
        return str(found.last_updated_at)

    async def _by_hashes(self, question: Question) -> Sequence[Match] | Unfit:
        # Each once: the answer is keyed by what was sent.
        wanted = [b64encode(one).decode() for one in question.hashes]
        if not wanted:
            return Unfit(Undecodable.TOO_LITTLE_DETAIL.value)
        for some in _batches(wanted, AT_ONCE):
            body = orjson.dumps({"hashes": some})
            answer = await self._connection.post("/v1/pdq/", _Hashes, body, content_type="application/json")
            found = [answer.scanned_hashes.get(one) for one in some]
            matches = [self._match(one, "pdq") for one in found if one and one.classification in POSITIVE]
            if matches:
                return matches
            if None in found:
                raise RemoteError(f"{self._name} left hashes unanswered", code="unanswered")
            self._refuse_unknown(found)
        return ()

    async def _by_media(self, question: Question) -> Sequence[Match] | Unfit:
        media_type = question.decoded.media_type
        if not media_type.startswith(("image/", "video/")):
            return Unfit(Undecodable.UNSUPPORTED.value)
        if question.content is None:
            raise RemoteError("the file is not at hand", code="no-content")
        found = await self._connection.post("/v1/media/", _Scanned, question.content, content_type=media_type)
        self._refuse_unknown([found])
        if found.classification == NOTHING:
            return ()
        return [self._match(found, "sha1" if found.match_type == "exact" else "photodna")]

    def _refuse_unknown(self, found: Sequence[_Scanned | None]) -> None:
        if any(one and one.classification not in {*POSITIVE, NOTHING} for one in found):
            raise bad_answer(self._name)

    def _match(self, found: _Scanned, algorithm: str) -> Match:
        near = found.match_type == "near"
        kind = MatchKind.NEAR if near else MatchKind.KNOWN
        if found.classification == "test":
            kind = MatchKind.TEST
        # How near is not told: the policy must not take it for nearer than it may be.
        distance = PDQ_RADIUS if near else 0
        return Match(kind, self._name, found.classification, algorithm, distance)


def _batches(values: Sequence[str], size: int) -> Iterator[list[str]]:
    rest = iter(values)
    while some := list(islice(rest, size)):
        yield some
