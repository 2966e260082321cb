"""pHash, 64 bits, as the library `imagehash` makes it: the lists that carry it were made with that.

The picture is resized to 32 x 32 in luminance, the 8 x 8 lowest frequencies of its cosine transform are kept, the
constant one among them, and a bit is set where one is above the median. This is the library's arithmetic with the
transform as a matrix: tests/unit/adapters/media/test_phash.py compares the two.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from PIL import Image

SIDE: Final = 32
FREQUENCIES: Final = 8

_DCT: Final = np.cos(
    np.pi / (2 * SIDE) * np.arange(FREQUENCIES)[:, None] * (2 * np.arange(SIDE)[None, :] + 1)
)
"""Rows 0..7 of the 32-point DCT-II; how it is scaled makes no difference to what is above the median."""


def hash_grey(grey: Image.Image) -> bytes:
    """The pHash of a picture of mode L, most significant bit first, as the library prints it in hex."""
    small = np.asarray(grey.resize((SIDE, SIDE), Image.Resampling.LANCZOS), np.float64)
    low = (_DCT @ small @ _DCT.T).ravel()
    middle = low.size // 2
    below, above = np.partition(low, (middle - 1, middle))[middle - 1 : middle + 1]
    return np.packbits(low > (below + above) / 2).tobytes()
