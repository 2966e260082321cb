"""Pictures made by arithmetic, for tests, for `assay demo` and for operators who want to see a match.

No photograph went into them: they are sums of smooth random fields, in the public domain (CC0). The random
bytes are SHAKE-256 of a name and the sums are whole numbers, so the pixels are the same on every machine;
encoded bytes (JPEG, WebP, AVIF ...) change with the encoder's version and are recognised by their PDQ.
"""

from __future__ import annotations

import hashlib
import io
import struct
import zlib
from functools import cache
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt
from PIL import Image

if TYPE_CHECKING:
    from collections.abc import Mapping

Bytes = npt.NDArray[np.uint8]

CANARY_SEED: Final = "assay canary 1"
WIDTH: Final = 640
HEIGHT: Final = 480

_OCTAVES: Final = ((3, 16), (6, 12), (12, 8), (24, 5), (48, 3))
"""Cells along an axis, and the weight of that field: large shapes, and enough detail for quality 100."""


def photograph(seed: str, width: int = WIDTH, height: int = HEIGHT) -> Bytes:
    """A picture like a blurred photograph: uint8, shape (height, width, 3), the same for the same seed."""
    light = _fields(f"{seed}/light", width, height)
    planes = [light * 3 + _fields(f"{seed}/{colour}", width, height) for colour in ("red", "green", "blue")]
    pixels = np.stack(planes, axis=2)
    low, high = int(pixels.min()), int(pixels.max())
    # Half again as much contrast as fits, as photographs clip their lights and shadows too.
    stretched = ((pixels - low) * 384) // max(high - low, 1) - 64
    return np.ascontiguousarray(np.clip(stretched, 0, 255), np.uint8)


def _fields(seed: str, width: int, height: int) -> npt.NDArray[np.int32]:
    total = np.zeros((width, height), np.int32)  # on its side, so that all sums run along memory
    for cells, weight in _OCTAVES:
        points = _noise(f"{seed}/{cells}", cells + 1)
        total += _stretch(_stretch(points, height).T * weight, width) >> 8
    return total.T


def _noise(seed: str, side: int) -> npt.NDArray[np.int32]:
    drawn = hashlib.shake_256(seed.encode()).digest(side * side)
    return np.frombuffer(drawn, np.uint8).reshape(side, side).astype(np.int32)


def _stretch(points: npt.NDArray[np.int32], size: int) -> npt.NDArray[np.int32]:
    """Linear interpolation of the rows to `size` rows, in whole numbers of 1/16."""
    place = np.arange(size) * ((points.shape[0] - 1) * 16) // size
    cell, part = place // 16, (place % 16)[:, None]
    steps = (points[1:] - points[:-1])[cell]
    return np.asarray(points[cell] * 16 + steps * part.astype(np.int32), np.int32)


