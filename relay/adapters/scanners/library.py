"""The configured hash lists, built from their files and from what was imported into the store.

A list is a row of parts: its own file, then the batches in force. A short list is indexed in memory. Of a long one
there is a snapshot on the disk, made of the first parts; what came since is laid over it until that is much, too, and
a new snapshot is made. The version of a list follows from its parts: when it changes, everything is scanned anew.
"""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from relay.adapters.scanners import snapshot
from relay.adapters.scanners.benign import BenignList, Tempered
from relay.adapters.scanners.builder import bad_lines, build
from relay.adapters.scanners.canary import canary_entries
from relay.adapters.scanners.hashindex import Layered, index_of, packed
from relay.adapters.scanners.listfile import LineError, ListReader, list_version
from relay.adapters.scanners.listrows import Reading
from relay.adapters.scanners.lists import ListScanner
from relay.domain.errors import Conflict
from relay.domain.hashlist import (
    BENIGN_ALGORITHMS,
    Batch,
    BatchState,
    HashAlgorithm,
    ListChange,
    ListPurpose,
    in_force,
)
from relay.ports.packs import packs_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from pathlib import Path

    from relay.adapters.scanners.hashindex import Lookup
    from relay.ports import Scanner, Store

FEW: Final = 200_000
"""Entries that are indexed in memory, in a quarter of a second: a whole list, or what came since its snapshot."""
SMALL: Final = 32 << 20
"""Bytes of a list's own file that are read here; a larger one is read by the process that builds the snapshot."""


@dataclass(frozen=True, slots=True)
class ListSource:
    """One hash list of the configuration: a file, the built-in canary, only what is imported, or what is fetched."""

    name: str
    file: Path | None
    category: str
    purpose: ListPurpose
    builtin: bool = False
    fetched: bool = False

    @property
    def reading(self) -> Reading:
        """How its file and imports are read."""
        benign = self.purpose is ListPurpose.BENIGN
        allowed = BENIGN_ALGORITHMS if benign else frozenset(HashAlgorithm)
        return Reading(self.category, None, allowed)


@dataclass(frozen=True, slots=True)
class _Part:
    """A part of a list: what stands for its content, the number of its entries, and its packs or its batch.

    A part without either is the list's own large file, of which the number of entries is not known.
    """

    digest: str
    entries: int
    packs: tuple[bytes, ...] | None = None
    batch: Batch | None = None


@dataclass(frozen=True, slots=True)
class BuiltList:
    """A list as it is in force: its version, the index, and the snapshot if there is one."""

    version: str
    lookup: Lookup
    snapshot: snapshot.Snapshot | None = None


