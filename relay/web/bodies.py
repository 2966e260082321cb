"""The bodies of requests that are in memory at the same time: however many clients there are, they have an end."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from relay.domain.errors import Busy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

BODIES: Final = 256 * 1024 * 1024
"""Bytes of activities that are arriving, or wait for what is answered about them."""


class Bodies:
    """Counts what has arrived, not what was announced: who sends nothing takes no room from others."""

    def __init__(self, most: int) -> None:
        self._most = most
        self.taken = 0
        """Bytes in memory now."""

    @contextmanager
    def held(self) -> Iterator[Callable[[int], None]]:
        """Hold one body: the value is told the size of each part, and raises `Busy` when it is too much."""
        own = 0

        def grow(size: int) -> None:
            nonlocal own
            if self.taken + size > self._most:
                raise Busy("too much is arriving")
            self.taken += size
            own += size

        try:
            yield grow
        finally:
            self.taken -= own
