"""Files as people have them, made of patterns: every format that a browser opens, turned, see-through, odd."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from relay.adapters.kit.videos import CANARY, HARMLESS, RECODED, video

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt


def pattern(width: int, height: int, number: int = 0) -> npt.NDArray[np.uint8]:
    """Pixels that the page can make, too (PATTERN): triangles of several lengths, RGB."""
    y, x = np.mgrid[0:height, 0:width].astype(np.int64)
    waves = (
        (x + 2 * y + 31 * number, 97),
        (3 * x + y * (1 + number % 7), 301),
        ((x * y) // 500 + 37 * number, 200),
    )
    channels = [np.abs(value % (2 * length) - length) * 255 // length for value, length in waves]
    return np.dstack(channels).astype(np.uint8)


PATTERN = """
const [width, height] = [arguments[0], arguments[1]];
const wave = (value, length) => Math.floor(Math.abs(value % (2 * length) - length) * 255 / length);
function rows(top, count) {
  const rgba = new Uint8ClampedArray(width * count * 4).fill(255);
  for (let y = top, at = 0; y < top + count; y += 1) {
    for (let x = 0; x < width; x += 1, at += 4) {
      rgba[at] = wave(x + 2 * y, 97);
      rgba[at + 1] = wave(3 * x + y, 301);
      rgba[at + 2] = wave(Math.floor((x * y) / 500), 200);
    }
  }
  return rgba;
}
"""


def _saved(image: Image.Image, form: str, **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, form, **options)
    return out.getvalue()


def _turned(orientation: int) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return _saved(_image(500, 300, 30 + orientation), "JPEG", quality=92, exif=exif)


def _image(width: int, height: int, number: int) -> Image.Image:
    return Image.fromarray(pattern(width, height, number))


def _see_through() -> Image.Image:
    image = _image(400, 300, 1).convert("RGBA")
    alpha = np.full((300, 400), 255, np.uint8)
    alpha[40:160, 60:300] = 0
    image.putalpha(Image.fromarray(alpha))
    return image


def equal() -> Mapping[str, bytes]:
    """Files whose pixels are the same to every decoder, each of another picture."""
    return {
        "plain.png": _saved(_image(640, 480, 2), "PNG"),
        "odd.png": _saved(_image(331, 277, 3), "PNG"),
        "narrow.png": _saved(_image(9, 800, 4), "PNG"),
        "large.png": _saved(_image(2100, 1700, 5), "PNG"),
        "grey.png": _saved(_image(640, 480, 6).convert("L"), "PNG"),
        "palette.png": _saved(_image(640, 480, 7).quantize(64), "PNG"),
        "see-through.png": _saved(_see_through(), "PNG"),
        "lossless.webp": _saved(_image(640, 480, 8), "WEBP", lossless=True),
        "still.gif": _saved(_image(640, 480, 9).quantize(64), "GIF"),
    }


def alike() -> Mapping[str, bytes]:
    """Files that decoders may understand a little differently."""
    frames = [_image(320, 240, 40 + number).quantize(64) for number in range(5)]
    moving = [_image(320, 240, 50 + number) for number in range(40)]
    return {
        "plain.jpg": _saved(_image(640, 480, 11), "JPEG", quality=85),
        "progressive.jpg": _saved(_image(640, 480, 12), "JPEG", quality=85, progressive=True),
        "grey.jpg": _saved(_image(640, 480, 13).convert("L"), "JPEG", quality=85),
        "cmyk.jpg": _saved(_image(640, 480, 14).convert("CMYK"), "JPEG", quality=92),
        "12-mp.jpg": _saved(_image(4000, 3000, 15), "JPEG", quality=80),
        "lossy.webp": _saved(_image(640, 480, 16), "WEBP", quality=80),
        "moving.gif": _saved(frames[0], "GIF", save_all=True, append_images=frames[1:], duration=100),
        "moving.webp": _saved(moving[0], "WEBP", save_all=True, append_images=moving[1:], duration=40),
        "plain.avif": _saved(_image(640, 480, 17), "AVIF", quality=80),
        **{f"turned-{one}.jpg": _turned(one) for one in range(2, 9)},
    }


def many(count: int) -> Mapping[str, bytes]:
    """Many small pictures, each with a name that would give somebody away."""
    return {f"anna-{number}.jpg": _saved(_image(320, 240, number), "JPEG") for number in range(count)}


def films() -> Mapping[str, bytes]:
    """The videos of the canary kit."""
    return {name: video(name) for name in (CANARY, RECODED, HARMLESS)}
