"""Files that the operator names in the configuration, read off the loop and bounded."""

from __future__ import annotations

import asyncio
from pathlib import Path

from relay.domain.errors import NotFound, TooLarge


async def read_file(path: str, limit: int) -> bytes:
    """Return a file of at most `limit` bytes. Raises `NotFound` (`no-file`) and `TooLarge`."""
    return await asyncio.to_thread(_read, Path(path), limit)


def _read(path: Path, limit: int) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(limit + 1)
    except OSError as error:
        raise NotFound(f"{path} cannot be read: {error.strerror}", code="no-file") from error
    if len(content) > limit:
        raise TooLarge(f"{path} is larger than {limit} bytes")
    return content
