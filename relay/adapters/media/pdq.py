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

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Bytes = npt.NDArray[np.uint8]
Numbers = npt.NDArray[np.int64]

GRID: Final = 64
"""The picture is sampled at 64 x 64 points."""

FREQUENCIES: Final = 16
"""Lowest frequencies kept along each axis: 16 x 16 = 256 bits."""

SMALLEST: Final = 5
"""Pictures with fewer rows or columns have no hash and quality 0 (pdqhashing.cpp MIN_HASHABLE_DIM)."""

_STRIP: Final = 64
"""Rows that are summed at a time: few enough that only few samples see them."""

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
        self._rows, self._columns = sampling(height, scale), sampling(width, scale)
        self._sums: Floats | None = None
        self._floats = np.empty(0, np.float32)

    def add(self, top: int, rows: Bytes) -> None:
        """Account for rows from `top` on: uint8, shape (rows, width) luminance or (rows, width, 3) RGB."""
        if self._sums is None:
            self._sums = np.zeros((GRID, *rows.shape[1:]), np.float32)
        for start in range(0, len(rows), _STRIP):
            self._add(self._sums, top + start, rows[start : start + _STRIP])

    def _add(self, sums: Floats, top: int, strip: Bytes) -> None:
        bottom = top + len(strip)
        # Few samples see any one strip, and nothing is summed for the others.
        first, last = bisect_right(self._rows.ends, top), bisect_left(self._rows.begins, bottom)
        if first < last:
            weights = self._rows.matrix[first:last, top:bottom]
            sums[first:last] += (weights @ self._as_floats(strip)).reshape(last - first, *strip.shape[1:])

    def _as_floats(self, strip: Bytes) -> Floats:
        """The strip as (rows, width * channels), in one buffer: fresh pages would cost more than the sums."""
        if self._floats.size < strip.size:
            self._floats = np.empty(strip.size, np.float32)
        flat = self._floats[: strip.size].reshape(strip.shape[0], -1)
        np.copyto(flat, strip.reshape(strip.shape[0], -1))
        return flat

    def grid(self) -> Floats:
        """The samples, shape (64, 64), 0..255, once every row was added."""
        columns = self._columns.matrix
        sums = self._sums if self._sums is not None else np.zeros((GRID, columns.shape[1]), np.float32)
        luma = sums @ _LUMA if sums.ndim == 3 else sums
        return np.asarray(luma @ columns.T, np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class Sampling:
    """How an axis is blurred and sampled.

    `matrix`: shape (64, pixels of the axis), a row for each sample; `begins`, `ends`: the first pixel that a sample is
    made of, and one behind the last. Both grow from sample to sample.
    """

    matrix: Floats
    begins: tuple[int, ...]
    ends: tuple[int, ...]


@lru_cache(maxsize=4)
def sampling(size: int, scale: int = 1) -> Sampling:
    """How an axis of `size` pixels is sampled from ceil(size / scale) of them.

    downscaling.cpp: computeJaroszFilterWindowSize, box1DFloat twice, decimateFloat. Pictures come in all sizes, so this
    is made to be quick (0.1 ms) and not to be kept: a long picture's has 12 MB.
    """
    window = (size + 2 * GRID - 1) // (2 * GRID)
    ahead = (window + 2) // 2  # pixels from the centre on, as box1DFloat counts them
    centres = ((np.arange(GRID) + 0.5) * size / GRID).astype(np.int64)[:, None]
    # The second box is the mean of `inner` pixels, each of which is the first box's mean of `lows` to `highs`.
    inner = centres + ahead - window + np.arange(window)
    is_there = (inner >= 0) & (inner < size)
    lows, highs = np.maximum(0, inner + ahead - window), np.minimum(size, inner + ahead)
    share = np.where(is_there, 1.0, 0.0) / np.where(is_there, highs - lows, 1)
    share /= is_there.sum(axis=1, keepdims=True)
    # Where a share begins and where it ends; summed up, that is the weight of each pixel around the centre.
    first, span = centres + 2 * (ahead - window), 2 * window
    steps = _summed(lows - first, share, span) - _summed(highs - first, share, span)
    weights = np.cumsum(steps, axis=1)
    pixels = first + np.arange(span)
    weights[(pixels < 0) | (pixels >= size) | (weights < 1e-12)] = 0.0
    length = -(-size // scale)
    matrix = _summed(np.clip(pixels, 0, size - 1) // scale, weights, length).astype(np.float32)
    matrix.flags.writeable = False  # it is cached
    begins = np.maximum(first[:, 0], 0) // scale
    ends = np.minimum(first[:, 0] + span - 1, size - 1) // scale + 1
    return Sampling(matrix, tuple(begins.tolist()), tuple(ends.tolist()))


def _summed(places: Numbers, values: npt.NDArray[np.float64], length: int) -> npt.NDArray[np.float64]:
    """Rows of `length` that hold at each place the sum of the values that belong there."""
    flat = (np.arange(len(places))[:, None] * length + places).ravel()
    sums = np.asarray(np.bincount(flat, values.ravel(), len(places) * length), np.float64)
    return sums.reshape(len(places), length)


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
    variants = np.stack(
        [
            original,
            turned * by_row,
            original * by_row * by_column,
            turned * by_column,
            original * by_row,
            original * by_column,
            turned,
            turned * by_row * by_column,
        ],
        dtype=np.float32,
    )
    return Pdq(_bits(variants.reshape(len(variants), -1)), quality(grid))


def _bits(frequencies: Floats) -> tuple[bytes, ...]:
    """For each row a bit per frequency above the median; the last comes first (pdqhashtypes.cpp Hash256::format)."""
    middle = frequencies.shape[1] // 2 - 1
    medians = np.partition(frequencies, middle, axis=1)[:, middle, None]  # the lower one, as torben.cpp
    return tuple(row.tobytes() for row in np.packbits((frequencies > medians)[:, ::-1], axis=1))


def hash_pixels(pixels: Bytes) -> Pdq:
    """PDQ of a whole picture: uint8, shape (height, width) luminance or (height, width, 3) RGB."""
    height, width = pixels.shape[:2]
    if min(height, width) < SMALLEST:
        return NOTHING
    sampler = Sampler(width, height)
    sampler.add(0, pixels)
    return hash_grid(sampler.grid())


NOTHING: Final = Pdq((bytes(32),) * 8, 0)
"""What the reference says of a picture too small to hash."""
