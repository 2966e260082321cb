"""Crowds: many accounts that post the same within a short time. Only new accounts count.

Each crowd has the first post's text or picture as its mark; whoever posts what is like it joins. The crowds that were
heard from last are kept, so many at most, each with its newest members.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable

    from relay.domain.waves.sighting import Picture, Sighting
    from relay.domain.waves.wording import Sketch

TEXTS: Final = 5_000
PICTURES: Final = 1_000
"""Crowds that are kept; the second is looked through one by one."""
MEMBERS: Final = 200
"""Accounts that are kept of one crowd."""
SERVERS: Final = 3
"""Servers over which a crowd is spread; on fewer it takes twice as many accounts, as a school class may be one."""
_KEYS: Final = 8
"""Hashes of a sketch under which it is found: of two near-identical texts nearly all have one of these in common."""
_FEW: Final = 3
"""Of these, how many two texts have in common before they are compared."""
_TRIED: Final = 3
"""Crowds that a text is compared with."""
_COMMON: Final = 16
"""Crowds under one hash; a word that more of them have says nothing."""

Mark = TypeVar("Mark")


@dataclass(frozen=True, slots=True)
class Crowd:
    """A crowd that is a wave: how many accounts on how many servers, and the ids of their posts, oldest first."""

    accounts: int
    servers: int
    posts: tuple[str, ...]


@dataclass(slots=True)
class _Gathering(Generic[Mark]):
    mark: Mark
    members: OrderedDict[str, tuple[str, str, float]] = field(default_factory=OrderedDict)

    def join(self, seen: Sighting, *, accounts: int, within: float) -> Crowd | None:
        """Let an account join, and see whether there are enough of them by now."""
        if seen.account not in self.members:
            self.members[seen.account] = (seen.server, seen.object_id, seen.at)
        while self.members and (
            len(self.members) > MEMBERS or next(iter(self.members.values()))[2] < seen.at - within
        ):
            self.members.popitem(last=False)
        servers = {server for server, _, _ in self.members.values()}
        enough = accounts if len(servers) >= SERVERS else 2 * accounts
        if len(self.members) < enough:
            return None
        posts = tuple(post for _, post, _ in self.members.values() if post != seen.object_id)
        return Crowd(len(self.members), len(servers), posts)


class TextCrowds:
    """Finds who posts near-identical texts."""

    def __init__(self, most: int = TEXTS) -> None:
        self._most, self._last = most, 0
        self._crowds: OrderedDict[int, _Gathering[Sketch]] = OrderedDict()
        self._index: dict[int, dict[int, None]] = {}

    def see(
        self, seen: Sighting, text: Sketch, *, accounts: int, within: float
    ) -> tuple[Sketch, Crowd] | None:
        """Take note of a post by a new account; return the crowd that it made a wave, and its mark."""
        number = self._like(text) or self._new(text)
        self._crowds.move_to_end(number)
        gathering = self._crowds[number]
        found = gathering.join(seen, accounts=accounts, within=within)
        return None if found is None else (gathering.mark, found)

    def _like(self, text: Sketch) -> int | None:
        votes: dict[int, int] = {}
        for value in text.values[:_KEYS]:
            for number in self._index.get(value, ()):
                votes[number] = votes.get(number, 0) + 1
        few = min(_FEW, len(text.values))
        likely = sorted((number for number in votes if votes[number] >= few), key=votes.__getitem__)[-_TRIED:]
        return next((one for one in reversed(likely) if self._crowds[one].mark.alike(text)), None)

    def _new(self, text: Sketch) -> int:
        self._last += 1
        self._crowds[self._last] = _Gathering(text)
        for value in text.values[:_KEYS]:
            under = self._index.setdefault(value, {})
            if len(under) < _COMMON:
                under[self._last] = None
        while len(self._crowds) > self._most:
            self._forget(*self._crowds.popitem(last=False))
        return self._last

    def _forget(self, number: int, gathering: _Gathering[Sketch]) -> None:
        for value in gathering.mark.values[:_KEYS]:
            under = self._index[value]
            under.pop(number, None)
            if not under:
                del self._index[value]

    def __len__(self) -> int:
        return len(self._crowds)


class PictureCrowds:
    """Finds who posts the same picture."""

    def __init__(self, most: int = PICTURES) -> None:
        self._most = most
        self._crowds: OrderedDict[Picture, _Gathering[Picture]] = OrderedDict()

    def see(
        self, seen: Sighting, pictures: Iterable[Picture], *, accounts: int, within: float
    ) -> tuple[Picture, Crowd] | None:
        """Take note of the pictures of a post by a new account; return the first crowd that they made a wave."""
        for picture in pictures:
            gathering = self._gathering(picture)
            found = gathering.join(seen, accounts=accounts, within=within)
            if found is not None:
                return gathering.mark, found
        return None

    def _gathering(self, picture: Picture) -> _Gathering[Picture]:
        mark = picture if picture in self._crowds else next(filter(picture.alike, self._crowds), None)
        if mark is None:
            mark = picture
            self._crowds[mark] = _Gathering(mark)
            while len(self._crowds) > self._most:
                self._crowds.popitem(last=False)
        self._crowds.move_to_end(mark)
        return self._crowds[mark]

    def __len__(self) -> int:
        return len(self._crowds)
