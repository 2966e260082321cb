"""Whether authors want to be passed on, as their profiles say.

The profile of who sends is known from the key that signed; that of others is fetched once a day. Nothing is fetched
before the answer to a request: what is not known waits with what is screened.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from relay.domain import strictjson
from relay.domain.consent import refusal
from relay.services.fetch import ACTOR_AGE
from relay.services.memory import Remembered

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from relay.domain.attachments import Document
    from relay.domain.consent import Sign
    from relay.ports import Clock, Store
    from relay.services.fetch import Fetcher

REMEMBERED_FOR: Final = 3600.0
MOST: Final = 20_000
AUTHORS: Final = 8
"""Authors of one post that are asked."""


class Consent:
    """Knows who does not want to be passed on. `signs` are those that count, and may be replaced while running."""

    def __init__(self, *, store: Store, fetcher: Fetcher, clock: Clock, signs: Collection[Sign]) -> None:
        self._store, self._fetcher, self._clock = store, fetcher, clock
        self._signs = frozenset(signs)
        self._known: Remembered[bool] = Remembered(clock, seconds=REMEMBERED_FOR, most=MOST)
        self._changed: Remembered[bool] = Remembered(clock, seconds=ACTOR_AGE, most=MOST)

    @property
    def signs(self) -> Collection[Sign]:
        """What in a profile says no."""
        return self._signs

    @signs.setter
    def signs(self, signs: Collection[Sign]) -> None:
        """Let other signs count; what profiles said was judged by the old ones."""
        if frozenset(signs) != self._signs:
            self._signs = frozenset(signs)
            self._known = Remembered(self._clock, seconds=REMEMBERED_FOR, most=MOST)

    async def recall(self, actors: Iterable[str]) -> bool | None:
        """Whether one of the actors says no, as far as that is known without asking; None when it is not."""
        if not self.signs:
            return False
        answers = [await self._recall(actor) for actor in list(actors)[:AUTHORS]]
        if True in answers:
            return True
        return None if None in answers else False

    async def ask(self, actors: Iterable[str]) -> bool:
        """Whether one of the actors says no. Raises `RemoteError` when one that is not known cannot be asked."""
        return any([await self._ask(actor) for actor in list(actors)[:AUTHORS]]) if self.signs else False

    async def told(self, actor: str, profile: Document) -> None:
        """An actor tells its new profile. A no counts at once; what takes one back is asked for: this may be a part."""
        if not self.signs:
            return
        if refusal(profile, self._signs) is not None:
            self._known.put(actor, True, seconds=ACTOR_AGE)
        elif await self._recall(actor):
            self._known.drop(actor)
            self._changed.put(actor, True)

    async def _recall(self, actor: str) -> bool | None:
        """What a stored profile says, whatever its age: whoever sends has his fetched each day, with his key."""
        said = self._known.get(actor)
        if said is not None or self._changed.get(actor) is not None:
            return said
        async with self._store.reading() as tx:
            stored = await tx.subscribers.actor(actor)
        return None if stored is None else self._judged(actor, strictjson.loads(stored[0]))

    async def _ask(self, actor: str) -> bool:
        said = self._known.get(actor)
        if said is not None:
            return said
        age = 0.0 if self._changed.get(actor) is not None else ACTOR_AGE
        document = await self._fetcher.actor_document(actor, max_age=age)
        self._changed.drop(actor)
        return self._judged(actor, document)

    def _judged(self, actor: str, document: object) -> bool:
        said = isinstance(document, dict) and refusal(document, self._signs) is not None
        self._known.put(actor, said)
        return said
