"""PDQ, the 256-bit perceptual hash of ThreatExchange, in numpy.

Source: the paper "PDQ & TMK + PDQF" and the C++ reference (facebook/ThreatExchange, pdq/cpp). The reference
blurs the whole picture with two passes of a box filter along rows and columns, samples 64 x 64 points,
keeps the 16 x 16 lowest frequencies of its cosine transform but the constant one, and sets a bit where a
frequency is above the median.

Blurring and sampling are linear and separable, so they are one matrix per axis: `grid = rows @ luma @
columns.T`. We build those matrices once per size and never compute the blurred pixels that nobody samples.
Luminance is linear too, so it is taken after the rows were summed. This is the reference's arithmetic in
another order: it differs by float rounding only, and is faster than the reference by an order of magnitude.

A JPEG decoded at 1/2, 1/4 or 1/8 size (libjpeg scales in the cosine domain) goes through the *same* filter:
weights of the pixels that share a reduced pixel are added up (`scale` below).
tests/unit/adapters/media/test_pdq.py measures what that costs against the reference.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Bytes = npt.NDArray[np.uint8]

GRID: Final = 64
"""The picture is sampled at 64 x 64 points."""

FREQUENCIES: Final = 16
"""Lowest frequencies kept along each axis: 16 x 16 = 256 bits."""

SMALLEST: Final = 5
"""Pictures with fewer rows or columns have no hash and quality 0 (pdqhashing.cpp MIN_HASHABLE_DIM)."""

_LUMA: Final = np.array([0.299, 0.587, 0.114], np.float32)


@dataclass(frozen=True, slots=True)
class Pdq:
    """A picture's hashes, 32 bytes each, in the byte order that the reference prints in hex, and its quality.

    `dihedral`: original, turned by 90, 180, 270 degrees, flipped top to bottom, left to right, along the main
    and the other diagonal (the order of the reference); `quality` 0..100.
    """

    dihedral: tuple[bytes, ...]
    quality: int

    @property
    def hash(self) -> bytes:
        """The hash of the picture as it is."""
        return self.dihedral[0]


class Sampler:
    """Takes a picture's rows in any number of strips and ends with its 64 x 64 luminance samples.

    `width`, `height`: full size in pixels. `scale`: the strips hold the picture at 1/scale, sizes rounded up.
    """

    def __init__(self, width: int, height: int, *, scale: int = 1) -> None:
        self._rows = sampling(height, scale)
        self._columns = sampling(width, scale)
        self._sums: Floats | None = None
        self._floats = np.empty(0, np.float32)

    def add(self, top: int, strip: Bytes) -> None:
        """Account for rows from `top` on: uint8, shape (rows, width) luminance or (rows, width, 3) RGB."""
        height = strip.shape[0]
        if self._sums is None:
            self._sums = np.zeros((GRID, *strip.shape[1:]), np.float32)
        weights = self._rows[:, top : top + height]
        touched = np.flatnonzero(weights.any(axis=1))
        if touched.size:
            first, last = touched[0], touched[-1] + 1
            flat = self._as_floats(strip)
            self._sums[first:last] += (weights[first:last] @ flat).reshape(last - first, *strip.shape[1:])

    def _as_floats(self, strip: Bytes) -> Floats:
        """The strip as (rows, width * channels), in one buffer: fresh pages would cost more than the sums."""
        if self._floats.size < strip.size:
            self._floats = np.empty(strip.size, np.float32)
        flat = self._floats[: strip.size].reshape(strip.shape[0], -1)
        np.copyto(flat, strip.reshape(strip.shape[0], -1))
        return flat

    def grid(self) -> Floats:
        """The samples, shape (64, 64), 0..255, once every row was added."""
        sums = self._sums if self._sums is not None else np.zeros((GRID, self._columns.shape[1]), np.float32)
        luma = sums @ _LUMA if sums.ndim == 3 else sums
        return np.asarray(luma @ self._columns.T, np.float32)


@lru_cache(maxsize=64)
def sampling(size: int, scale: int = 1) -> Floats:
    """The matrix (64, ceil(size / scale)) that blurs and samples an axis of `size` pixels.

    downscaling.cpp: computeJaroszFilterWindowSize, box1DFloat twice, decimateFloat.
    """
    window = (size + 2 * GRID - 1) // (2 * GRID)
    ahead = (window + 2) // 2  # pixels from the centre on, as box1DFloat counts them
    centres = ((np.arange(GRID) + 0.5) * size / GRID).astype(np.int64)
    edges = np.zeros((GRID, size + 1))
    for sample, centre in enumerate(centres):
        low, high = max(0, centre + ahead - window), min(size, centre + ahead)
        inner = np.arange(low, high)
        lows, highs = np.maximum(0, inner + ahead - window), np.minimum(size, inner + ahead)
        share = 1.0 / ((high - low) * (highs - lows))
        np.add.at(edges[sample], lows, share)
        np.add.at(edges[sample], highs, -share)
    weights = np.cumsum(edges, axis=1)[:, :size]
    # Where a window ended, the running sum leaves 1e-18; zeros tell `add` which samples a strip touches.
    weights[np.abs(weights) < 1e-12] = 0.0
    matrix = np.add.reduceat(weights, np.arange(0, size, scale), axis=1).astype(np.float32)
    matrix.flags.writeable = False  # it is cached
    return np.asarray(matrix)


def _cosines() -> Floats:
    """Rows 1..16 of the 64-point DCT-II (pdqhashing.cpp dct_matrix_64); row 0, the mean, is left out."""
    frequency = np.arange(1, FREQUENCIES + 1)[:, None]
    position = 2 * np.arange(GRID)[None, :] + 1
    return np.asarray(np.sqrt(2.0 / GRID) * np.cos(np.pi / (2 * GRID) * frequency * position), np.float32)


_DCT: Final = _cosines()
_ALTERNATE: Final[Floats] = np.array([-1, 1] * (FREQUENCIES // 2), np.float32)


def quality(grid: Floats) -> int:
    """How much detail a 64 x 64 grid has, 0..100: steps between neighbours, cut to whole percents.

    pdqhashing.cpp pdqImageDomainQualityMetric.
    """
    steps = 0
    for axis in (0, 1):
        percent = np.diff(grid, axis=axis) * np.float32(100) / np.float32(255)
        steps += int(np.abs(np.trunc(percent)).sum())
    return min(steps // 90, 100)


def hash_grid(grid: Floats) -> Pdq:
    """The eight hashes and the quality of a 64 x 64 grid of luminance samples."""
    original = _DCT @ grid @ _DCT.T
    # Mirroring a picture negates its odd frequencies, and the reference's index 0 is frequency 1.
    by_row, by_column = _ALTERNATE[:, None], _ALTERNATE[None, :]
    turned = original.T
    variants = (
        original,
        turned * by_row,
        original * by_row * by_column,
        turned * by_column,
        original * by_row,
        original * by_column,
        turned,
        turned * by_row * by_column,
    )
    return Pdq(tuple(_bits(np.asarray(variant, np.float32)) for variant in variants), quality(grid))


def _bits(frequencies: Floats) -> bytes:
    """A bit per frequency above the median; the last comes first (pdqhashtypes.cpp Hash256::format)."""
    flat = frequencies.ravel()
    middle = flat.size // 2 - 1
    median = np.partition(flat, middle)[middle]  # the lower one, as torben.cpp
    return np.packbits((flat > median)[::-1]).tobytes()


def hash_pixels(pixels: Bytes) -> Pdq:
    """PDQ of a whole picture: uint8, shape (height, width) luminance or (height, width, 3) RGB."""
    height, width = pixels.shape[:2]
    if min(height, width) < SMALLEST:
        return NOTHING
    sampler = Sampler(width, height)
    for top in range(0, height, _STRIP):
        sampler.add(top, pixels[top : top + _STRIP])
    return hash_grid(sampler.grid())


_STRIP: Final = 32

NOTHING: Final = Pdq((bytes(32),) * 8, 0)
"""What the reference says of a picture too small to hash."""
