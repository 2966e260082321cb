"""Floods: one account or server that does much more than people do, or than it used to.

How much a server posts is compared with itself: with what it reached in nine of ten of the last 48 hours. A number that
fits all servers would be a flood for one and silence for another.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from dataclasses import dataclass, field
from typing import Final

from relay.domain.rates import Window

SHORT: Final = 600.0
"""Seconds in which floods are counted."""
HOURS: Final = 48
"""Hours of a server's past that are kept."""
KNOWN: Final = 12
"""Whole hours that have to be known of a server before its present can be compared with them."""
LEAST: Final = 80
"""Posts in ten minutes below which nothing is a flood: a bot that starts may bring as many at once."""
LOUD: Final = 12
"""Posts of one account in ten minutes above which it is loud."""
SOURCES: Final = 10_000
"""Accounts or servers that are kept of each kind; the ones heard from last."""
PEOPLE: Final = 400
"""Mentioned accounts that are kept of one source."""


@dataclass(slots=True)
class _Mentioned:
    last: OrderedDict[str, float] = field(default_factory=OrderedDict)

    def add(self, people: frozenset[str], now: float) -> int:
        for person in people:
            self.last[person] = now
            self.last.move_to_end(person)
        while self.last and (len(self.last) > PEOPLE or next(iter(self.last.values())) < now - SHORT):
            self.last.popitem(last=False)
        return len(self.last)


class Mentions:
    """Counts how many different people each account, or server, mentioned in the last ten minutes."""

    def __init__(self, most: int = SOURCES) -> None:
        self._most = most
        self._sources: OrderedDict[str, _Mentioned] = OrderedDict()

    def add(self, source: str, people: frozenset[str], now: float) -> int:
        """Take note of whom a source mentions; return how many different people that makes."""
        found = self._sources.setdefault(source, _Mentioned())
        self._sources.move_to_end(source)
        while len(self._sources) > self._most:
            self._sources.popitem(last=False)
        return found.add(people, now)

    def __len__(self) -> int:
        return len(self._sources)


class Loudness:
    """Counts the posts of each account in the last ten minutes."""

    def __init__(self, most: int = SOURCES) -> None:
        self._most = most
        self._accounts: OrderedDict[str, Window] = OrderedDict()

    def add(self, account: str, now: float) -> None:
        """Count a post."""
        window = self._accounts.setdefault(account, Window(SHORT))
        self._accounts.move_to_end(account)
        while len(self._accounts) > self._most:
            self._accounts.popitem(last=False)
        window.add(now)

    def loud(self, account: str, now: float) -> bool:
        """Whether the account posts more than people do."""
        window = self._accounts.get(account)
        return window is not None and window.count(now) > LOUD

    def __len__(self) -> int:
        return len(self._accounts)


@dataclass(slots=True)
class _Past:
    """The posts of a server: in the last ten minutes, in this hour, and in each of the hours before."""

    hour: int
    recent: Window = field(default_factory=lambda: Window(SHORT))
    this_hour: int = 0
    hours: deque[int] = field(default_factory=lambda: deque(maxlen=HOURS))

    def add(self, now: float) -> None:
        hour = int(now // 3600)
        if hour > self.hour:
            quiet = min(hour - self.hour - 1, HOURS)
            self.hours.extend([self.this_hour, *[0] * quiet])
            self.hour, self.this_hour = hour, 0
        self.this_hour += 1
        self.recent.add(now)

    def usual(self) -> int | None:
        """Posts per hour that the server stays below in nine of ten hours; None while too little is known."""
        if len(self.hours) < KNOWN:
            return None
        return sorted(self.hours)[int(len(self.hours) * 0.9)]


@dataclass(frozen=True, slots=True)
class Excess:
    """Posts in the last ten minutes, and how many there are in a usual busy hour."""

    recent: int
    usual: int


class Rates:
    """Knows how much each server posts, and notices when it is far more than it used to be."""

    def __init__(self, most: int = SOURCES) -> None:
        self._most = most
        self._servers: OrderedDict[str, _Past] = OrderedDict()

    def add(self, server: str, now: float, *, times: float) -> Excess | None:
        """Count a post; return the excess when it is more than `times` the usual."""
        past = self._servers.get(server)
        if past is None:
            past = self._servers[server] = _Past(int(now // 3600))
        self._servers.move_to_end(server)
        while len(self._servers) > self._most:
            self._servers.popitem(last=False)
        past.add(now)
        recent = past.recent.count(now)
        if recent < LEAST:
            return None
        usual = past.usual()
        if usual is None or recent * (3600 / SHORT) <= times * usual:
            return None
        return Excess(recent, usual)

    def __len__(self) -> int:
        return len(self._servers)
