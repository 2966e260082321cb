"""JPEG XL pictures, by libjxl. Runs inside the sandbox."""

from __future__ import annotations

from struct import unpack_from
from typing import TYPE_CHECKING, Final

import numpy as np
from imagecodecs import jpegxl_decode
from PIL import Image

from relay.adapters.media.hashing import Frame, TooManyPixelsError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    import numpy.typing as npt

    from relay.adapters.media.hashing import Findings

_RATIOS: Final = ((1, 1), (12, 10), (4, 3), (3, 2), (16, 9), (5, 4), (2, 1))
"""Width to height of `ratio` 1 to 7 (ISO/IEC 18181-1 D.2)."""


def frames(content: bytes, findings: Findings) -> Iterator[Frame]:
    """The picture, or the frames of an animation; turned as the file says.

    An animation is decoded as a whole, so one that is long for its size runs into the limit of memory. Raises
    ValueError without a header.
    """
    TooManyPixelsError.check(*size(content), findings.limits)
    pixels: npt.NDArray[Any] = np.asarray(jpegxl_decode(content, numthreads=1))
    # One picture has two or three axes, an animation one more; colours are the last of three or four.
    has_colours = pixels.shape[-1] <= 4
    still = 3 if has_colours else 2
    every = pixels if pixels.ndim > still else pixels[None]
    most = findings.limits.max_frames
    numbers = np.linspace(0, len(every) - 1, min(most, len(every))).round().astype(int)
    for number in numbers:
        image = Image.fromarray(_eight_bits(every[number]))
        yield Frame(image, image.size)


def _eight_bits(pixels: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
    if pixels.dtype == np.uint16:
        pixels = pixels >> 8
    elif pixels.dtype != np.uint8:
        pixels = np.clip(np.nan_to_num(pixels), 0, 1) * 255
    if pixels.ndim == 3 and pixels.shape[2] == 1:
        pixels = pixels[:, :, 0]
    return np.ascontiguousarray(pixels, np.uint8)


def size(content: bytes) -> tuple[int, int]:
    """Width and height that the header gives (ISO/IEC 18181-1 D.2). Raises ValueError when there is none."""
    stream = _codestream(content)
    if len(stream) < 12:
        raise ValueError("truncated before the size")
    bits = _Bits(int.from_bytes(stream[2:12], "little"))
    is_small = bits.take(1)
    height = _side(bits, is_small)
    ratio = bits.take(3)
    if ratio == 0:
        return _side(bits, is_small), height
    across, down = _RATIOS[ratio - 1]
    return height * across // down, height


class _Bits:
    """Bits, the least significant first."""

    def __init__(self, value: int) -> None:
        self._value = value

    def take(self, count: int) -> int:
        found = self._value & ((1 << count) - 1)
        self._value >>= count
        return found


def _side(bits: _Bits, is_small: int) -> int:
    if is_small:
        return (bits.take(5) + 1) * 8
    return bits.take((9, 13, 18, 30)[bits.take(2)]) + 1


def _codestream(content: bytes) -> bytes:
    """The beginning of the codestream: the content itself, or that of the first box that has one (18181-2 9)."""
    if content.startswith(b"\xff\x0a"):
        return content[:16]
    at = 0
    while at + 8 <= len(content):
        length, kind = unpack_from(">I4s", content, at)
        head = 8
        if length == 1 and at + 16 <= len(content):
            length, head = unpack_from(">Q", content, at + 8)[0], 16
        if kind in {b"jxlc", b"jxlp"}:
            start = at + head + (4 if kind == b"jxlp" else 0)
            return content[start : start + 16]
        if length < 8:
            break
        at += length
    raise ValueError("truncated before the picture")
