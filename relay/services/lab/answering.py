"""The relay's own library as a verifier that fetches by itself, to be asked by the lab.

It is what a server does that takes a post: fetch it, its media and, once the issuer is known to count, the issuer's
actor; all behind the wall of `Remote`, with limits of size and time.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from mediaattest import Verdict, Verification, claims_in, digest_of, origin_of, unverified, verify
from mediaattest.answer import answers
from relay.domain import strictjson
from relay.domain.errors import Malformed, RemoteError
from relay.protocol.documents import CONTENT_TYPE, dump

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mediaattest import Claims
    from relay.ports import Clock, Remote

LARGEST_DOCUMENT: Final = 1024 * 1024
LARGEST_MEDIUM: Final = 64 * 1024 * 1024
TIMEOUT: Final = 10.0
KEPT: Final = 3600.0
"""Seconds for which an actor document is used (V-20)."""
AGAIN: Final = 300.0
"""Seconds within which it is not fetched anew for an unknown key, but once (V-20)."""
_UNSUPPORTED: Final = b'{"unsupported": true}'


@dataclass(slots=True)
class _Kept:
    document: Mapping[str, Any] | None
    fetched_at: float
    renewed_at: float | None = None


class OwnVerifier:
    """Answers questions of the lab (see `protocol.lab.vectors` and `live`). `timeout` is for one fetch, in seconds."""

    def __init__(self, remote: Remote, clock: Clock, *, timeout: float = TIMEOUT) -> None:
        self._remote, self._clock, self._timeout = remote, clock, timeout
        self._actors: dict[str, _Kept] = {}

    async def answer(self, line: bytes) -> bytes:
        """Answer one question. Total."""
        try:
            question = strictjson.loads(line)
        except Malformed:
            return _UNSUPPORTED
        given = question.get("input") if isinstance(question, dict) else None
        if not isinstance(question, dict) or question.get("kind") != "object" or not isinstance(given, dict):
            [answer] = answers([line.decode("utf-8", "replace")])
            return answer.encode()
        try:
            return dump(_told(await self._object(given)))
        except RemoteError as error:
            return dump({"error": str(error)})

    async def _object(self, given: Mapping[str, Any]) -> Verification:
        """The verdict about the first medium of a post: the best of its attestations."""
        address = str(given.get("object"))
        document = strictjson.loads(await self._get(address, CONTENT_TYPE, LARGEST_DOCUMENT))
        [claims, *_] = claims_in(document) or [None]
        if claims is None or claims.url is None:
            raise RemoteError(f"{address} has no medium", code="bad-document", temporary=False)
        received = digest_of(await self._get(claims.url, "*/*", LARGEST_MEDIUM))
        found = [
            await self._verify(text, address, claims, received, given)
            for text in claims.attestations or ("",)
        ]
        return next((one for one in found if one.valid), found[0])

    async def _verify(
        self, text: str, address: str, claims: Claims, received: str, given: Mapping[str, Any]
    ) -> Verification:
        trusted = frozenset(map(str, given.get("trusted_issuers", ())))
        claim = unverified(text)
        # V-14: nothing is fetched for an issuer that does not count
        counts = claim is not None and (
            claim.issuer in trusted or origin_of(claim.issuer) == origin_of(address)
        )

        async def judged(*, anew: bool) -> Verification:
            actors: dict[str, Mapping[str, Any] | None] = {}
            if claim is not None and counts:
                await self._add_actor(claim.issuer, actors, anew=anew)
            return verify(
                text,
                received=received,
                actors=actors,
                trusted_issuers=trusted,
                accepted_lists=frozenset(map(str, given.get("accepted_lists", ()))),
                now=int(self._clock.now()),
                declared_hashes=claims.hashes,
                object_origin=address,
            )

        found = await judged(anew=False)
        return await judged(anew=True) if found.verdict is Verdict.UNKNOWN_KEY else found

    async def _add_actor(
        self, issuer: str, actors: dict[str, Mapping[str, Any] | None], *, anew: bool
    ) -> None:
        """Put the document of an issuer into `actors`: None for one that is gone, nothing when it cannot be had."""
        kept, now = self._actors.get(issuer), self._clock.now()
        fresh = kept is not None and now - kept.fetched_at < KEPT
        renewed = kept is not None and kept.renewed_at is not None and now - kept.renewed_at < AGAIN
        if kept is None or not fresh or (anew and not renewed):
            try:
                body = await self._get(issuer, CONTENT_TYPE, LARGEST_DOCUMENT)
                found = strictjson.loads(body)
            except Malformed:
                found = None
            except RemoteError as error:
                if error.status not in {404, 410}:
                    return
                found = None
            kept = _Kept(found if isinstance(found, dict) else None, now, now if anew else None)
            self._actors[issuer] = kept
        actors[issuer] = kept.document

    async def _get(self, url: str, accept: str, limit: int) -> bytes:
        return (await self._remote.get(url, accept=accept, limit=limit, timeout=self._timeout)).body


def _told(result: Verification) -> dict[str, object]:
    told: dict[str, object] = {
        "verdict": str(result.verdict),
        "step": int(result.step),
        "temporary": result.temporary,
    }
    return told | ({"issuer_class": str(result.issuer_class)} if result.valid else {})
