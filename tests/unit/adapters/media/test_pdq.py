"""PDQ against hashes that the C++ reference made of the same pixels; pdq_golden.json says how."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from relay.adapters.media import pdq
from relay.adapters.media.canary import encoded, photograph
from relay.adapters.media.hashing import Limits
from relay.adapters.media.pictures import hash_picture
from relay.domain.media import PDQ_DRIFT, Decoded
from tests.unit.adapters.media.patterns import draw

GOLDEN: list[dict[str, Any]] = json.loads(Path(__file__).with_name("pdq_golden.json").read_text())["pictures"]
KINDS: list[dict[str, Any]] = json.loads(Path(__file__).with_name("pdq_kinds.json").read_text())["pictures"]


def distance(one: bytes, other: bytes) -> int:
    return (int.from_bytes(one) ^ int.from_bytes(other)).bit_count()


drawn = lru_cache(maxsize=None)(photograph)


def pixels(golden: dict[str, Any]) -> pdq.Bytes:
    picture = drawn(golden["seed"], golden["width"], golden["height"])
    return picture if golden["divisor"] == 1 else (picture // golden["divisor"] + 96).astype(np.uint8)


def name(golden: dict[str, Any]) -> str:
    return f"{golden['width']}x{golden['height']}/{golden['divisor']} {golden['seed']}"


@pytest.mark.parametrize("golden", GOLDEN, ids=name)
def test_hashes_and_quality_equal_the_reference(golden: dict[str, Any]) -> None:
    found = pdq.hash_pixels(pixels(golden))
    # Measured: 0 bits for every picture here; 2 leaves room for another machine's float rounding.
    for expected, hashed in zip(golden["dihedral"], found.dihedral, strict=True):
        assert distance(bytes.fromhex(expected), hashed) <= 2
    assert found.quality == golden["quality"]


@pytest.mark.parametrize("golden", KINDS, ids=lambda one: f"{one['kind']} {one['width']}x{one['height']}")
def test_pictures_of_every_kind_and_size_hash_like_the_reference(golden: dict[str, Any]) -> None:
    """Measured: 0 bits in all eight turns of all of them."""
    found = pdq.hash_pixels(draw(golden["kind"], golden["width"], golden["height"]))
    for expected, hashed in zip(golden["dihedral"], found.dihedral, strict=True):
        assert distance(bytes.fromhex(expected), hashed) <= 2
    assert found.quality == golden["quality"]


@pytest.mark.parametrize("quality", [60, 75, 90])
@pytest.mark.parametrize("golden", [item for item in GOLDEN if item["width"] >= 480], ids=name)
def test_jpeg_decoded_at_reduced_size_stays_within_the_drift(golden: dict[str, Any], quality: int) -> None:
    content = encoded(Image.fromarray(pixels(golden)), "JPEG", quality=quality)
    found = hash_picture(content, Limits(100_000_000))
    if golden["quality"] < 50:
        return
    assert isinstance(found, Decoded)
    assert (found.width, found.height) == (golden["width"], golden["height"])
    assert distance(found.frames[0].pdq, bytes.fromhex(golden["dihedral"][0])) <= PDQ_DRIFT
    if golden["quality"] < 100:
        assert abs(found.frames[0].quality - golden["quality"]) <= 3


@pytest.mark.parametrize("scale", [2, 4, 8])
@pytest.mark.parametrize("size", [(1920, 1080), (1601, 1203)])
def test_reduced_pixels_through_the_folded_filter_stay_within_4_bits(
    size: tuple[int, int], scale: int
) -> None:
    picture = photograph("folded", *size)
    reduced = np.asarray(Image.fromarray(picture).reduce(scale))
    sampler = pdq.Sampler(*size, scale=scale)
    sampler.add(0, reduced)
    found, exact = pdq.hash_grid(sampler.grid()), pdq.hash_pixels(picture)
    assert distance(found.hash, exact.hash) <= 4
    assert abs(found.quality - exact.quality) <= 2


def test_the_eight_hashes_are_those_of_the_turned_and_mirrored_pixels() -> None:
    # Other sizes are sampled off the middle, by the reference too: up to 16 bits at 512 x 512.
    picture = photograph("dihedral", 64, 64)
    found = pdq.hash_pixels(picture)
    turned = (
        picture,
        np.rot90(picture),
        np.rot90(picture, 2),
        np.rot90(picture, 3),
        picture[::-1],
        picture[:, ::-1],
        picture.transpose(1, 0, 2),
        picture[::-1, ::-1].transpose(1, 0, 2),
    )
    for expected, variant in zip(found.dihedral, turned, strict=True):
        assert distance(pdq.hash_pixels(np.ascontiguousarray(variant)).hash, expected) <= 2
    assert len(set(found.dihedral)) == 8


def test_strips_of_any_height_give_the_same_grid() -> None:
    picture = photograph("strips", 300, 200)
    whole = pdq.Sampler(300, 200)
    whole.add(0, picture)
    striped = pdq.Sampler(300, 200)
    for top in range(0, 200, 7):
        striped.add(top, picture[top : top + 7])
    assert np.allclose(whole.grid(), striped.grid(), atol=1e-3)


def test_the_filter_preserves_brightness_for_every_size() -> None:
    for size in (5, 63, 64, 65, 127, 128, 129, 1000, 4001):
        assert np.allclose(pdq.sampling(size).matrix.sum(axis=1), 1, atol=1e-5)


def test_grey_equals_grey_rgb() -> None:
    grey = photograph("grey", 128, 96)[:, :, 0]
    assert pdq.hash_pixels(grey).hash == pdq.hash_pixels(np.dstack([grey] * 3)).hash


def test_a_flat_picture_has_quality_0() -> None:
    assert pdq.hash_pixels(np.full((200, 200, 3), 77, np.uint8)).quality == 0


def test_pictures_under_5_pixels_have_no_hash() -> None:
    assert pdq.hash_pixels(photograph("small", 4, 100)) == pdq.NOTHING


@pytest.mark.parametrize(("step", "quality"), [(2.54, 0), (2.56, 89), (5.09, 89), (5.2, 100)])
def test_quality_counts_whole_percents_only(step: float, quality: int) -> None:
    """A checkerboard of 64 x 64 has 2 * 63 * 64 = 8064 steps; under 1 % of 255 they count nothing."""
    grid = (np.indices((64, 64)).sum(axis=0) % 2 * step).astype(np.float32)
    assert pdq.quality(grid) == quality
