"""Holds in groups: what waits for a person by reason, rule and server, decided one by one or many at a time.

What matched a known entry is never released in a group: that is looked at one by one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from relay.domain import strictjson
from relay.domain.errors import Conflict, NotFound
from relay.domain.policy import FLOORED
from relay.domain.triage import Settled

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from relay.domain.intake import Hold
    from relay.domain.triage import Narrowed
    from relay.ports import Store, Tx
    from relay.services.holds import Holds

PAGE: Final = 50
"""Holds on one page."""
AT_ONCE: Final = 500
"""Holds that are decided at one click, oldest first; the page says how many are left."""


@dataclass(frozen=True, slots=True)
class Listing:
    """A page of holds. `total` counts all that fit, up to the number `upto`; `groups` count them by what they are."""

    holds: Sequence[Hold]
    groups: Mapping[str, Sequence[tuple[str, int]]]
    total: int
    upto: int
    more: bool


class Triage:
    """Lists and decides holds in groups."""

    def __init__(self, store: Store, holds: Holds) -> None:
        self._store, self._holds = store, holds

    async def listing(self, narrowed: Narrowed, *, before: int | None = None) -> Listing:
        """Return a page of open holds, newest first."""
        async with self._store.reading() as tx:
            found = await tx.listings.holds(narrowed, before=before, most=PAGE + 1)
            newest = await tx.listings.holds(narrowed, before=None, most=1)
            upto = newest[0].id if newest else 0
            total = await tx.listings.count(narrowed, upto=upto)
            groups = await tx.listings.groups(narrowed)
        return Listing(found[:PAGE], groups, total, upto, more=len(found) > PAGE)

    async def release(self, narrowed: Narrowed, *, upto: int, who: str, note: str | None) -> Settled:
        """Publish the held posts of a group that somebody has seen listed: those with a number up to `upto`."""
        done, left = 0, list[tuple[int, str]]()
        for hold in await self._group(narrowed, upto):
            if await self.is_known_match(hold):
                left.append((hold.id, "it matched a known entry: decide it by itself"))
                continue
            try:
                await self._holds.release(hold.id, who=who, note=note)
                done += 1
            except (Conflict, NotFound) as error:
                left.append((hold.id, str(error)))
        return Settled(done, tuple(left))

    async def drop(self, narrowed: Narrowed, *, upto: int, who: str, note: str | None) -> Settled:
        """Never publish the held posts of a group that somebody has seen listed."""
        done, left = 0, list[tuple[int, str]]()
        for hold in await self._group(narrowed, upto):
            try:
                await self._holds.drop(hold.id, who=who, note=note)
                done += 1
            except (Conflict, NotFound) as error:
                left.append((hold.id, str(error)))
        return Settled(done, tuple(left))

    async def is_known_match(self, hold: Hold) -> bool:
        """Whether what is held matched an entry that is never relayed without a person's word."""
        async with self._store.reading() as tx:
            return await _floored(tx, hold.seq)

    async def _group(self, narrowed: Narrowed, upto: int) -> list[Hold]:
        async with self._store.reading() as tx:
            return await tx.listings.holds(narrowed, before=upto + 1, most=AT_ONCE)


async def _floored(tx: Tx, seq: int) -> bool:
    rows: Sequence[Mapping[str, Any]] = await tx.activities.about(str(seq))
    decisions = [one for row in rows if row["seq"] == seq for one in row["decisions"]]
    facts = [strictjson.loads(one["facts"].encode()) for one in decisions]
    return any(isinstance(one, dict) and one.get("match") in FLOORED for one in facts)
