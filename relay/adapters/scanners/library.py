"""The configured scanners, built from their files and from what was imported into the store."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from relay.adapters.scanners.canary import canary_entries
from relay.adapters.scanners.listfile import read_list
from relay.adapters.scanners.lists import ListScanner
from relay.domain.errors import Malformed
from relay.domain.hashlist import ListPurpose

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from relay.domain.hashlist import ListEntry
    from relay.ports import Scanner, Store


@dataclass(frozen=True, slots=True)
class ListSource:
    """One hash list of the configuration. Without a `file` it is the built-in canary."""

    name: str
    file: Path | None
    category: str
    purpose: ListPurpose


class ListLibrary:
    """Builds a scanner per list: the entries of its file, and those imported under its name."""

    def __init__(self, sources: Sequence[ListSource], store: Store) -> None:
        self.sources, self._store = tuple(sources), store

    async def scanners(self) -> list[Scanner]:
        """Build all scanners anew. Raises `Malformed` when a file has lines that are no entries."""
        built: list[Scanner] = []
        for source in self.sources:
            async with self._store.reading() as tx:
                imported = await tx.media.entries(source.name)
            entries = {(e.algorithm, e.value): e for e in (*self._own(source), *imported)}
            # A test list says nothing about what is known: what it does not hold must not be attested.
            attests = source.purpose is not ListPurpose.TEST
            built.append(ListScanner(source.name, entries.values(), purpose=source.purpose, attests=attests))
        return built

    @staticmethod
    def _own(source: ListSource) -> Sequence[ListEntry]:
        if source.file is None:
            return canary_entries()
        with source.file.open("rb") as lines:
            found = read_list(lines, category=source.category)
        if found.errors:
            shown = "\n".join(f"  line {e.line}: {e.message}" for e in found.errors[:20])
            more = f"\n  and {len(found.errors) - 20} more" if len(found.errors) > 20 else ""
            message = f"{source.file} has lines that are no entries:\n{shown}{more}"
            raise Malformed(message, code="bad-list")
        return found.entries
