"""A bounded memory with an end: negative caches and replay windows."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Hashable

    from relay.ports import Clock

V = TypeVar("V")


class Remembered(Generic[V]):
    """Remembers values for a time, the newest `most` of them: strangers cannot make it grow."""

    def __init__(self, clock: Clock, *, seconds: float, most: int) -> None:
        self._clock, self._seconds, self._most = clock, seconds, most
        self._values: OrderedDict[Hashable, tuple[float, V]] = OrderedDict()

    def get(self, key: Hashable) -> V | None:
        """Return what is remembered for the key."""
        held = self._values.get(key)
        if held is None:
            return None
        until, value = held
        if until <= self._clock.monotonic():
            del self._values[key]
            return None
        return value

    def put(self, key: Hashable, value: V, *, seconds: float | None = None) -> None:
        """Remember a value for the usual time or for `seconds`."""
        self._values.pop(key, None)
        self._values[key] = (self._clock.monotonic() + (seconds or self._seconds), value)
        while len(self._values) > self._most:
            self._values.popitem(last=False)

    def drop(self, key: Hashable) -> None:
        """Forget a value."""
        self._values.pop(key, None)

    def __len__(self) -> int:
        return len(self._values)
