"""A post as the detectors of waves see it: who posts, how new he is, what it says, shows and whom it mentions."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from relay.domain.media import PDQ_MIN_QUALITY, PDQ_RADIUS
from relay.domain.waves.wording import Sketch, sketch_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from relay.domain.attachments import Document
    from relay.domain.media import FrameHash

PICTURES: Final = 8
"""Pictures that are looked at of one post."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A file: the SHA-256 of its bytes in hex, and its PDQ hash as a number, None where there is none of use."""

    digest: str
    pdq: int | None = None

    def alike(self, other: Picture) -> bool:
        """Whether both show the same: the same bytes, or perceptual hashes within the radius of matches."""
        if self.digest == other.digest:
            return True
        if self.pdq is None or other.pdq is None:
            return False
        return (self.pdq ^ other.pdq).bit_count() <= PDQ_RADIUS


def picture_of(digest: str, frame: FrameHash | None) -> Picture:
    """The picture of some bytes; a frame without detail looks like any other and says nothing."""
    if frame is None or frame.quality < PDQ_MIN_QUALITY:
        return Picture(digest)
    return Picture(digest, int.from_bytes(frame.pdq))


@dataclass(frozen=True, slots=True)
class Sighting:
    """A post by `account` on `server`, which came `at` (seconds since the epoch).

    `young`: the account is new, or nobody knows better. `loud`: it posts more than people do. `live`: the post was
    written just now, not kept back by an outage. `followed_at` is since when its server takes part, None when it does
    not. `media` tells whether there is any. `mentions` are ids of accounts. `document` is read when it is asked for.
    """

    object_id: str
    account: str
    server: str
    at: float
    young: bool
    loud: bool = False
    live: bool = True
    followed_at: float | None = None
    media: bool = False
    pictures: tuple[Picture, ...] = ()
    mentions: frozenset[str] = frozenset()
    document: Document = field(default_factory=dict, repr=False, compare=False)
    _read: list[Sketch | None] = field(default_factory=list, repr=False, compare=False)

    @property
    def text(self) -> Sketch | None:
        """What the post says, read once: most posts are by accounts whose words are never compared."""
        if not self._read:
            self._read.append(sketch_of(self.document))
        return self._read[0]


def some(pictures: Iterable[Picture]) -> tuple[Picture, ...]:
    """The first few different pictures."""
    return tuple(dict.fromkeys(pictures))[:PICTURES]
