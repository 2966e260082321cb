"""One delivery: signed, sent, and what the answer means."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, NamedTuple

from relay.domain.delivery import Verdict, verdict
from relay.domain.errors import RemoteError
from relay.services.signing import Message

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from relay.domain.log import LogEntry, Rendered
    from relay.domain.remote import First
    from relay.services.signing import Signed, Signing
    from relay.services.tracks import Track

_TRY_ANNOUNCE: Final = frozenset({400, 401, 403, 405, 406, 409, 415, 422, 501})
"""Answers of servers that cannot check, or do not take, what others signed (real-servers.md 9)."""

_TELLING: Final = frozenset({401, 403, 408, 425, 429})
"""Statuses below 500 after which it is tried again (`domain.delivery.verdict`)."""


class Attempt(NamedTuple):
    """One delivery about to be made; `rendered` is what this subscriber gets of the entry."""

    track: Track
    entry: LogEntry
    rendered: Rendered
    suspect: bool


@dataclass(frozen=True, slots=True)
class Result:
    """What came of a delivery. `error` is for people; `retry_after` in seconds, when the server named it.

    `misdated` as for `Posted`: what it refused may be taken once the clocks are right.
    """

    verdict: Verdict
    error: str
    retry_after: float | None
    status: int = 0
    misdated: bool = False

    @property
    def reason(self) -> str:
        """What went wrong in a word, for the metrics: a status that means something of its own, or what kind it is."""
        if not self.status:
            return self.error.partition(":")[0]
        if self.misdated:
            return "clock"
        return str(self.status) if self.status in _TELLING else f"{self.status // 100}xx"


class Dispatch:
    """Signs and sends deliveries. `timeout` is in seconds."""

    def __init__(self, signing: Signing, timeout: float) -> None:
        self._signing, self._timeout = signing, timeout

    async def sign(self, batch: Sequence[Attempt]) -> list[Signed | None]:
        """Sign a batch in one hop; None for what goes to a server that fails: it is signed if that can be reached."""
        now = [attempt.track.peer.health.failures == 0 for attempt in batch]
        messages = [_message(attempt) for attempt, at_once in zip(batch, now, strict=True) if at_once]
        signed = iter(await self._signing.sign(messages) if messages else ())
        return [next(signed) if at_once else None for at_once in now]

    def send_now(self, attempt: Attempt, signed: Signed, answered: Callable[[First], None]) -> bool:
        """Send a delivery at once if that needs no waiting, see `Remote.post_now`; `send` deals with the answer."""
        return self._signing.send_now(signed, attempt.rendered.body, self._timeout, answered)

    def give_up(self) -> None:
        """End what was sent at once and is not answered yet, see `Remote.give_up`."""
        self._signing.give_up()

    async def send(self, attempt: Attempt, signed: Signed | None, first: First = None) -> Result:
        """Send a delivery; a server that refuses bytes that others signed gets our Announce instead, if there is one.

        Which of the two a subscriber takes is remembered while the relay runs. What it refuses and cannot be announced
        is refused for good: the server is well, and need not rest. Neither holds where perhaps a clock is wrong.
        `first` is what `send_now` found.
        """
        result = await self._send(attempt, signed, first)
        announce = attempt.entry.announce
        if result.status not in _TRY_ANNOUNCE or attempt.rendered is announce:
            return result
        if announce is None:
            return result if result.misdated else replace(result, verdict=Verdict.REFUSED)
        again = attempt._replace(rendered=announce)
        [signed] = await self.sign([again])
        announced = await self._send(again, signed)
        attempt.track.announce_only = announced.verdict is Verdict.DELIVERED and not result.misdated
        return announced

    async def _send(self, attempt: Attempt, signed: Signed | None, first: First = None) -> Result:
        try:
            if isinstance(first, RemoteError):
                raise first
            what = signed or _message(attempt)
            posted = await self._signing.send(what, attempt.rendered.body, self._timeout, first)
        except RemoteError as failure:
            return Result(Verdict.RETRY, f"{failure.code}: {failure}", failure.retry_after)
        found = verdict(posted.status, misdated=posted.misdated)
        return Result(found, posted.error, posted.retry_after, posted.status, posted.misdated)


def _message(attempt: Attempt) -> Message:
    return Message(attempt.track.target, attempt.rendered.digest, attempt.entry.attestations)
