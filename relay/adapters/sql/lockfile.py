"""The file beside the embedded database that is locked for as long as a relay runs on it."""

from __future__ import annotations

import fcntl
import os
from typing import IO, TYPE_CHECKING

from relay.domain.errors import Conflict

if TYPE_CHECKING:
    from pathlib import Path


class LockFile:
    """The lock of one database. It ends with the process that holds it, however that ends."""

    def __init__(self, database: Path) -> None:
        self._database, self._path = database, database.with_suffix(".lock")
        self._held: IO[bytes] | None = None

    def take(self) -> None:
        """Keep every relay away until `release`. Raises `Conflict` when one runs."""
        held = self._path.open("ab")  # whoever holds the lock has written into it
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            held.close()
            message = f"another relay runs on {self._database}"
            raise Conflict(message, code="already-running") from None
        held.truncate(0)
        held.write(f"{os.getpid()}\n".encode())
        held.flush()
        self._held = held

    def release(self) -> None:
        """Give the lock back; nothing when it is not held."""
        if self._held is not None:
            self._held.close()
            self._held = None

    def is_taken(self) -> bool:
        """Whether a relay runs on the database, here or in another process."""
        try:
            with self._path.open("rb") as lock:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except FileNotFoundError:
            return False
        except OSError:
            return True
        return False

    def owner(self) -> int | None:
        """Return the id of the process that holds the lock; None when there is none, or it did not say."""
        if not self.is_taken():
            return None
        text = self._path.read_text(encoding="ascii").strip()
        return int(text) if text.isdigit() else None
