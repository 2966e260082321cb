"""HEIC pictures, by libheif: every picture at the top of the file, and their thumbnails. Runs inside the sandbox.

Thumbnails count because servers make their previews of them (libvips does, where one is large enough).
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any, Final

import pillow_heif
from PIL import Image

from relay.adapters.media.hashing import Frame, TooManyPixelsError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from relay.adapters.media.hashing import Findings, Limits

THUMBNAILS: Final = 4
"""Most thumbnails of one picture; cameras write one."""

# It starts threads, which the sandbox forbids. Depth maps and the like are shown by nobody.
pillow_heif.options.DECODE_THREADS = 0
pillow_heif.options.DEPTH_IMAGES = False
pillow_heif.options.AUX_IMAGES = False


def frames(content: bytes, findings: Findings) -> Iterator[Frame]:
    """The pictures, the primary one first, each followed by its thumbnails."""
    limits = findings.limits
    opened: Any = pillow_heif.HeifFile(io.BytesIO(content), convert_hdr_to_8bit=True)  # type: ignore[no-untyped-call]
    order = sorted(range(len(opened)), key=lambda number: number != opened.primary_index)
    for number in order[: limits.max_frames]:
        picture = opened[number]
        yield _decoded(picture, limits)
        for small in range(min(len(picture.info.get("thumbnails", ())), THUMBNAILS)):
            yield _decoded(picture.get_thumbnail(small), limits)


def _decoded(picture: Any, limits: Limits) -> Frame:
    """Decode one. libheif turns and mirrors it as the file says, whatever EXIF says besides."""
    width, height = picture.size
    TooManyPixelsError.check(width, height, limits)
    data = picture.data
    image = Image.frombytes(picture.mode, picture.size, data, "raw", picture.mode, picture.stride)
    return Frame(image, image.size)
