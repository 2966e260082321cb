"""What all hash services share: the port `Scanner` around one protocol.

A question is asked once at a time and its answer remembered with the version of the service's list; a service that
fails is asked again, then left alone for a while; nothing is asked faster than the service allows. Whatever goes wrong
is `unavailable` with a code, and counted.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from relay.domain.breaker import Breaker
from relay.domain.errors import RemoteError
from relay.domain.hashservice import Question, ServiceState, Unfit
from relay.domain.media import MatchKind, ScanOutcome, ScanResult, Undecodable
from relay.domain.rates import Bucket, Rate
from relay.services.memory import Remembered
from relay.services.singleflight import SingleFlight

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from relay.domain.media import Decoded, Digests, Match
    from relay.ports import Clock
    from relay.ports.hashservices import HashService

ATTEMPTS: Final = 3
PATIENCE: Final = 20.0
"""Seconds that a question waits for its turn or for the next attempt; after that the item is tried again later."""
FIRST_PAUSE: Final = 1.0
"""Seconds before the second attempt; before the third it is twice as long."""
SHORTEST_WAIT: Final = 0.001
REMEMBERED: Final = 20_000
LOOK_AGAIN: Final = 600.0
"""Seconds for which the version of the service's list is believed."""
ITS_OWN_FAULT: Final = frozenset({400, 413, 415, 422})
"""Statuses that are about what was asked: a stranger's file must not make a service look broken (RFC 9110 15.5)."""


