"""pHash against the library that lists are made with."""

from __future__ import annotations

import imagehash
import pytest
from PIL import Image

from relay.adapters.media import phash
from relay.adapters.media.canary import photograph
from tests.unit.adapters.media.patterns import KINDS, draw


@pytest.mark.parametrize("size", [(640, 480), (128, 200), (33, 300), (5, 5)])
@pytest.mark.parametrize("kind", [*KINDS, "photograph"])
def test_equals_the_library_bit_for_bit(kind: str, size: tuple[int, int]) -> None:
    pixels = draw(kind, *size) if kind in KINDS else photograph("phash", *size)
    grey = Image.fromarray(pixels).convert("L")
    assert phash.hash_grey(grey).hex() == str(imagehash.phash(grey))