@cache
def canary_pictures() -> Mapping[str, bytes]:
    """The canary in every format and colour mode, by file name. All match the built-in list `canary`."""
    rgb = Image.fromarray(photograph(CANARY_SEED))
    grey16 = np.asarray(rgb.convert("L")).astype(np.uint16) * 257
    see_through = rgb.copy()
    see_through.putalpha(Image.linear_gradient("L").resize(rgb.size).point(lambda value: 192 + value // 4))
    return {
        "canary.jpg": encoded(rgb, "JPEG", quality=90),
        "canary.png": encoded(rgb, "PNG"),
        "canary.webp": encoded(rgb, "WEBP", quality=90),
        "canary.gif": encoded(rgb, "GIF"),
        "canary-last-frame.gif": animation(rgb, "GIF"),
        "canary-exif-6.jpg": turned(rgb, 6),
        "canary-cmyk.jpg": encoded(rgb.convert("CMYK"), "JPEG", quality=95),
        "canary-palette.png": encoded(few_colours(rgb), "PNG"),
        "canary-16-bit.png": encoded(Image.fromarray(grey16), "PNG"),
        "canary-alpha.png": encoded(see_through, "PNG"),
        "canary.avif": encoded(rgb, "AVIF", quality=85, speed=9),
        "canary.bmp": encoded(rgb, "BMP"),
        "canary.tiff": encoded(rgb, "TIFF"),
        "canary-ycbcr.tiff": encoded(rgb.convert("YCbCr"), "TIFF"),
    }


def clean_picture(seed: str | int, *, width: int = WIDTH, height: int = HEIGHT, kind: str = "JPEG") -> bytes:
    """A picture that matches no list; the same arguments, the same pixels. `kind` as Pillow names it."""
    return encoded(Image.fromarray(photograph(f"clean {seed}", width, height)), kind)


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    """The picture as bytes of one of Pillow's formats, with the format's own options."""
    out = io.BytesIO()
    (few_colours(image) if kind == "GIF" and image.mode == "RGB" else image).save(out, kind, **options)
    return out.getvalue()


def few_colours(image: Image.Image) -> Image.Image:
    """The picture with a palette, by the octree: a hundred times as fast as Pillow's own choice, and as near to PDQ."""
    return image.quantize(256, Image.Quantize.FASTOCTREE)


def animation(last: Image.Image, kind: str, *, before: int = 11, **options: object) -> bytes:
    """An animation of half the size: `before` other pictures, and `last` as its last frame."""
    width, height = last.width // 2, last.height // 2
    frames = [Image.fromarray(photograph(f"clean frame {number}", width, height)) for number in range(before)]
    frames.append(last.resize((width, height)))
    if kind == "GIF":
        frames = [few_colours(frame) for frame in frames]
    return encoded(frames[0], kind, save_all=True, append_images=frames[1:], duration=100, **options)


def turned(upright: Image.Image, orientation: int) -> bytes:
    """A JPEG that lies turned or mirrored and says so in its EXIF orientation, 2 to 8 (EXIF 2.32, tag 0x0112)."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    return encoded(upright.transpose(_TO_ORIENTATION[orientation]), "JPEG", quality=90, exif=exif)


_TO_ORIENTATION: Final = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}
"""How to turn an upright picture so that a reader who follows the orientation sees it upright again."""


@cache
def hostile_pictures() -> Mapping[str, bytes]:
    """Bytes that must neither crash, exhaust nor fool a decoder, by the name of the attack."""
    few = Image.fromarray(photograph("clean host")).quantize(64)
    jpeg, png = clean_picture("host"), clean_picture("host", kind="PNG")
    return {
        "bomb.png": bomb(50_000, 50_000),
        "bomb.gif": b"GIF89a\x01\x00\x01\x00\x00\x00\x00,"
        + bytes(4)
        + b"\xff\xff\xff\xff\x00\x08\x01\x00\x00;",
        "bomb.webp": b"RIFF\x1e\x00\x00\x00WEBPVP8X\x0a\x00\x00\x00\x10\x00\x00\x00\xff\xff\xff\xff\xff\xff"
        + bytes(8),
        "truncated.jpg": jpeg[: len(jpeg) // 2],
        "truncated.png": png[: len(png) // 2],
        "truncated.webp": clean_picture("host", kind="WEBP")[:-2000],
        "page.jpg": b"<!DOCTYPE html><html><body><script>alert(1)</script></body></html>",
        "empty.jpg": b"",
        "picture.svg": b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
        "polyglot.jpg": jpeg + b"<html><script>alert(1)</script></html>",
        "polyglot.png": png + b"PK\x03\x04" + bytes(64),
        "polyglot.gif": encoded(few, "GIF", comment=b"<script>alert(1)</script>"),
        "garbage.jpg": b"\xff\xd8\xff\xe0" + hashlib.shake_256(b"garbage").digest(4096),
        "garbage.bin": hashlib.shake_256(b"garbage").digest(4096),
        "flat.png": encoded(Image.new("RGB", (WIDTH, HEIGHT), "grey"), "PNG"),
        "tiny.png": encoded(Image.new("RGB", (1, 1), "grey"), "PNG"),
        "video.mp4": b"\x00\x00\x00\x18ftypisom" + bytes(64),
    }


def bomb(width: int, height: int) -> bytes:
    """A PNG of a few kilobytes that claims width x height grey pixels, with up to 100,000 black rows."""
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    rows = _packed_zeros((width + 1) * min(height, 100_000))
    return (
        b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", header) + png_chunk(b"IDAT", rows) + png_chunk(b"IEND", b"")
    )


def _packed_zeros(count: int) -> bytes:
    """`count` zero bytes as a zlib stream (RFC 1950): one block of a megabyte, repeated, without packing them all."""
    packer = zlib.compressobj(9, wbits=-15)
    block = packer.compress(bytes(1 << 20)) + packer.flush(zlib.Z_FULL_FLUSH)
    rest = packer.compress(bytes(count % (1 << 20))) + packer.flush()
    # Adler-32 of n zeros: the sum stays 1, the sum of sums is n (RFC 1950 8.2).
    checksum = struct.pack(">HH", count % 65_521, 1)
    return b"\x78\xda" + block * (count >> 20) + rest + checksum


def png_chunk(kind: bytes, content: bytes) -> bytes:
    """A chunk with its length and checksum (PNG 3rd edition, 5.3)."""
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
