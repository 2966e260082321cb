"""Which lists changed since they were compared with stored media, and which media their new entries may match."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from relay.adapters.scanners.rematch import candidates
from relay.domain.errors import Malformed
from relay.domain.hashlist import ListPurpose
from relay.ports.recall import Change

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence
    from pathlib import Path

    from relay.adapters.scanners.library import ListLibrary, ListSource
    from relay.ports.recall import StoredHashes

_BENIGN: Final = "benign "
"""Before what stands for a part of a benign list: what it held off may match once it is gone."""


class ListRematcher:
    """Port `Rematcher` on the configured lists. `folder` is for what is collected on the way, and is left empty."""

    def __init__(self, library: ListLibrary, folder: Path) -> None:
        self._library, self._folder = library, folder

    async def changes(self, done: Mapping[str, frozenset[str]]) -> list[Change]:
        """The lists whose content is not what was compared. A file that cannot be read now is left for later."""
        made_of: dict[str, tuple[str, ...]] = {}
        for source in self._library.sources:
            try:
                made_of[source.name] = await self._library.made_of(source)
            except (Malformed, OSError):
                continue  # the scanners go on with what they have; so does this
        benign = [
            made_of[one.name]
            for one in self._library.sources
            if one.name in made_of and one.purpose is ListPurpose.BENIGN
        ]
        held_off = {f"{_BENIGN}{digest}" for parts in benign for digest in parts}
        found = []
        for source in self._library.sources:
            if source.purpose is ListPurpose.BENIGN or source.name not in made_of:
                continue
            parts = frozenset({*made_of[source.name], *held_off})
            versions = [self._library.version(one) for one in (made_of[source.name], *benign)]
            if parts != done.get(source.name):
                found.append(Change(source.name, "+".join(versions), parts))
        return found

    async def candidates(
        self, change: Change, done: frozenset[str], pages: AsyncIterator[Sequence[StoredHashes]]
    ) -> list[str]:
        """The digests of stored media that may match. Nothing is compared when no entry came."""
        [source] = [one for one in self._library.sources if one.name == change.list]
        if any(part.startswith(_BENIGN) for part in done - change.parts):
            done = frozenset()
        if change.parts <= done or not await self._came(source, done):
            return []
        return await candidates(
            self._folder,
            before=self._library.compared(source, done),
            new=self._library.since(source, done),
            pages=pages,
        )

    async def _came(self, source: ListSource, done: frozenset[str]) -> bool:
        return not done.issuperset(await self._library.made_of(source))
