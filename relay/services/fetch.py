"""Documents of other servers: fetched by signed GET, checked for type and identity, actors kept for a while."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from relay.domain import strictjson
from relay.domain.errors import Malformed, RemoteError
from relay.protocol.actors import parse_actor
from relay.protocol.documents import dump
from relay.protocol.identity import ACCEPT, RefetchAt, Same, check_content_type, check_identity
from relay.services.memory import Remembered
from relay.services.singleflight import SingleFlight

if TYPE_CHECKING:
    from collections.abc import Mapping

    from relay.domain.actor import Actor
    from relay.ports import Clock, Store
    from relay.services.signing import Signing

    Document = Mapping[str, object]

LIMIT: Final = 1024 * 1024
TIMEOUT: Final = 10.0
ACTOR_AGE: Final = 24 * 3600.0
LARGEST_KEPT: Final = 128 * 1024
"""Bytes of an actor document that is stored; larger ones are fetched whenever they are needed."""
MOST_KEPT: Final = 20_000
"""Actors, and keys, of those who do not subscribe that are stored."""
TRIM_EVERY: Final = 500
"""Actors that are stored before what is too much is forgotten."""
FAILED_FOR: Final = 60.0
GONE_FOR: Final = 600.0


class Fetcher:
    """Fetches ActivityPub documents. Failures are remembered for a minute, permanent ones for ten."""

    def __init__(
        self,
        *,
        signing: Signing,
        store: Store,
        clock: Clock,
        most: int = MOST_KEPT,
        trim_every: int = TRIM_EVERY,
    ) -> None:
        self._signing, self._store, self._clock = signing, store, clock
        self._most, self._trim_every, self._kept = most, trim_every, 0
        self._failures: Remembered[RemoteError] = Remembered(clock, seconds=FAILED_FOR, most=10_000)
        self._flights: SingleFlight[Document] = SingleFlight()

    async def document(self, url: str, *, anew: bool = False) -> Document:
        """Fetch the document whose id is `url`. Raises `RemoteError`, also for a failure just before.

        A document that names another id of the same origin is fetched once more there (protocol.md 5.3 row 4).
        `anew` asks again in spite of a remembered failure.
        """
        address = url.partition("#")[0]
        failure = None if anew else self._failures.get(address)
        if failure is not None:
            raise failure.again()
        try:
            return await self._flights.run(address, lambda: self._fetch(address))
        except RemoteError as error:
            self._failures.put(address, error.again(), seconds=FAILED_FOR if error.temporary else GONE_FOR)
            raise

    async def actor(self, actor_id: str, *, max_age: float = ACTOR_AGE) -> Actor:
        """Return an actor, from the store when it was fetched less than `max_age` seconds ago. Raises `RemoteError`."""
        return self._parse(await self.actor_document(actor_id, max_age=max_age))

    async def actor_document(self, actor_id: str, *, max_age: float = ACTOR_AGE) -> Document:
        """Return an actor's document, like `actor`."""
        async with self._store.reading() as tx:
            stored = await tx.subscribers.actor(actor_id)
        now = self._clock.now()
        if stored is not None and now - stored[1] < max_age:
            document = strictjson.loads(stored[0])
            if isinstance(document, dict):
                return document
        fetched = await self.document(actor_id)
        await self.keep(fetched)
        return fetched

    async def keep(self, document: Document) -> Actor | None:
        """Store an actor document that was just fetched, unless it is large; None when it is no actor."""
        try:
            actor = self._parse(document)
        except RemoteError:
            return None
        content = dump(document)
        if len(content) > LARGEST_KEPT:
            return actor
        self._kept += 1
        async with self._store.transaction() as tx:
            await tx.subscribers.save_actor(actor.id, content, self._clock.now())
            if self._kept % self._trim_every == 0:
                await tx.subscribers.trim(self._most)
        return actor

    @staticmethod
    def _parse(document: Document) -> Actor:
        try:
            return parse_actor(document)
        except Malformed as error:
            raise RemoteError(str(error), code="bad-document", temporary=False) from error

    async def _fetch(self, url: str) -> Document:
        document, again = await self._get(url)
        if again is not None:
            document, other = await self._get(again)
            if other is not None:
                raise RemoteError("the document keeps naming another id", code="wrong-id", temporary=False)
        return document

    async def _get(self, url: str) -> tuple[Document, str | None]:
        fetched = await self._signing.get(url, accept=ACCEPT, limit=LIMIT, timeout=TIMEOUT)
        if not check_content_type(fetched.content_type):
            message = f"the answer is {fetched.content_type or 'of no type'}, not ActivityPub"
            raise RemoteError(message, code="bad-type", temporary=False)
        try:
            document = strictjson.loads(fetched.body)
        except Malformed as error:
            raise RemoteError(str(error), code="bad-document", temporary=False) from error
        if not isinstance(document, dict):
            raise RemoteError("the document is not an object", code="bad-document", temporary=False)
        match check_identity(url, fetched.url, document):
            case Same():
                return document, None
            case RefetchAt(url=other):
                return document, other
            case _:
                raise RemoteError("the document is of another origin", code="wrong-id", temporary=False)
