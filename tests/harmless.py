"""Hundreds of harmless pictures of many kinds, each the same in every run: none may match anything."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Final

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from pywt import data

from relay.adapters.media.canary import photograph

if TYPE_CHECKING:
    from collections.abc import Iterator

SIZES: Final = ((160, 120), (200, 150), (120, 160), (144, 144))
WORDS: Final = (
    "the",
    "quick",
    "brown",
    "fox",
    "jumps",
    "over",
    "lazy",
    "dogs",
    "and",
    "nobody",
    "needs",
    "to",
    "fear",
    "this",
    "picture",
    "at",
    "all",
)


def pictures() -> Iterator[tuple[str, Image.Image]]:
    """Yield kind and picture: smooth fields, noise, gradients, shapes, text, and three photographs in pieces."""
    chance = random.Random(1)  # noqa: S311 - pictures, not secrets
    for number in range(140):
        size = SIZES[number % len(SIZES)]
        yield "field", Image.fromarray(photograph(f"harmless {number}", *size))
    for number in range(40):
        yield "noise", _noise(chance, coarse=2 ** (number % 5))
    for number in range(40):
        yield "gradient", _gradient(chance, turns=1 + number % 8)
    for number in range(60):
        yield "shapes", _shapes(chance, count=3 + number)
    for number in range(50):
        yield "text", _text(chance, lines=3 + number % 12)
    for photo in (data.aero(), data.ascent(), data.camera()):
        whole = Image.fromarray(photo.astype(np.uint8))
        yield "photograph", whole
        for number in range(15):
            left, top = chance.randrange(256), chance.randrange(256)
            side = chance.randrange(128, 256)
            yield "photograph", whole.crop((left, top, left + side, top + side - number * 4))


def _noise(chance: random.Random, coarse: int) -> Image.Image:
    small = Image.frombytes(
        "RGB", (160 // coarse, 120 // coarse), chance.randbytes(3 * (160 // coarse) * (120 // coarse))
    )
    return small.resize((160, 120), Image.Resampling.NEAREST)


def _gradient(chance: random.Random, turns: int) -> Image.Image:
    rows, columns = np.mgrid[0:120, 0:160]
    across, down = chance.uniform(-1, 1), chance.uniform(-1, 1)
    waves = np.sin((rows * down + columns * across) * turns / 20 + chance.random())
    rings = np.cos(np.hypot(rows - chance.randrange(120), columns - chance.randrange(160)) * turns / 25)
    return Image.fromarray(((waves + rings + 2) * 63).astype(np.uint8))


def _shapes(chance: random.Random, count: int) -> Image.Image:
    image = Image.new("RGB", (200, 150), _colour(chance))
    draw = ImageDraw.Draw(image)
    for _ in range(count):
        points = [(chance.randrange(200), chance.randrange(150)) for _ in range(3)]
        (left, top), (right, bottom) = points[0], points[1]
        box = (min(left, right), min(top, bottom), max(left, right), max(top, bottom))
        if chance.random() < 0.5:
            draw.ellipse(box, fill=_colour(chance))
        else:
            draw.polygon(points, fill=_colour(chance))
    return image


def _text(chance: random.Random, lines: int) -> Image.Image:
    image = Image.new("RGB", (320, 240), "white" if lines % 2 else "black")
    draw = ImageDraw.Draw(image)
    for line in range(lines):
        words = " ".join(chance.choices(WORDS, k=5))
        place = (chance.randrange(20), line * 240 // lines)
        font = ImageFont.load_default(chance.choice((10, 14, 20, 28)))
        draw.text(place, words, fill="black" if lines % 2 else "white", font=font)
    return image


def _colour(chance: random.Random) -> tuple[int, int, int]:
    return chance.randrange(256), chance.randrange(256), chance.randrange(256)
