"""Makes the files of the kit, with their PDQ as the relay's own decoder sees it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from relay.adapters.kit.table import recipes
from relay.adapters.media.hashing import Limits
from relay.adapters.media.videos import hash_sniffed
from relay.adapters.scanners.canary import canary_entries
from relay.domain.hashlist import HashAlgorithm
from relay.domain.lab.kit import Fingerprint, KitFile
from relay.domain.media import Decoded

if TYPE_CHECKING:
    from collections.abc import Sequence

    from relay.domain.lab.kit import Plan
    from relay.domain.media import FrameHash

_LIMITS: Final = Limits(100_000_000)
"""As `media.max_pixels` has it by default."""


def plans() -> tuple[Plan, ...]:
    """Every file that can be made here, in the order in which people read them."""
    return tuple(recipe.plan for recipe in recipes().values())


def make(plan: Plan) -> KitFile:
    """Make a file. Takes up to a second, the first time a few: call it in a thread."""
    content = recipes()[plan.name].make()
    decoded = hash_sniffed(content, _LIMITS)
    found = None
    if isinstance(decoded, Decoded) and decoded.unseen is None:
        listed = [entry.value for entry in canary_entries() if entry.algorithm is HashAlgorithm.PDQ]
        nearest = min(decoded.frames, key=lambda frame: distance(frame, listed))
        found = Fingerprint(nearest.pdq, nearest.quality)
    return KitFile(plan, content, found)


def distance(frame: FrameHash, listed: Sequence[str]) -> int:
    """Bits between a frame, in whichever turn, and the nearest of some PDQ hashes in hex."""
    values = [int(value, 16) for value in listed]
    return min((int.from_bytes(one) ^ value).bit_count() for one in frame.dihedral for value in values)
