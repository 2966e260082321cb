"""Pictures of many kinds, drawn with whole numbers so that they are the same on every machine."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from relay.adapters.media.canary import photograph

if TYPE_CHECKING:
    from collections.abc import Callable

Grey = npt.NDArray[np.int64]
Bytes = npt.NDArray[np.uint8]


def _noise(seed: str, rows: int, columns: int) -> Grey:
    drawn = hashlib.shake_256(seed.encode()).digest(rows * columns)
    return np.frombuffer(drawn, np.uint8).reshape(rows, columns).astype(np.int64)


def _blocks(seed: str, x: Grey, y: Grey, across: int, down: int) -> Grey:
    """A picture of `across` by `down` blocks of random grey."""
    width, height = int(x.max()) + 1, int(y.max()) + 1
    return _noise(seed, down, across)[y * down // height, x * across // width]


def _text(x: Grey, y: Grey) -> Grey:
    """Like a page of letters: dark strokes on white, with margins and gaps between the lines."""
    width, height = int(x.max()) + 1, int(y.max()) + 1
    strokes = _blocks("text", x, y, 48, 64) < 110
    lines = (y * 32 // height) % 2 == 0
    margin = (x * 10 // width > 0) & (x * 10 // width < 9)
    return np.where(strokes & lines & margin, 20, 245)


def _rings(x: Grey, y: Grey) -> Grey:
    width, height = int(x.max()) + 1, int(y.max()) + 1
    far = ((x * 512 // width - 190) ** 2 + (y * 512 // height - 300) ** 2) // 2048
    return (far * 37) % 256


def _drawing(x: Grey, y: Grey) -> Grey:
    """Flat areas with hard edges, like a comic."""
    return _blocks("drawing", x, y, 5, 4) // 64 * 80


def _letterbox(x: Grey, y: Grey) -> Grey:
    height = int(y.max()) + 1
    inside = (y * 8 // height > 0) & (y * 8 // height < 7)
    return np.where(inside, _blocks("film", x, y, 23, 17), 0)


KINDS: Final[dict[str, Callable[[Grey, Grey], Grey]]] = {
    "noise": lambda x, y: _noise("noise", int(y.max()) + 1, int(x.max()) + 1),
    "text": _text,
    "rings": _rings,
    "drawing": _drawing,
    "letterbox": _letterbox,
    "mosaic": lambda x, y: _blocks("mosaic", x, y, 16, 16),
    "dark": lambda x, y: _blocks("dark", x, y, 13, 11) // 6,
    "bright": lambda x, y: 255 - _blocks("bright", x, y, 13, 11) // 6,
    "dots": lambda x, y: np.where(_blocks("dots", x, y, 40, 40) > 245, 255, 8),
    "ramp": lambda x, y: x * 200 // (int(x.max()) + 1) + y * 55 // (int(y.max()) + 1),
}


def draw(kind: str, width: int, height: int) -> Bytes:
    """A picture: uint8, shape (height, width, 3); its colours differ a little, as its kind says."""
    y, x = np.indices((height, width))
    grey = KINDS[kind](x, y)
    tint = photograph(f"tint {kind}", width, height).astype(np.int64) // 16 - 8
    return np.ascontiguousarray(np.clip(grey[:, :, None] + tint, 0, 255), np.uint8)
