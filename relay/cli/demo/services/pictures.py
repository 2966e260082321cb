"""The pictures of the demo: made by arithmetic, harmless, each with what services know a picture by."""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from PIL import Image

from relay.adapters.media.canary import CANARY_SEED, clean_picture, encoded, photograph
from relay.adapters.media.hashing import Limits
from relay.adapters.media.pictures import hash_picture
from relay.domain.media import Decoded

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

WIDTH, HEIGHT = 320, 240
CANARY: Final = "canary"
WEBP: Final = "webp"
_LIMITS: Final = Limits(10_000_000)


@dataclass(frozen=True, slots=True)
class Picture:
    """A file, its SHA-256 in hex, and its PDQ hash (32 bytes)."""

    name: str
    media_type: str
    content: bytes
    sha256: str
    pdq: bytes

    def near(self, bits: int) -> bytes:
        """Return a hash that is so many bits away."""
        return (int.from_bytes(self.pdq, "big") ^ ((1 << bits) - 1)).to_bytes(32, "big")


def make_pictures(names: Iterable[str]) -> Mapping[str, Picture]:
    """Make a picture for each name. Takes a second or two: call it in a thread."""
    return {name: _picture(name) for name in names}


def _picture(name: str) -> Picture:
    content = _content(name)
    decoded = hash_picture(content, _LIMITS)
    if not isinstance(decoded, Decoded):
        raise TypeError(decoded)
    digest = hashlib.sha256(content).hexdigest()
    return Picture(name, decoded.media_type, content, digest, decoded.frames[0].pdq)


def _content(name: str) -> bytes:
    if name == CANARY:
        return encoded(Image.fromarray(photograph(CANARY_SEED)), "JPEG", quality=90)
    plain = clean_picture(f"demo of services: {name}", width=WIDTH, height=HEIGHT)
    return plain if name != WEBP else encoded(Image.open(io.BytesIO(plain)), "WEBP", quality=80)
