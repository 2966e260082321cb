"""The machine's clock and generators. No other file reads time, randomness or makes identifiers."""

from __future__ import annotations

import asyncio
import random
import secrets
import time


class SystemClock:
    """Port `Clock` on the operating system. Without state: one serves everybody, in any thread."""

    def now(self) -> float:
        """Seconds since the Unix epoch. May jump when the machine's clock is set."""
        return time.time()

    def monotonic(self) -> float:
        """Seconds that never go backwards, from an arbitrary start, for intervals."""
        return time.monotonic()

    def jitter(self) -> float:
        """A number in [0, 1), evenly distributed, good for spreading retries and for nothing secret."""
        return random.random()

    def new_id(self) -> str:
        """An unguessable name: 128 bits as 32 lower-case hexadecimal digits.

        Hexadecimal, because an id is also typed on a command line, where a leading `-` is an option.
        """
        return secrets.token_hex(16)

    def token(self, size: int) -> bytes:
        """`size` bytes from the system's cryptographic generator. ValueError if `size` is negative."""
        return secrets.token_bytes(size)

    async def sleep(self, seconds: float) -> None:
        """Return after `seconds`; at the next turn of the loop if that is zero or less."""
        await asyncio.sleep(seconds)
