"""Checking files for media servers before they take them: yes or no, within a time, and nothing more.

A server shows its token and gets one bit: whoever has a token can try out what matches, so questions are limited and
counted for each server, and a file on a list is put on record. What cannot be checked is answered as the operator said;
a failure is never "clean". Files are in memory only, few at a time: who comes meanwhile waits before a byte is read.
"""

from __future__ import annotations

import asyncio
import hmac
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from relay.domain.errors import NotFound, RemoteError, Unauthorized
from relay.domain.hashsubmission import is_unreviewed
from relay.domain.media import MediaKind, MediaRef, ScanOutcome
from relay.domain.submission import Submission
from relay.services.limits import Limits

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from relay.domain.media import Match
    from relay.domain.rates import Rate
    from relay.ports import Clock, Store
    from relay.services.findings import FindingBook
    from relay.services.inspect import Inspector
    from relay.services.tally import Tally

AT_ONCE: Final = 6
"""Files in memory at the same time."""
AT_ONCE_OF_ONE: Final = 4
"""Of these, of one server."""
WAITING: Final = 200
"""Questions at the same time, those that wait included; about one more it is answered that nothing is known."""
ACTOR: Final = "scan-api"
"""Who brought a file, in findings: people behind a server are not known here."""


@dataclass(frozen=True, slots=True)
class CheckRules:
    """Who may ask, by name, with which token, and what is answered.

    `largest` file in bytes, `patience` in seconds, `rate` of one server, None for any.
    """

    tokens: Mapping[str, str] = field(repr=False)
    accepts_unknown: bool
    largest: int
    patience: float
    rate: Rate | None


class Verdict(StrEnum):
    """What is known about a file. `UNKNOWN`: it could not be checked, for whatever reason."""

    CLEAN = "clean"
    MATCH = "match"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Seen:
    """What looking at a file brought. `digest` is its SHA-256 in hex, None when there was no file."""

    outcome: ScanOutcome = ScanOutcome.UNAVAILABLE
    digest: str | None = None
    matches: Sequence[Match] = ()

    @property
    def verdict(self) -> Verdict:
        """What it means for whoever asks: any match is one, and nothing but a clean scan is clean.

        What matches hashes that nobody has reviewed is held in posts; here that is not to know (ADR 0030).
        """
        if self.matches and all(map(is_unreviewed, self.matches)):
            return Verdict.UNKNOWN
        if self.outcome in {ScanOutcome.MATCH, ScanOutcome.VENDOR_TEST_MATCH}:
            return Verdict.MATCH
        return Verdict.CLEAN if self.outcome is ScanOutcome.NO_KNOWN_MATCH else Verdict.UNKNOWN


class FileChecks:
    """Answers servers that have a token."""

    def __init__(
        self,
        *,
        store: Store,
        clock: Clock,
        inspector: Inspector,
        findings: FindingBook,
        rules: CheckRules,
        tally: Tally,
    ) -> None:
        self._store, self._clock, self._inspector = store, clock, inspector
        self._findings, self.rules, self._tally = findings, rules, tally
        self._limits = Limits(rules.rate, clock)
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._own = {name: asyncio.Semaphore(AT_ONCE_OF_ONE) for name in rules.tokens}
        self._asked = 0

    def client(self, *offered: str | None) -> str:
        """Return the name of the server that one of these tokens belongs to, the first that is anybody's.

        Raises `NotFound` when nobody may ask, `Unauthorized`.
        """
        if not self.rules.tokens:
            raise NotFound("Files are not checked here.", code="scan-api-off")
        found = ""
        for one in offered:
            for name, token in self.rules.tokens.items():
                # All are compared whole, so that the time tells nothing of any.
                same = hmac.compare_digest(token.encode(), (one or "").encode("utf-8", "replace"))
                found = name if same and not found else found
        if not found:
            self._tally.add("scan_api", "unauthorized")
            raise Unauthorized("This needs the token of a server.", code="bad-token")
        return found

    async def check(self, client: str, read: Callable[[], Awaitable[bytes | None]]) -> bool:
        """Say whether a server may take a file, which `read` reads; None is one that is too large.

        Raises `TooMany`, and what `read` raises.
        """
        verdict = await self._verdict(client, lambda: self._read(read))
        return verdict is Verdict.CLEAN or (verdict is Verdict.UNKNOWN and self.rules.accepts_unknown)

    async def score(self, client: str, url: str) -> float:
        """Say whether the file at a URL matches: 1.0, or 0.0 when it was checked and nothing was found.

        Raises `TooMany`, and `RemoteError` about what could not be checked.
        """
        verdict = await self._verdict(client, lambda: self._fetch(url))
        if verdict is Verdict.UNKNOWN:
            raise RemoteError("The file could not be checked.", code="not-checked")
        return 1.0 if verdict is Verdict.MATCH else 0.0

    async def _read(self, read: Callable[[], Awaitable[bytes | None]]) -> Seen:
        content = await read()
        if content is None:
            return Seen()
        facts = await self._inspector.facts(content)
        return Seen(facts.result.outcome, facts.digests.sha256, facts.result.matches)

    async def _fetch(self, url: str) -> Seen:
        item = await self._inspector.inspect(MediaRef(url, MediaKind.OTHER), url, ())
        return Seen(item.outcome, item.digest, item.matches)

    async def _verdict(self, client: str, look: Callable[[], Awaitable[Seen]]) -> Verdict:
        """Look, and count the answer; a file that is on a list is on record before anything is answered."""
        self._limits.check(client, ACTOR)
        seen = await self._in_time(client, look)
        self._tally.add("scan_api", f"{client}:{seen.verdict}")
        if seen.verdict is Verdict.MATCH and seen.digest is not None:
            await self._note(client, seen, seen.digest)
        return seen.verdict

    async def _in_time(self, client: str, look: Callable[[], Awaitable[Seen]]) -> Seen:
        """Look when it is this one's turn; leave it when that takes too long, or when too many wait."""
        if self._asked >= WAITING:
            return Seen()
        self._asked += 1
        try:
            async with asyncio.timeout(self.rules.patience), self._own[client], self._slots:
                return await look()
        except TimeoutError:
            return Seen()
        finally:
            self._asked -= 1

    async def _note(self, client: str, seen: Seen, digest: str) -> None:
        now = self._clock.now()
        brought = Submission(
            id=self._clock.new_id(),
            server=client,
            actor=ACTOR,
            key=f"sha256:{digest}",
            digest=digest,
            url=None,
            received_at=now,
            due_at=now,
            wait=0.0,
        )
        async with self._store.transaction() as tx:
            await self._findings.note(tx, brought, seen.outcome, seen.matches, refused=True)
