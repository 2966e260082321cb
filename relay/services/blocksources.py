"""Reading what a blocklist's source says: a file, a CSV at an address, or a FIRES dataset by its feed of changes."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

from relay.domain.blocklist import ListFormat
from relay.domain.errors import RelayError, RemoteError
from relay.protocol import blockcsv, fires
from relay.protocol.fires import FiresChange

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from relay.domain.blocklist import Blocklist, ListedServer
    from relay.domain.moderation import ListState
    from relay.domain.remote import Fetched
    from relay.ports import Remote
    from relay.protocol.fires import FiresPage

LIMIT: Final = 16 * 1024 * 1024
"""Bytes of a list, or of one page of a feed."""
TIMEOUT: Final = 60.0
PAGES: Final = 500
"""Pages of a feed that are read in one refresh; the next one goes on after them."""

FileReader: TypeAlias = "Callable[[str, int], Awaitable[bytes]]"
"""Reads a file of at most so many bytes. Raises `RelayError`."""


@dataclass(frozen=True, slots=True)
class Unchanged:
    """The source says what it said before."""


@dataclass(frozen=True, slots=True)
class SourceRead:
    """Everything that a source says now, and what saves work the next time."""

    entries: Mapping[str, ListedServer]
    obfuscated: int = 0
    unusable: int = 0
    etag: str = ""
    modified: str = ""
    cursor: str = ""


class BlockSources:
    """Reads sources through the guarded connector. Whatever is wrong is a `RemoteError` or `Malformed`."""

    def __init__(self, remote: Remote, read_file: FileReader) -> None:
        self._remote, self._read_file = remote, read_file

    async def read(
        self, listed: Blocklist, state: ListState, before: Mapping[str, ListedServer]
    ) -> SourceRead | Unchanged:
        """Return what a source says. `before` is what it said the last time, to which a feed is applied."""
        if listed.format is ListFormat.FIRES:
            return await self._dataset(listed.place, state, before)
        if listed.is_file:
            return await _parsed(await self._read_file(listed.place, LIMIT), "", "")
        return await self._csv(listed.place, state)

    # ------------------------------------------------------------------ CSV

    async def _csv(self, url: str, state: ListState) -> SourceRead | Unchanged:
        conditions = {}
        if state.etag:
            conditions["If-None-Match"] = state.etag
        elif state.modified:
            conditions["If-Modified-Since"] = state.modified
        try:
            fetched = await self._get(url, "text/csv, text/plain;q=0.9, */*;q=0.1", conditions)
        except RemoteError as error:
            if error.status == 304 and conditions:
                return Unchanged()
            raise
        return await _parsed(fetched.body, fetched.etag, fetched.modified)

    async def _get(self, url: str, accept: str, headers: Mapping[str, str] | None = None) -> Fetched:
        return await self._remote.get(url, accept=accept, limit=LIMIT, timeout=TIMEOUT, headers=headers)

    # ------------------------------------------------------------------ FIRES

    async def _dataset(
        self, url: str, state: ListState, before: Mapping[str, ListedServer]
    ) -> SourceRead | Unchanged:
        """Go on in the feed where the last refresh stopped; without that, or when it breaks, take the snapshot."""
        if state.cursor:
            try:
                return await self._feed(state, before)
            except RelayError as error:
                if error.temporary:
                    raise  # a server that is down has no snapshot either
        return await self._snapshot(url)

    async def _snapshot(self, url: str) -> SourceRead:
        endpoints = fires.read_dataset((await self._get(url, fires.ACCEPT)).body, url)
        page = await self._page(endpoints.snapshot)
        changes, unusable = list(page.changes), page.unusable
        if page.first is not None:
            rest = await self._pages(page.first)
            changes += rest.changes
            unusable += rest.unusable
        changes.reverse()  # a snapshot begins with the newest change
        entries = fires.apply_changes({}, changes)
        return SourceRead(entries, unusable=unusable, cursor=page.resume or endpoints.changes)

    async def _feed(self, state: ListState, before: Mapping[str, ListedServer]) -> SourceRead | Unchanged:
        read = await self._pages(state.cursor)
        if not read.changes and read.end == state.cursor:
            return Unchanged()
        entries = fires.apply_changes(before, read.changes)
        return SourceRead(entries, unusable=state.unusable + read.unusable, cursor=read.end)

    async def _pages(self, start: str) -> _Stretch:
        """Read pages from an address on, until one has no next or nothing on it."""
        here, changes, unusable = start, list[FiresChange](), 0
        seen = set[str]()
        while here not in seen and len(seen) < PAGES:
            seen.add(here)
            page = await self._page(here)
            changes += page.changes
            unusable += page.unusable
            onwards = page.first or page.resume
            # A feed may name its next page before there is anything on it: that is where the next refresh begins.
            if onwards is None or not (page.changes or page.unusable or page.first):
                break
            here = onwards
        return _Stretch(tuple(changes), unusable, here)

    async def _page(self, url: str) -> FiresPage:
        fetched = await self._get(url, fires.ACCEPT)
        return await asyncio.to_thread(fires.read_changes, fetched.body, fetched.url)


@dataclass(frozen=True, slots=True)
class _Stretch:
    """A stretch of a feed, oldest first, and the address where it goes on."""

    changes: tuple[FiresChange, ...]
    unusable: int
    end: str


async def _parsed(content: bytes, etag: str, modified: str) -> SourceRead:
    """Parse in a thread: a list of a hundred thousand lines takes the better part of a second."""
    found = await asyncio.to_thread(blockcsv.read_mastodon_csv, content)
    return SourceRead(found.entries, found.obfuscated, found.unusable, etag, modified)
