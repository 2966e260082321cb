"""One media item: fetch, digest, attestation, decode, scan. One scan per distinct digest, however often it comes."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from relay.domain import hosts
from relay.domain.errors import RelayError, RemoteError, Unavailable
from relay.domain.facts import AttestationState
from relay.domain.intake import Item, MediaFacts
from relay.domain.media import Decoded, MediaKind, MediaRef, ScanOutcome
from relay.domain.recall import without
from relay.domain.screening import combine, digests_of, is_certain, is_current, spared
from relay.services.singleflight import SingleFlight

if TYPE_CHECKING:
    from collections.abc import Sequence

    from relay.domain.media import Digests, ScanResult
    from relay.ports import Clock, Decoder, Remote, Scanner, Store
    from relay.services.attestations import AttestationVerifier, Vouched
    from relay.services.troubles import Troubles

FETCHES: Final = 12
"""Media files in memory at the same time."""
FETCHES_PER_SERVER: Final = 4
"""Of these, from one server: a slow one must not hold up the others."""
INSPECT_WITHIN: Final = 240.0
"""Seconds for all media of a post, less than the lease of whoever asks: what is not done by then is tried again."""
PATIENCE: Final = 6
"""Attempts after which an object that cannot be had is dropped, and a file that cannot be had is unscannable."""
_IN_A_THREAD: Final = 256 * 1024


@dataclass(frozen=True, slots=True)
class MediaLimits:
    """The largest file that is fetched, in bytes, and how long one may take, in seconds."""

    size: int
    timeout: float


class Inspector:
    """Finds out about media items. `scanners` may be replaced while running."""

    def __init__(
        self,
        *,
        store: Store,
        remote: Remote,
        decoder: Decoder,
        clock: Clock,
        verifier: AttestationVerifier,
        scanners: Sequence[Scanner],
        limits: MediaLimits,
        troubles: Troubles,
    ) -> None:
        self._store, self._remote, self._decoder, self._clock = store, remote, decoder, clock
        self._verifier, self.scanners, self._limits = verifier, scanners, limits
        self._troubles = troubles
        self._slots = asyncio.Semaphore(FETCHES)
        self._servers: dict[str, asyncio.Semaphore] = {}
        self._scans: SingleFlight[MediaFacts] = SingleFlight()

    async def inspect(self, ref: MediaRef, object_id: str, tokens: Sequence[str]) -> Item:
        """Inspect an item that `object_id` refers to. Never raises for what others did.

        A file that could not be had for now is `unavailable`, one that never can be is `unscannable`. Raises
        `Unavailable`: that the database is away says nothing about a file.
        """
        if not hosts.is_http_url(ref.url):
            return _unseen(ref, ScanOutcome.UNSCANNABLE, "bad-url")
        server = self._servers.setdefault(hosts.server_name(ref.url), asyncio.Semaphore(FETCHES_PER_SERVER))
        try:
            async with server, self._slots:
                return await self._inspect(ref, object_id, tokens)
        except RemoteError as error:
            outcome = ScanOutcome.UNAVAILABLE if error.temporary else ScanOutcome.UNSCANNABLE
            # A file that was not fetched because it is too large must not slip past a rule about large files.
            size = self._limits.size + 1 if error.code == "too-large" else None
            return _unseen(ref, outcome, error.code, size)
        except Unavailable:
            raise
        except RelayError as error:
            return _unseen(ref, ScanOutcome.UNSCANNABLE, error.code)
        finally:
            if len(self._servers) > 1_000:
                self._servers = {name: held for name, held in self._servers.items() if held.locked()}

    async def inspect_all(
        self, refs: Sequence[MediaRef], object_id: str, tokens: Sequence[str], *, complete: bool
    ) -> list[Item]:
        """Inspect all media of a post at the same time; what is not done in `INSPECT_WITHIN` is `unavailable`.

        Where the post has more than is listed (not `complete`) an item of its own says so: it never counts as seen.
        """
        deadline = asyncio.get_running_loop().time() + INSPECT_WITHIN
        async with asyncio.TaskGroup() as tasks:
            running = [
                tasks.create_task(self._inspect_until(deadline, ref, object_id, tokens)) for ref in refs
            ]
        items = [task.result() for task in running]
        if not complete:
            unseen = MediaRef("", MediaKind.OTHER)
            items.append(_unseen(unseen, ScanOutcome.UNSCANNABLE, "too-many-items"))
        return items

    async def _inspect_until(
        self, deadline: float, ref: MediaRef, object_id: str, tokens: Sequence[str]
    ) -> Item:
        try:
            async with asyncio.timeout_at(deadline):
                return await self.inspect(ref, object_id, tokens)
        except TimeoutError:
            return _unseen(ref, ScanOutcome.UNAVAILABLE, "timeout")

    async def facts(self, content: bytes) -> MediaFacts:
        """Return what is known about some bytes, scanning them if need be."""
        digests = await _digest(content)
        return await self.known(digests.sha256) or await self._scan(digests, content)

    async def known(self, digest: str) -> MediaFacts | None:
        """Return what is known about bytes by their SHA-256 in hex, if it still stands with the lists of now."""
        async with self._store.reading() as tx:
            known = await tx.media.facts(digest)
        return known if known is not None and self._stands(known) else None

    async def _inspect(self, ref: MediaRef, object_id: str, tokens: Sequence[str]) -> Item:
        fetched = await self._remote.get(
            ref.url, accept="*/*", limit=self._limits.size, timeout=self._limits.timeout
        )
        # Always our own digest of the bytes received: an origin may serve others other bytes (cloaking).
        digests = await _digest(fetched.body)
        vouched = await self._verifier.verify(ref, digests, object_id, tokens)
        known = await self._known(digests)
        if known is None or not self._stands(known):
            if vouched.trusted and known is None:
                return _attested(ref, digests, vouched)
            known = await self._scan(digests, fetched.body)
        return Item(
            url=ref.url,
            kind=ref.kind,
            digest=digests.sha256,
            outcome=known.result.outcome,
            reason=known.result.reason,
            attestation=vouched.state,
            issuer=vouched.issuer,
            matches=known.result.matches,
            size=digests.size,
            media_type=known.decoded.media_type if isinstance(known.decoded, Decoded) else ref.media_type,
            frame=next(iter(known.decoded.frames), None) if isinstance(known.decoded, Decoded) else None,
        )

    def _stands(self, known: MediaFacts) -> bool:
        return is_current(known, {scanner.name: scanner.version for scanner in self.scanners})

    async def _known(self, digests: Digests) -> MediaFacts | None:
        async with self._store.reading() as tx:
            return await tx.media.facts(digests.sha256)

    async def _scan(self, digests: Digests, content: bytes) -> MediaFacts:
        return await self._scans.run(digests.sha256, lambda: self._scan_now(digests, content))

    async def _scan_now(self, digests: Digests, content: bytes) -> MediaFacts:
        known = await self._known(digests)
        if known is not None and self._stands(known):
            return known  # another post brought the same bytes while this one waited
        decoded = await self._decoder.decode(content) if known is None else known.decoded
        results: list[ScanResult] = []
        for scanner in self.scanners:
            # What is known for certain is nobody else's business: nothing more leaves, nothing more is paid for.
            if any(map(is_certain, results)) and scanner.asks_others:
                results.append(spared(scanner.name))
                continue
            results.append(await scanner.scan(digests, decoded, content))
            self._troubles.heard(scanner.name, results[-1].outcome, self._clock.now())
        found = combine(results)
        async with self._store.transaction() as tx:
            if found.matches:
                found = without(found, await tx.recalls.dismissed(digests.sha256), decoded)
            facts = MediaFacts(digests, decoded, found, self._clock.now())
            await tx.media.save(facts)
            if facts.result.matches:
                # It was attested before it came onto a list: from now on that is taken back.
                await tx.media.retract(digests.sha256, facts.scanned_at)
        return facts


def given_up(item: Item) -> Item:
    """A file that could not be had again and again is unscannable; a scanner that fails stays unavailable."""
    if item.outcome is ScanOutcome.UNAVAILABLE and item.digest is None:
        return replace(item, outcome=ScanOutcome.UNSCANNABLE)
    return item


async def _digest(content: bytes) -> Digests:
    if len(content) < _IN_A_THREAD:
        return digests_of(content)
    return await asyncio.to_thread(digests_of, content)


def _unseen(ref: MediaRef, outcome: ScanOutcome, reason: str, size: int | None = None) -> Item:
    missing = AttestationState.MISSING
    return Item(ref.url, ref.kind, None, outcome, reason, missing, size=size, media_type=ref.media_type)


def _attested(ref: MediaRef, digests: Digests, vouched: Vouched) -> Item:
    return Item(
        url=ref.url,
        kind=ref.kind,
        digest=digests.sha256,
        outcome=ScanOutcome.NOT_ATTEMPTED,
        reason="attested",
        attestation=vouched.state,
        issuer=vouched.issuer,
        size=digests.size,
        media_type=ref.media_type,
    )
