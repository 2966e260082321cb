"""Files of submitters in memory: so many bytes in all, and of one server, and not one more.

Room is taken before the first byte is read, by the size that was announced; a file that finds none is refused then, so
whether there was room says nothing about what is in the file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from relay.domain.errors import Busy, TooMany

if TYPE_CHECKING:
    from collections.abc import Collection
    from types import TracebackType

FULL_FOR = 20
"""Seconds after which a submitter should try again that found no room."""


class Place:
    """Room for one file. Leaving the `with` gives it back, unless the file was left in it."""

    def __init__(self, room: Room, server: str, size: int) -> None:
        self._room, self.server, self.size = room, server, size
        self._kept = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self._kept:
            self._room.give_back(self)

    def keep(self, name: str, content: bytes) -> None:
        """Leave a file here under a name until it is dropped."""
        self._kept = True
        self._room.put(name, content, self)


class Room:
    """The files in memory. `most` and `most_of_one` are bytes."""

    def __init__(self, *, most: int, most_of_one: int) -> None:
        self._most, self._most_of_one = most, most_of_one
        self._taken: dict[str, int] = {}
        self._files: dict[str, tuple[bytes, Place]] = {}

    @property
    def taken(self) -> int:
        """Bytes that are taken."""
        return sum(self._taken.values())

    def take(self, server: str, size: int) -> Place:
        """Take room for a file of at most `size` bytes. Raises `TooMany` (this server has its share), `Busy` (full)."""
        own = self._taken.get(server, 0)
        if own and own + size > self._most_of_one:
            raise TooMany("Files of this server wait already.", retry_after=FULL_FOR)
        if self.taken + size > self._most:
            raise Busy("Too many files wait already.", retry_after=FULL_FOR)
        self._count(server, size)
        return Place(self, server, size)

    def give_back(self, place: Place) -> None:
        """Give room back."""
        self._count(place.server, -place.size)

    def put(self, name: str, content: bytes, place: Place) -> None:
        """Keep a file, which is no longer than what was taken for it; what it does not need is given back."""
        self._count(place.server, len(content) - place.size)
        place.size = len(content)
        self.drop(name)
        self._files[name] = (content, place)

    @property
    def names(self) -> Collection[str]:
        """The names of the files."""
        return self._files.keys()

    def holds(self, name: str) -> bool:
        """Whether there is a file of that name."""
        return name in self._files

    def file(self, name: str) -> bytes | None:
        """Return a file."""
        held = self._files.get(name)
        return None if held is None else held[0]

    def drop(self, name: str) -> None:
        """Forget a file, if there is one."""
        held = self._files.pop(name, None)
        if held is not None:
            self.give_back(held[1])

    def _count(self, server: str, size: int) -> None:
        taken = self._taken.get(server, 0) + size
        if taken:
            self._taken[server] = taken
        else:
            self._taken.pop(server, None)  # servers that have nothing here cost nothing
