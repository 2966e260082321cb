"""Which scanners cannot answer, and since when. In memory: after a restart it is found out anew."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from relay.domain.media import ScanOutcome

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Trouble:
    """When a scanner first could not answer and when it last could not, without an answer between."""

    since: float
    last: float


class Troubles:
    """Remembers what scanners said."""

    def __init__(self) -> None:
        self._found: dict[str, Trouble] = {}

    def heard(self, scanner: str, outcome: ScanOutcome, now: float) -> None:
        """A scanner said something: any answer ends its trouble."""
        if outcome is not ScanOutcome.UNAVAILABLE:
            self._found.pop(scanner, None)
            return
        before = self._found.get(scanner)
        self._found[scanner] = Trouble(now if before is None else before.since, now)

    @property
    def found(self) -> Mapping[str, Trouble]:
        """The scanners in trouble, by name."""
        return self._found
