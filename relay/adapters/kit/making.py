"""Makes the kit: the bytes of its files, and their PDQ as the relay's own decoder sees it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from relay.adapters.kit.table import plans
from relay.adapters.media.pictures import Limits, hash_picture
from relay.adapters.scanners.canary import canary_entries
from relay.domain.hashlist import HashAlgorithm
from relay.domain.lab.kit import Fingerprint, KitFile
from relay.domain.media import Decoded

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from relay.adapters.kit.table import Plan
    from relay.domain.media import FrameHash

_LIMITS: Final = Limits(100_000_000)
"""As `media.max_pixels` has it by default."""


def names() -> tuple[str, ...]:
    """The name of every file that can be made here."""
    return tuple(plan.name for plan in plans())


def make_kit(only: Collection[str] | None = None) -> Iterator[KitFile]:
    """Make the files one after the other, or those named in `only`. All of them take a few seconds of one core."""
    listed = [
        bytes.fromhex(entry.value) for entry in canary_entries() if entry.algorithm is HashAlgorithm.PDQ
    ]
    for plan in plans():
        if only is None or plan.name in only:
            yield _made(plan, listed)


def _made(plan: Plan, listed: list[bytes]) -> KitFile:
    content = plan.make()
    decoded = hash_picture(content, _LIMITS)
    found = None
    if isinstance(decoded, Decoded):
        nearest = min(decoded.frames, key=lambda frame: distance(frame, listed))
        found = Fingerprint(nearest.pdq, nearest.quality)
    return KitFile(plan.name, plan.media_type, plan.title, content, plan.expected, plan.promise, found)


def distance(frame: FrameHash, listed: Collection[bytes]) -> int:
    """Bits between a frame, in whichever turn, and the nearest of some PDQ hashes."""
    return min(
        (int.from_bytes(one) ^ int.from_bytes(other)).bit_count()
        for one in frame.dihedral
        for other in listed
    )
