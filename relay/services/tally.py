"""Counters since the start: what the metrics page shows."""

from __future__ import annotations

from collections import Counter


class Tally:
    """Counts events by name and label."""

    def __init__(self) -> None:
        self.counts: Counter[tuple[str, str]] = Counter()

    def add(self, name: str, label: str, number: int = 1) -> None:
        """Count `number` events."""
        self.counts[name, label] += number
