"""Which holds somebody looks at: all of them, or those of one reason, rule, server or wave."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Narrowed:
    """Holds that fit everything that is named; None for any. `brake` is the number of a wave or an incident."""

    reason: str | None = None
    rule: str | None = None
    server: str | None = None
    brake: int | None = None

    @property
    def by(self) -> dict[str, str]:
        """What is named, by name, as it stands in an address."""
        named = {"reason": self.reason, "rule": self.rule, "server": self.server, "brake": self.brake}
        return {name: str(value) for name, value in named.items() if value is not None}


@dataclass(frozen=True, slots=True)
class Settled:
    """What came of deciding many holds at once: how many were `done`, and those that were left, with the cause."""

    done: int
    left: tuple[tuple[int, str], ...] = ()
