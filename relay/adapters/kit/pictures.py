"""Pictures of the kit that the canary itself does not come in: variants, changed copies, and what cannot be read."""

from __future__ import annotations

import struct
import zlib
from functools import cache
from typing import TYPE_CHECKING, Final

import numpy as np
from PIL import Image

from relay.adapters.media.canary import (
    CANARY_SEED,
    HEIGHT,
    WIDTH,
    bomb,
    encoded,
    photograph,
    png_chunk,
)

if TYPE_CHECKING:
    from relay.adapters.media.canary import Bytes

HARMLESS: Final = "harmless"
"""Seed of the picture that matches no list."""

HUGE: Final = 12_000
"""Width and height of the huge picture: 144 million pixels, more than `media.max_pixels` allows by default."""

_ADAM7: Final = (
    (0, 0, 8, 8),
    (0, 4, 8, 8),
    (4, 0, 8, 4),
    (0, 2, 4, 4),
    (2, 0, 4, 2),
    (0, 1, 2, 2),
    (1, 0, 2, 1),
)
"""First row, first column, and steps down and across of each pass (PNG 3rd edition, 8.2)."""

_CAPTION: Final = 15
"""Rows of the bar over a captioned picture: enough for a PDQ 22 bits away, in the middle of what is near."""


@cache
def canary() -> Image.Image:
    """The canary, RGB. Not to be changed."""
    return Image.fromarray(photograph(CANARY_SEED))


@cache
def harmless() -> Image.Image:
    """A picture that matches no list, RGB. Not to be changed."""
    return Image.fromarray(photograph(f"clean {HARMLESS}", WIDTH // 2, HEIGHT // 2))


def half() -> Image.Image:
    """The canary at half its size."""
    return canary().resize((WIDTH // 2, HEIGHT // 2))


def jpeg(image: Image.Image, quality: int = 90, **options: object) -> bytes:
    """The picture as a JPEG."""
    return encoded(image, "JPEG", quality=quality, **options)


def png(image: Image.Image) -> bytes:
    """The picture as a PNG."""
    return encoded(image, "PNG")


def interlaced(image: Image.Image) -> bytes:
    """An RGB picture as an Adam7 PNG, which Pillow reads and does not write."""
    pixels = np.asarray(image)
    rows = bytearray()
    for top, left, down, across in _ADAM7:
        for line in pixels[top::down, left::across]:
            rows += b"\0" + line.tobytes()  # filter 0: the bytes as they are
    header = struct.pack(">IIBBBBB", image.width, image.height, 8, 2, 0, 0, 1)
    parts = (b"IHDR", header), (b"IDAT", zlib.compress(bytes(rows), 9)), (b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(png_chunk(kind, content) for kind, content in parts)


def second() -> bytes:
    """A JPEG behind which another stands, as phones write previews and gain maps: the canary is the second."""
    return jpeg(harmless()) + jpeg(half())


def captioned() -> bytes:
    """The canary under a black bar, as if somebody had written a line over it."""
    pixels = np.array(half())
    pixels[-_CAPTION:] = 0
    return png(Image.fromarray(pixels))


def cropped() -> bytes:
    """The left half of the canary."""
    return png(half().crop((0, 0, WIDTH // 4, HEIGHT // 2)))


def negative() -> bytes:
    """The canary with every value turned round."""
    return png(Image.fromarray(255 - np.asarray(half())))


def drawing() -> bytes:
    """An SVG that shows the canary as a mosaic. Text only: no script, no reference."""
    tile = 20
    blocks: Bytes = np.asarray(canary())[tile // 2 :: tile, tile // 2 :: tile]
    rows = "".join(
        f'<path fill="#{bytes(colour).hex()}" d="M{x * tile} {y * tile}h{tile}v{tile}h-{tile}z"/>\n'
        for y, line in enumerate(blocks)
        for x, colour in enumerate(line)
    )
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}">\n'
    return f"{head}{rows}</svg>\n".encode()


def huge() -> bytes:
    """A PNG with more pixels than are decoded, small in bytes: all of them are black."""
    return bomb(HUGE, HUGE)


def truncated() -> bytes:
    """The first half of a JPEG of the canary."""
    whole = jpeg(canary())
    return whole[: len(whole) // 2]


def corrupt() -> bytes:
    """A PNG in the right chunks, whose pixels were overwritten before the checksum was taken."""
    header = struct.pack(">IIBBBBB", WIDTH, HEIGHT, 8, 2, 0, 0, 0)
    parts = (b"IHDR", header), (b"IDAT", b"\x78\x9c" + bytes(range(256)) * 16), (b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(png_chunk(kind, content) for kind, content in parts)


def page() -> bytes:
    """A web page under a picture's name."""
    return b'<!doctype html>\n<html lang="en"><title>Not a picture</title><p>This is a web page.</html>\n'


def flat() -> bytes:
    """A picture without detail: a perceptual hash of it would match anything flat."""
    return png(Image.new("RGB", (WIDTH, HEIGHT), (96, 128, 160)))
