"""What a brake has stopped, and how it comes back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from relay.domain.waves.brake import SPREAD

if TYPE_CHECKING:
    from collections.abc import Iterator

    from relay.domain.log import ActivityState


@dataclass(frozen=True, slots=True)
class Waiting:
    """An activity that a brake has stopped: `seq` is its number, `state` is `held` or `deferred`."""

    seq: int
    state: ActivityState
    kind: str
    actor: str
    server: str
    object_id: str
    received_at: float


@dataclass(frozen=True, slots=True)
class Stopped:
    """How many activities a brake has stopped, by what became of them.

    `held` for a person and `deferred` wait. `released` and `purged` were by command, `left` went on in another way: it
    came through the policy, was decided alone or deleted by its author. `observed` would have been stopped.
    """

    held: int = 0
    deferred: int = 0
    released: int = 0
    purged: int = 0
    left: int = 0
    observed: int = 0

    @property
    def waiting(self) -> int:
        """How many wait."""
        return self.held + self.deferred

    @property
    def all(self) -> int:
        """How many it met."""
        return self.waiting + self.released + self.purged + self.left + self.observed


def spread(start: float, count: int) -> Iterator[float]:
    """The times at which so many activities come back: one a second, or more often so that the last comes in time."""
    gap = min(1.0, SPREAD / max(1, count))
    return (start + number * gap for number in range(count))
