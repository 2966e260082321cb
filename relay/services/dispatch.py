"""One delivery: signed, sent, and what the answer means."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from relay.domain.delivery import Verdict, verdict
from relay.domain.errors import RemoteError
from relay.protocol.documents import CONTENT_TYPE
from relay.protocol.httpsig import http_date, post_string
from relay.services.signing import signed_headers

if TYPE_CHECKING:
    from collections.abc import Sequence

    from relay.domain.log import LogEntry, Rendered
    from relay.ports import Clock, Remote, Signer
    from relay.services.tracks import Track

_TRY_ANNOUNCE: Final = frozenset({400, 401, 403, 405, 406, 409, 415, 422, 501})
"""Answers of servers that cannot check, or do not take, what others signed (real-servers.md 9)."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One delivery about to be made; `rendered` is what this subscriber gets of the entry."""

    track: Track
    entry: LogEntry
    rendered: Rendered
    suspect: bool


@dataclass(frozen=True, slots=True)
class Result:
    """What came of a delivery. `error` is for people; `retry_after` in seconds, when the server named it."""

    verdict: Verdict
    error: str
    retry_after: float | None
    status: int = 0


class Dispatch:
    """Signs and sends deliveries. `timeout` is in seconds."""

    def __init__(self, *, remote: Remote, signer: Signer, clock: Clock, timeout: float) -> None:
        self._remote, self._signer, self._clock, self._timeout = remote, signer, clock, timeout

    async def sign(self, batch: Sequence[Attempt]) -> list[dict[str, str]]:
        """Sign a batch in one hop; return the headers of each delivery."""
        date = http_date(self._clock.now())
        messages = [
            post_string(a.track.target, date, a.rendered.digest, CONTENT_TYPE, a.entry.attestations)
            for a in batch
        ]
        signatures = await self._signer.sign_many(messages)
        return [
            signed_headers(
                a.track.target, date, a.rendered.digest, a.entry.attestations, self._signer.key_id, signature
            )
            for a, signature in zip(batch, signatures, strict=True)
        ]

    async def send(self, attempt: Attempt, headers: dict[str, str]) -> Result:
        """Send a delivery; a server that refuses bytes that others signed gets our Announce instead, if there is one.

        Which of the two a subscriber takes is remembered while the relay runs.
        """
        result = await self._send(attempt, headers)
        announce = attempt.entry.announce
        if result.status not in _TRY_ANNOUNCE or announce is None or attempt.rendered is announce:
            return result
        again = replace(attempt, rendered=announce)
        [headers] = await self.sign([again])
        result = await self._send(again, headers)
        attempt.track.announce_only = result.verdict is Verdict.DELIVERED
        return result

    async def _send(self, attempt: Attempt, headers: dict[str, str]) -> Result:
        try:
            posted = await self._remote.post(
                attempt.track.target.url, headers=headers, body=attempt.rendered.body, timeout=self._timeout
            )
        except RemoteError as failure:
            return Result(Verdict.RETRY, f"{failure.code}: {failure}", failure.retry_after)
        return Result(verdict(posted.status), f"status {posted.status}", posted.retry_after, posted.status)
