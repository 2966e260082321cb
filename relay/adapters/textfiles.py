"""Files that the operator names: read off the loop and bounded, and replaced as a whole."""

from __future__ import annotations

import asyncio
import os
import stat
from pathlib import Path
from tempfile import mkstemp

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


def replace_file(path: Path, content: bytes) -> Path:
    """Give a file other content, whole or not at all, also over a power cut; return where the old one is kept.

    Owner and mode stay as they are. A link stays a link: the file that it leads to is replaced. Raises OSError.
    """
    path = path.resolve()
    backup = path.with_name(f"{path.name}.bak")
    before = path.read_bytes()
    found = path.stat()
    for name, what in ((backup, before), (path, content)):
        descriptor, partial = mkstemp(prefix=f".{path.name}.", dir=path.parent)
        try:
            with os.fdopen(descriptor, "wb") as sink:
                os.fchmod(descriptor, stat.S_IMODE(found.st_mode))
                if os.geteuid() == 0:
                    os.fchown(descriptor, found.st_uid, found.st_gid)
                sink.write(what)
                sink.flush()
                os.fsync(descriptor)
            Path(partial).replace(name)
        except BaseException:
            Path(partial).unlink(missing_ok=True)
            raise
    return backup
