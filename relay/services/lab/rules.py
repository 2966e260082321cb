"""How much the lab does for strangers: limits for one client and for all together.

A client is an IPv4 address or an IPv6 /64 (`throttle`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from relay.domain.errors import TooMany
from relay.services.throttle import Throttle, client_of

if TYPE_CHECKING:
    from relay.domain.rates import Rate
    from relay.ports import Clock

_ALL: Final = "all"


@dataclass(frozen=True, slots=True)
class LabRules:
    """Numbers are most at once, lives are seconds, rates None for no limit."""

    inboxes: int
    inbox_life: float
    reports: int
    report_life: float
    rate: Rate | None
    rate_of_all: Rate | None


class Clients:
    """Counts what clients ask for."""

    def __init__(self, rules: LabRules, clock: Clock) -> None:
        self._rules, self._throttle = rules, Throttle(clock)

    def check(self, address: str) -> None:
        """Count a request of the client with this IP address. Raises `TooMany`."""
        self._take(client_of(address), self._rules.rate, "you")
        self._take(_ALL, self._rules.rate_of_all, "everybody together")

    def _take(self, name: str, rate: Rate | None, who: str) -> None:
        wait = self._throttle.take(name, rate)
        if wait:
            message = f"The lab takes {rate} from {who}. Please wait a moment and try again."
            raise TooMany(message, retry_after=wait)