class ListLibrary:
    """Builds a scanner per list. `folder` is where snapshots are; without it all lists are indexed in memory.

    `seen` is the state of the store that the scanners were last built from (`HashLists.changed`).
    """

    def __init__(
        self,
        sources: Sequence[ListSource],
        store: Store,
        folder: Path | None = None,
        *,
        few: int = FEW,
        small: int = SMALL,
    ) -> None:
        self.sources, self._store, self._folder = tuple(sources), store, folder
        self._few, self._small = few, small
        self.seen = 0
        self._own: dict[str, tuple[tuple[int, int], _Part]] = {}

    async def scanners(self) -> list[Scanner]:
        """Build all scanners anew. Raises `Malformed` when a file has lines that are no entries, and as `build`."""
        await self._adopt()
        async with self._store.reading() as tx:
            self.seen = await tx.hash_lists.changed()
        found = {source.name: await self.built(source) for source in self.sources}
        benign = [
            BenignList(found[one.name].version, found[one.name].lookup)
            for one in self.sources
            if one.purpose is ListPurpose.BENIGN
        ]
        scanners: list[Scanner] = [
            _scanner(source, found[source.name])
            for source in self.sources
            if source.purpose is not ListPurpose.BENIGN
        ]
        return [Tempered(scanner, benign) for scanner in scanners] if benign else scanners

    async def built(self, source: ListSource) -> BuiltList:
        """One list as it is in force. Raises like `scanners`."""
        parts = await self._parts(source)
        made_of = tuple(part.digest for part in parts)
        version = self.version(made_of)
        there = self._snapshot(source.name, made_of)
        since = parts[len(there.made_of) :] if there else parts
        if self._folder is not None and sum(part.entries for part in since) > self._few:
            there, since = await self._build(source, parts, version), []
        packs = [pack async for pack in self._packs(source, since)]
        if there is None:
            return BuiltList(version, await asyncio.to_thread(index_of, packs))
        if not packs:
            return BuiltList(version, there.index, there)
        return BuiltList(version, await asyncio.to_thread(Layered, there.index, packs), there)

    async def packs(self, source: ListSource) -> AsyncIterator[bytes]:
        """All that was ever said about a list, its own file first: of several about one value the last counts."""
        async for pack in self._packs(source, await self._parts(source)):
            yield pack

    async def made_of(self, source: ListSource) -> tuple[str, ...]:
        """What stands for the parts of a list as it is now. Raises `Malformed`, `OSError` for its own file."""
        return tuple(part.digest for part in await self._parts(source))

    @staticmethod
    def version(made_of: Sequence[str]) -> str:
        """The version of a list that is made of these parts."""
        return hashlib.sha256("\n".join(made_of).encode()).hexdigest()

    async def since(self, source: ListSource, done: frozenset[str]) -> AsyncIterator[bytes]:
        """The packs of the parts of a list that are not among `done`."""
        new = [part for part in await self._parts(source) if part.digest not in done]
        async for pack in self._packs(source, new):
            yield pack

    async def compared(self, source: ListSource, done: frozenset[str]) -> AsyncIterator[bytes]:
        """What is still there of the parts `done`, when a batch that is not among them replaced the list.

        A whole list that comes again is mostly the same. Without such a batch there is nothing to leave out.
        """
        parts = await self._parts(source)
        if not any(part.batch and part.batch.replaces and part.digest not in done for part in parts):
            return
        async with self._store.reading() as tx:
            kept = [one for one in await tx.hash_lists.batches(source.name) if one.state is BatchState.DONE]
        old = sorted((one for one in kept if one.digest in done), key=lambda one: one.number)
        own = [part for part in parts if part.batch is None and part.digest in done]
        since = [_Part(one.digest, one.entries, batch=one) for one in old]
        async for pack in self._packs(source, [*own, *since]):
            yield pack

    async def _parts(self, source: ListSource) -> list[_Part]:
        own = await asyncio.to_thread(self._own_part, source)
        async with self._store.reading() as tx:
            batches = in_force(await tx.hash_lists.batches(source.name))
        return [*([own] if own else []), *(_Part(one.digest, one.entries, batch=one) for one in batches)]

    def _own_part(self, source: ListSource) -> _Part | None:
        if source.builtin:
            packs = tuple(packed(map(ListChange, canary_entries())))
            return _Part(list_version(canary_entries()), len(canary_entries()), packs)
        if source.file is None:
            return None
        status = source.file.stat()
        stamp = (status.st_mtime_ns, status.st_size)
        known = self._own.get(source.name)
        if known is None or known[0] != stamp:
            known = self._own[source.name] = (stamp, self._read(source, source.file, status.st_size))
        return known[1]

    def _read(self, source: ListSource, path: Path, size: int) -> _Part:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256")
            digest.update(f"\0{source.category}\0{sorted(source.reading.allowed)}".encode())
            if size > self._small and self._folder is not None:
                return _Part(digest.hexdigest(), self._few + 1)
            file.seek(0)
            found = list(ListReader(file, source.reading))
        errors = [one for one in found if isinstance(one, LineError)]
        if errors:
            raise bad_lines(path, errors, len(errors))
        changes = [one for one in found if isinstance(one, ListChange)]
        return _Part(digest.hexdigest(), len(changes), tuple(packed(changes)))

    def _snapshot(self, name: str, made_of: tuple[str, ...]) -> snapshot.Snapshot | None:
        """The newest snapshot that is made of the first of these parts."""
        if self._folder is None:
            return None
        found = [snapshot.read(path) for path in self._folder.glob(f"{name}-*{snapshot.SUFFIX}")]
        fitting = [one for one in found if one and one.made_of == made_of[: len(one.made_of)]]
        return max(fitting, key=lambda one: len(one.made_of), default=None)

    async def _build(self, source: ListSource, parts: Sequence[_Part], version: str) -> snapshot.Snapshot:
        assert self._folder is not None  # noqa: S101 - the caller looked
        path = self._folder / f"{source.name}-{version[:16]}{snapshot.SUFFIX}"
        own = source.file if parts[0].packs is None and parts[0].batch is None else None
        made_of = [part.digest for part in parts]
        packs = self._packs(source, parts[1:] if own else parts)
        await build(path, made_of, packs, own=own, reading=source.reading)
        made = await asyncio.to_thread(snapshot.read, path)
        if made is None or made.made_of != tuple(made_of):
            raise Conflict(
                f"the index of the list {source.name} is not what was asked for", code="list-build"
            )
        for other in self._folder.glob(f"{source.name}-*{snapshot.SUFFIX}*"):
            if other != path:
                other.unlink(missing_ok=True)  # whoever has it mapped keeps it until he lets go
        return made

    async def _packs(self, source: ListSource, parts: Sequence[_Part]) -> AsyncIterator[bytes]:
        for part in parts:
            for pack in part.packs or ():
                yield pack
            if part.packs is None and part.batch is None and source.file is not None:
                with source.file.open("rb") as file:
                    found = ListReader(file, source.reading)
                    for pack in packed(one for one in found if isinstance(one, ListChange)):
                        yield pack
            if part.batch is not None:
                async for pack in packs_of(self._store, part.batch.number):
                    yield pack

    async def _adopt(self) -> None:
        """Pack what was imported by a version that kept entries one by one."""
        async with self._store.reading() as tx:
            if not await tx.hash_lists.has_old():
                return
        async with self._store.transaction() as tx:
            while await tx.hash_lists.pack_old():
                pass


def _scanner(source: ListSource, built: BuiltList) -> Scanner:
    # A test list says nothing about what is known, nor does one that was not fetched yet: what they do not hold must
    # not be attested.
    attests = source.purpose is not ListPurpose.TEST and not (source.fetched and not built.lookup.sizes)
    return ListScanner(
        source.name, purpose=source.purpose, attests=attests, version=built.version, lookup=built.lookup
    )