class ServiceScanner:
    """Implements the port `Scanner` over a service.

    `per_second` questions are asked at most, None for any number. Where the service does not tell the version of its
    list, answers count for `lasts` seconds.
    """

    def __init__(
        self,
        name: str,
        service: HashService,
        *,
        clock: Clock,
        attests: bool,
        per_second: int | None,
        lasts: float,
        count: Callable[[str, str], None] = lambda _name, _outcome: None,
    ) -> None:
        self._name, self._service, self._clock, self._attests = name, service, clock, attests
        self._rate = None if per_second is None else Rate(per_second, 1)
        self._bucket = Bucket(float(per_second or 0), clock.monotonic())
        self._lasts, self._count = lasts, count
        self._breaker = Breaker()
        self._answers: Remembered[ScanResult] = Remembered(clock, seconds=lasts, most=REMEMBERED)
        self._scans: SingleFlight[ScanResult] = SingleFlight()
        self._looks: SingleFlight[None] = SingleFlight()
        self._listed: str | None = None
        self._look_at: float | None = None
        self._since, self._counts = clock.now(), Counter[str]()
        self._answered_at: float | None = None
        self._error: str | None = None
        self._error_at: float | None = None

    @property
    def name(self) -> str:
        """The name in the configuration."""
        return self._name

    @property
    def version(self) -> str:
        """Kind and terms of the service, and the version of its list or the stretch of time."""
        listed = self._listed or f"t{int(self._clock.now() // self._lasts)}"
        return f"{self._service.kind};{self._service.terms};{listed}"

    @property
    def attests(self) -> bool:
        """Whether the operator has the service's consent to attest its answers (`attest: true`)."""
        return self._attests

    @property
    def methods(self) -> Sequence[str]:
        """By what the service compares."""
        return self._service.methods

    @property
    def asks_others(self) -> bool:
        """Yes: that is what it is for."""
        return True

    @property
    def state(self) -> ServiceState:
        """How the service is doing."""
        return ServiceState(
            name=self._name,
            kind=self._service.kind,
            since=self._since,
            version=self._listed or "",
            answers=dict(self._counts),
            answered_at=self._answered_at,
            error=self._error,
            error_at=self._error_at,
            paused=self._breaker.is_open,
        )

    def recall(self, state: ServiceState) -> None:
        """Believe what was last known of the service before a restart, until it is asked."""
        if state.kind == self._service.kind:
            self._listed = state.version or None

    async def scan(
        self, digests: Digests, decoded: Decoded | Undecodable, content: bytes | None = None
    ) -> ScanResult:
        """Ask the service, unless it was asked before; see the port."""
        if isinstance(decoded, Undecodable):
            return self._result(ScanOutcome.UNSCANNABLE, reason=decoded.value)
        question = Question(digests, decoded, content)
        return await self._scans.run(digests.sha256, lambda: self._scan(question))

    async def refresh(self) -> None:
        """Look which version the service's list has, if that was long ago. A failure is noted, not raised."""
        if self._breaker.is_open:
            return  # the one question that is let through is for a file that waits
        try:
            await self._keep_current()
        except RemoteError:
            return  # `_look` noted it

    async def _scan(self, question: Question) -> ScanResult:
        try:
            self._admit()
            await self._keep_current()
            key = question.digests.sha256, self.version
            known = self._answers.get(key)
            if known is not None:
                return known
            result = self._judged(await self._asked(question), question.decoded, version=key[1])
        except RemoteError as error:
            self._note(ScanOutcome.UNAVAILABLE)
            return self._result(ScanOutcome.UNAVAILABLE, reason=error.code)
        self._answers.put(key, result)
        self._note(result.outcome)
        return result

    def _judged(self, found: Sequence[Match] | Unfit, decoded: Decoded, *, version: str) -> ScanResult:
        versions = {self._name: version}
        if not found and not isinstance(found, Unfit) and decoded.unseen is not None:
            found = Unfit(decoded.unseen.value)  # nothing in what was looked at says little about the rest
        if isinstance(found, Unfit):
            return ScanResult(ScanOutcome.UNSCANNABLE, reason=found.reason, versions=versions)
        if not found:
            return ScanResult(ScanOutcome.NO_KNOWN_MATCH, versions=versions)
        only_tests = all(match.kind is MatchKind.TEST for match in found)
        outcome = ScanOutcome.VENDOR_TEST_MATCH if only_tests else ScanOutcome.MATCH
        return ScanResult(outcome, tuple(dict.fromkeys(found)), versions=versions)

    def _result(self, outcome: ScanOutcome, *, reason: str) -> ScanResult:
        return ScanResult(outcome, reason=reason, versions={self._name: self.version})

    async def _asked(self, question: Question) -> Sequence[Match] | Unfit:
        pause = FIRST_PAUSE
        for attempt in range(1, ATTEMPTS + 1):
            if attempt > 1:
                self._admit()
            await self._turn()
            try:
                found = await self._service.ask(question)
            except RemoteError as error:
                self._failed(error)
                wait = pause if error.retry_after is None else error.retry_after
                if not error.temporary or attempt == ATTEMPTS or wait > PATIENCE:
                    raise
                await self._clock.sleep(wait + self._clock.jitter() * pause)
                pause *= 2
            else:
                self._succeeded()
                return found
        raise AssertionError  # the last attempt returned or raised

    async def _keep_current(self) -> None:
        if self._look_at is None or self._look_at <= self._clock.monotonic():
            await self._looks.run("", self._look)

    async def _look(self) -> None:
        try:
            self._listed = await self._service.list_version()
        except RemoteError as error:
            self._failed(error)
            raise
        self._look_at = self._clock.monotonic() + LOOK_AGAIN

    def _admit(self) -> None:
        if not self._breaker.admits(self._clock.monotonic()):
            raise RemoteError(f"{self._name} is left alone for now", code="paused")

    async def _turn(self) -> None:
        """Wait until the service may be asked again."""
        if self._rate is None:
            return
        give_up = self._clock.monotonic() + PATIENCE
        while wait := self._bucket.take(self._rate, self._clock.monotonic()):
            if self._clock.monotonic() + wait > give_up:
                raise RemoteError(f"too many questions wait for {self._name}", code="busy")
            await self._clock.sleep(max(wait, SHORTEST_WAIT))  # a clock cannot tell any less

    def _failed(self, error: RemoteError) -> None:
        self._error = error.code if error.status is None else f"status-{error.status}"
        self._error_at = self._clock.now()
        if error.status not in ITS_OWN_FAULT:
            self._breaker.failed(self._clock.monotonic(), error.retry_after or 0.0)

    def _succeeded(self) -> None:
        self._breaker.succeeded()
        self._answered_at = self._clock.now()

    def _note(self, outcome: ScanOutcome) -> None:
        self._counts[outcome.value] += 1
        self._count(self._name, outcome.value)
