"""Examining documents for people: what is needed is fetched where that is allowed, and nothing is kept."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from mediaattest import digest_of
from relay.domain.errors import RemoteError
from relay.protocol.documents import AS2, dump
from relay.protocol.lab.covering import without
from relay.protocol.lab.documents import Given, assign, examine, issuers_in
from relay.protocol.lab.looking import LinkedData
from relay.protocol.lab.places import media_in
from relay.protocol.lab.stepping import Terms
from relay.services.status_lists import StatusLists

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from relay.ports import Canonicalizer, Clock, Remote
    from relay.protocol.lab.documents import Examination
    from relay.protocol.ldsig import Engine, Reading
    from relay.protocol.unproven import Failure
    from relay.services.fetch import Fetcher
    from relay.services.inspect import MediaLimits

MOST_ACTORS: Final = 8
"""Most actor documents that are fetched for one document."""
MOST_MEDIA: Final = 16
"""Most files that are fetched for one document; a post of sixteen is the largest seen."""
NOT_GIVEN: Final = "It was not given, and nothing is fetched."
TOO_MANY: Final = "The document asks for more than are fetched."

_ENGINES: Final[tuple[Engine, ...]] = ("first", "second")
_NAMELESS: Final = "https://document.invalid/"
"""The id of a document without one while an engine reads it (RFC 2606)."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A document and what is at hand.

    `actors` are documents by id, None for one that its server does not know; `failures` say why others could not be
    had, which are not asked for again. `files` are names or URLs of media with hash strings; `trusted` issuers, which
    with `strict` are the only ones believed; `lists` those of which one must have been checked, None for any; `now` in
    seconds since 1970, None for the clock's.
    """

    document: object
    header: str | None = None
    actors: Mapping[str, Mapping[str, Any] | None] = field(default_factory=dict)
    failures: Mapping[str, str] = field(default_factory=dict)
    files: Sequence[tuple[str, str]] = ()
    trusted: frozenset[str] = frozenset()
    strict: bool = False
    lists: frozenset[str] | None = None
    now: int | None = None


@dataclass(frozen=True, slots=True)
class World:
    """What reaches other servers, for documents whose keys and media may be fetched."""

    fetcher: Fetcher
    remote: Remote
    limits: MediaLimits


class Documents:
    """Examines documents. Without a `world` nothing is fetched. Safe for concurrent use."""

    def __init__(self, *, clock: Clock, canonicalizer: Canonicalizer, world: World | None = None) -> None:
        self._clock, self._canonicalizer, self._world = clock, canonicalizer, world

    async def examine(self, asked: Asked, *, media: bool = True) -> Examination:
        """Examine a document; with `media` the files are fetched, too, as far as anything is."""
        actors, failures = await self._actors(asked)
        found = media_in(asked.document)
        digests = assign(found, asked.files)
        unreachable: dict[str, str] = {}
        if media:
            await self._fetch([one.ref.url for one in found if one.ref.attestations], digests, unreachable)
        now = int(self._clock.now()) if asked.now is None else asked.now
        statuses = self._statuses()
        terms = Terms(
            actors,
            asked.trusted,
            asked.lists,
            now,
            failures,
            strict=asked.strict,
            status=statuses.status if statuses else None,
        )
        linked = await self._linked(asked.document)
        given = Given(asked.document, terms, asked.header, digests, unreachable, linked)
        examination = examine(given)
        # Which lists are needed is known when signatures were found good, and no sooner (V-22).
        if statuses is not None and await statuses.run_once():
            examination = examine(given)
        return examination

    def _statuses(self) -> StatusLists | None:
        """Lists for one document, fetched anew: who asks wants to know what is so now."""
        if self._world is None:
            return None
        return StatusLists(remote=self._world.remote, fetcher=self._world.fetcher, clock=self._clock)

    async def _actors(self, asked: Asked) -> tuple[dict[str, Mapping[str, Any] | None], dict[str, str]]:
        actors: dict[str, Mapping[str, Any] | None] = dict(asked.actors)
        failures = dict(asked.failures)
        known = actors.keys() | failures.keys()
        missing = [one for one in issuers_in(asked.document, asked.header) if one not in known]
        for place, issuer in enumerate(missing):
            if self._world is None or place >= MOST_ACTORS:
                failures[issuer] = NOT_GIVEN if self._world is None else TOO_MANY
                continue
            try:
                actors[issuer] = await self._world.fetcher.document(issuer)
            except RemoteError as error:
                if error.status in {404, 410}:
                    actors[issuer] = None
                else:
                    failures[issuer] = f"({error})"
        return actors, failures

    async def _fetch(self, urls: Sequence[str], digests: dict[str, str], unreachable: dict[str, str]) -> None:
        if self._world is None:
            return
        limits = self._world.limits
        missing = [url for url in dict.fromkeys(urls) if url not in digests]
        unreachable |= dict.fromkeys(missing[MOST_MEDIA:], TOO_MANY)
        for url in missing[:MOST_MEDIA]:
            try:
                fetched = await self._world.remote.get(
                    url, accept="*/*", limit=limits.size, timeout=limits.timeout
                )
            except RemoteError as error:
                unreachable[url] = str(error)
            else:
                digests[url] = digest_of(fetched.body)

    async def _linked(self, document: object) -> LinkedData | None:
        if not isinstance(document, dict):
            return None
        named = {"@context": AS2, "id": _NAMELESS, **document}  # ActivityStreams 2.0 core 2.1: it is implied
        whole = await self._read(named)
        signed = isinstance(document.get("signature"), dict)
        return LinkedData(whole, await self._read(without(named)) if signed else ())

    async def _read(self, document: Mapping[str, object]) -> tuple[Reading | Failure, ...]:
        body = dump(document)
        return tuple([await self._canonicalizer.read(body, engine) for engine in _ENGINES])
