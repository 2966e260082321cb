"""The objects of a publisher: fetched, with their media, and looked at as `assay lab verify` does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from mediaattest import digest_of
from relay.domain import strictjson
from relay.domain.attachments import flat
from relay.domain.errors import Malformed, RemoteError
from relay.domain.lab.model import Outcome
from relay.protocol.lab.documents import Given, examine, issuers_in
from relay.protocol.lab.issuing import OF_OBJECTS, gathered
from relay.protocol.lab.places import media_in
from relay.protocol.lab.stepping import Terms
from relay.services.lab.issuers.seen import Token

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from relay.domain.lab.model import Result
    from relay.services.lab.actors import LabActor
    from relay.services.lab.issuers.lookup import StatusKeeper
    from relay.services.lab.issuers.seen import Outside, Seen

MOST: Final = 10
"""Objects with attestations that are looked at, and media of one."""
LARGEST: Final = 64 * 1024 * 1024
"""Bytes of a medium that are read."""
_OTHERWISE: Final = {
    "Accept": "image/webp,image/avif,image/*;q=0.8",
    "User-Agent": "Mozilla/5.0 (X11; Linux)",
}
"""How a browser asks, to whom some servers send something else."""


@dataclass(slots=True)
class Objects:
    """Looks at objects. `reader` signs where unsigned requests are refused."""

    seen: Seen
    outside: Outside
    keeper: StatusKeeper
    reader: LabActor

    async def look(self, named: Sequence[str]) -> None:
        """Look at the objects named, or else at those of the actor's outbox. Raises nothing."""
        documents = [one for url in named[:MOST] if (one := await self._document(url)) is not None]
        missing = len(named[:MOST]) - len(documents)
        if not named:
            documents = await self._outbox()
        attested = [one for one in documents if issuers_in(one)][:MOST]
        examined: list[tuple[str, Sequence[Result]]] = []
        changing: list[str] = []
        for document in attested:
            name = str(document.get("id", "an object"))
            digests, unreachable, changed = await self._media(document)
            changing += changed
            examined.append((name, await self._examine(name, document, digests, unreachable)))
        if missing:
            self.seen.say(121, Outcome.CANNOT_TELL, f"{missing} of the objects named could not be had.")
        self.seen.examined += examined
        for code in OF_OBJECTS:
            self.seen.add(gathered(code, examined))
        self._same_bytes(changing, any(media_in(document) for document in attested))

    def _same_bytes(self, changing: Sequence[str], any_media: bool) -> None:  # noqa: FBT001
        if not any_media:
            self.seen.say(127, Outcome.INAPPLICABLE, "No attested media of the issuer's own are known.")
        else:
            fault = f"{changing[0]} has other bytes for a browser." if changing else None
            self.seen.judge(127, fault, "A verifier and a browser were given the same bytes.")

    async def _examine(
        self,
        name: str,
        document: Mapping[str, Any],
        digests: Mapping[str, str],
        unreachable: Mapping[str, str],
    ) -> Sequence[Result]:
        actors: dict[str, Mapping[str, Any] | None] = {self.seen.target: self.seen.actor}
        failures: dict[str, str] = {}
        for issuer in issuers_in(document)[:MOST]:
            if issuer not in actors:
                found = await self._document(issuer)
                if found is None:
                    failures[issuer] = "It could not be fetched."
                else:
                    actors[issuer] = found
        terms = Terms(actors, frozenset({self.seen.target}), None, int(self.outside.clock.now()), failures)
        first = examine(Given(document, terms, digests=digests, unreachable=unreachable))
        stated = [(one, one.result.attestation) for one in first.examined]
        for one, attestation in stated:
            issuer = one.claim.issuer if one.claim else ""
            if attestation is not None and attestation.status is not None and actors.get(issuer) is not None:
                await self.keeper.fetch([attestation.status.uri], issuer, actors[issuer] or {})
        self.seen.tokens += [
            Token(name, one.found.text, one.claim.digest, attestation)
            for one, attestation in stated
            if one.claim is not None and one.claim.issuer == self.seen.target
        ]
        terms = Terms(actors, terms.trusted, None, terms.now, failures, status=self.keeper.status)
        return examine(Given(document, terms, digests=digests, unreachable=unreachable)).results

    async def _media(self, document: Mapping[str, Any]) -> tuple[dict[str, str], dict[str, str], list[str]]:
        """Digests by URL, why others could not be had, and the URLs that gave a browser other bytes."""
        digests: dict[str, str] = {}
        unreachable: dict[str, str] = {}
        changing = []
        urls = [medium.ref.url for medium in media_in(document) if medium.ref.attestations]
        for url in dict.fromkeys(urls[:MOST]):
            try:
                bodies = [await self._bytes(url, **headers) for headers in ({}, _OTHERWISE)]
            except RemoteError as error:
                unreachable[url] = str(error)
                continue
            digests[url] = digest_of(bodies[0])
            changing += [url] if bodies[0] != bodies[1] else []
        return digests, unreachable, changing

    async def _bytes(self, url: str, **headers: str) -> bytes:
        accept = headers.get("Accept", "*/*")
        found = await self.outside.get(url, accept=accept, limit=LARGEST, **headers)
        if found.status != 200 or not found.whole:
            raise RemoteError(f"{url} was answered {found.status}", code="status", status=found.status)
        return found.body

    async def _outbox(self) -> list[Mapping[str, Any]]:
        """What stands in the first page of the actor's outbox, embedded or by id."""
        outbox = self.seen.actor.get("outbox")
        page = await self._document(outbox) if isinstance(outbox, str) else None
        if page is not None and "orderedItems" not in page:
            first = page.get("first")
            page = await self._document(first) if isinstance(first, str) else first
        items = flat(page.get("orderedItems")) if isinstance(page, dict) else ()
        found = []
        for item in items[:MOST]:
            document = item if isinstance(item, dict) else await self._document(str(item))
            inner = document.get("object") if document is not None else None
            document = await self._document(inner) if isinstance(inner, str) else document
            if document is not None:
                found.append(document)
        return found

    async def _document(self, url: str) -> Mapping[str, Any] | None:
        """A document, unsigned or, where that is refused, signed; None when there is none."""
        try:
            found = await self.outside.get(url.partition("#")[0])
            if found.status in {401, 403}:
                found = await self.outside.signed_get(self.reader, url.partition("#")[0])
            document = strictjson.loads(found.body) if found.status == 200 else None
        except (RemoteError, Malformed):
            return None
        return document if isinstance(document, dict) else None
