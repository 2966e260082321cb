"""Which process delivers to which subscribers, where there are several.

Servers, and with each all subscribers on it, belong to a fixed number of shares, and every share to one process at a
time: so the window, the back-off and the health of a server are in one place. Every process works out by itself what
falls to it, from who is alive and who holds what; all come to the same result.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

COUNT: Final = 256
"""Shares in all: with 50 processes the largest part is a sixth more than the mean. More would be more rows to write."""
ALL: Final = frozenset(range(COUNT))


def share_of(server: str) -> int:
    """Return the share of a server, below `COUNT`: the same in every process and on every machine."""
    return int.from_bytes(hashlib.sha256(server.encode()).digest()[:4]) % COUNT


@dataclass(frozen=True, slots=True)
class Held:
    """Shares that a process says are its own."""

    owner: str
    shares: frozenset[int]


@dataclass(frozen=True, slots=True)
class Parting:
    """What a process should take, and what it should hand over."""

    take: frozenset[int]
    shed: frozenset[int]


def fair_part(me: str, alive: Collection[str]) -> int:
    """Return how many shares fall to a process: the parts of all who are alive make up the whole, evenly."""
    each, over = divmod(COUNT, len(alive))
    return each + (sorted(alive).index(me) < over)


def parting(me: str, alive: Collection[str], owners: Mapping[int, str | None]) -> Parting:
    """Say what a process should do about its part. `owners` are those of all shares; whose owner is gone is free."""
    mine = sorted(share for share, owner in owners.items() if owner == me)
    free = sorted(share for share, owner in owners.items() if owner not in alive)
    fair = fair_part(me, alive)
    return Parting(frozenset(free[: max(0, fair - len(mine))]), frozenset(mine[fair:]))
