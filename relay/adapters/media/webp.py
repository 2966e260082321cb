"""WebP pictures that do not move, by libwebp. Runs inside the sandbox.

Pillow reads every WebP as an animation, on two canvases: with it a picture of 48 megapixels took more than 1 GiB.
Moving ones are left to it.
"""

from __future__ import annotations

from struct import unpack_from
from typing import TYPE_CHECKING, Final

from imagecodecs import webp_decode
from PIL import Image

from relay.adapters.media import formats
from relay.adapters.media.hashing import TooManyPixelsError

if TYPE_CHECKING:
    from relay.adapters.media.hashing import Limits

_MOVES: Final = 0x02
"""Of the flags of an extended file (RFC 9649 2.7)."""
_SAYS_HOW_IT_LIES: Final = {b"EXIF": "exif", b"XMP ": "xmp"}


def is_still(content: bytes) -> bool:
    """Whether the file is one picture and says so."""
    return content[12:16] != b"VP8X" or (len(content) > 20 and not content[20] & _MOVES)


def decoded(content: bytes, limits: Limits) -> Image.Image:
    """Decode the picture of a still file, not yet turned. Raises RuntimeError when it cannot be decoded."""
    TooManyPixelsError.check(*formats.webp_size(content), limits)
    image = Image.fromarray(webp_decode(content))
    at = 12
    while at + 8 <= len(content):
        kind, length = unpack_from("<4sI", content, at)
        if kind in _SAYS_HOW_IT_LIES:
            image.info[_SAYS_HOW_IT_LIES[kind]] = content[at + 8 : at + 8 + length]
        at += 8 + length + (length & 1)
    return image
