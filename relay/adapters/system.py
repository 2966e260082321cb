"""The machine's clock and generators, and what a process asks of its interpreter and the system for a long run.

No other file reads time, randomness or makes identifiers.
"""

from __future__ import annotations

import asyncio
import gc
import random
import resource
import secrets
import time
from typing import Final

FILES: Final = 65_536
"""As in the unit file that `assay init` offers."""


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


def settle() -> None:
    """Prepare a process that has started for a long run with many connections.

    Everything that was made so far is taken for permanent: looking through it for garbage again and again was a tenth
    of the cost of a delivery (ADR 0035). What comes and goes is looked at less often: it hardly ever is a cycle. And
    `FILES` files may be open if the system lets this process have them, for a connection is one.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)
    files, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    allowed = FILES if most == resource.RLIM_INFINITY else min(FILES, most)
    if files != resource.RLIM_INFINITY and files < allowed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, most))
