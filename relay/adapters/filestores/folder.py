"""A folder with everything under it, as a file store. Opened for reading only; no link is followed.

Every file is reached from the folder's own descriptor, name by name and never through a link, so whoever can write
into the tree cannot lead the scan out of it. Directories are listed one at a time, in the order of their names.
"""

from __future__ import annotations

import asyncio
import errno
import os
import stat
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, Self

from relay.domain.errors import StoreTrouble
from relay.domain.storescan import StoredFile

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Sequence
    from pathlib import Path
    from types import TracebackType

_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
"""Without waiting, so that a pipe among the files holds nobody up."""
_UNMARKED: Final = getattr(os, "O_NOATIME", 0)
"""Leaves the time of the last access as it is, where this user may."""
_REASONS: Final = {
    errno.ENOENT: "gone",
    errno.ENOTDIR: "gone",
    errno.EACCES: "no-permission",
    errno.EPERM: "no-permission",
    errno.ELOOP: "link",
    errno.ENXIO: "not-a-file",
}


class FolderStore:
    """Port `FileStore` over a folder, or over a single file. Use it as a context manager; opening raises OSError."""

    def __init__(self, path: Path, *, at_once: int) -> None:
        self._path = path.resolve(strict=True)
        self._only: str | None = None
        if not self._path.is_dir():
            self._path, self._only = self._path.parent, self._path.name
        self._at_once = at_once

    def __enter__(self) -> Self:
        self._root = os.open(self._path, _FOLDER)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._root)

    @property
    def at_once(self) -> int:
        """How many reads at the same time are of use."""
        return self._at_once

    async def files(self, after: str | None) -> AsyncIterator[StoredFile]:
        """List everything below that is no folder, each folder in the order of its names."""
        async for found in self._below((), () if after is None else tuple(after.split("/"))):
            yield found

    async def read(self, file: StoredFile, limit: int) -> bytes:
        """Return a file; see the port."""
        return await asyncio.to_thread(self._read, file.name.split("/"), limit)

    def place_of(self, name: str) -> str:
        """Return the file's path."""
        return f"{str(self._path).rstrip('/')}/{name}"

    async def _below(self, folder: tuple[str, ...], after: tuple[str, ...]) -> AsyncIterator[StoredFile]:
        try:
            entries = await asyncio.to_thread(self._entries, folder)
        except OSError as error:
            if not folder:
                raise StoreTrouble(
                    f"{self._path}: {error.strerror}", code="unreachable", temporary=True
                ) from error
            if after != ("",):  # else it was told before
                yield StoredFile("/".join((*folder, "")), 0, 0.0, _reason(error))
            return
        for name, is_folder in entries:
            if after and name < after[0]:
                continue
            rest = after[1:] if after and name == after[0] else ()
            if is_folder:
                async for found in self._below((*folder, name), rest):
                    yield found
            elif not after or name > after[0]:
                yield self._stored((*folder, name))

    def _entries(self, folder: tuple[str, ...]) -> list[tuple[str, bool]]:
        with self._opened(folder, _FOLDER) as descriptor, os.scandir(descriptor) as found:
            entries = [(entry.name, entry.is_dir(follow_symlinks=False)) for entry in found]
        if self._only is not None:
            entries = [entry for entry in entries if entry[0] == self._only]
        entries.sort()
        return entries

    def _stored(self, parts: Sequence[str]) -> StoredFile:
        name = "/".join(parts)
        try:
            with self._opened(parts[:-1], _FOLDER) as folder:
                found = os.stat(parts[-1], dir_fd=folder, follow_symlinks=False)
        except OSError as error:
            return StoredFile(name, 0, 0.0, _reason(error))
        trouble = None
        if not stat.S_ISREG(found.st_mode):
            trouble = "link" if stat.S_ISLNK(found.st_mode) else "not-a-file"
        return StoredFile(name, found.st_size, found.st_mtime, trouble)

    def _read(self, parts: Sequence[str], limit: int) -> bytes:
        try:
            with self._opened(parts, _FILE) as descriptor:
                found = os.fstat(descriptor)
                if not stat.S_ISREG(found.st_mode):
                    raise StoreTrouble(code="not-a-file")
                if found.st_size > limit:
                    raise StoreTrouble(code="too-large")
                with os.fdopen(os.dup(descriptor), "rb") as file:
                    content = file.read(limit + 1)
        except OSError as error:
            raise StoreTrouble(code=_reason(error)) from error
        if len(content) > limit:
            raise StoreTrouble(code="too-large")  # it grew
        return content

    @contextmanager
    def _opened(self, parts: Sequence[str], how: int) -> Iterator[int]:
        """Open what has these names from the folder on, each without following a link. Raises OSError.

        The folder itself is opened anew each time: duplicates of a descriptor have one place in a listing together.
        """
        descriptor = _open(".", _FOLDER, self._root)
        try:
            for place, name in enumerate(parts, 1):
                if name in {"", ".", ".."}:
                    raise FileNotFoundError(errno.ENOENT, "no name of a file", name)
                above, descriptor = (
                    descriptor,
                    _open(name, how if place == len(parts) else _FOLDER, descriptor),
                )
                os.close(above)
            yield descriptor
        finally:
            os.close(descriptor)


def _open(name: str, how: int, folder: int) -> int:
    try:
        return os.open(name, how | _UNMARKED, dir_fd=folder)
    except PermissionError:
        return os.open(name, how, dir_fd=folder)  # only the owner of a file may leave its times as they are


def _reason(error: OSError) -> str:
    return _REASONS.get(error.errno or 0, "unreadable")
