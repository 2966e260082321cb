"""Pictures of every format and colour mode, and bytes that are none."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from relay.adapters.media import canary, jxl, pdq, samples
from relay.adapters.media.canary import encoded, photograph
from relay.adapters.media.hashing import Limits
from relay.adapters.media.pictures import hash_picture
from relay.domain.media import PDQ_DRIFT, Decoded, Undecodable

if TYPE_CHECKING:
    from collections.abc import Callable

LIMITS = Limits(100_000_000)
CANARIES = canary.canary_pictures()
PNG = pdq.hash_pixels(photograph(canary.CANARY_SEED)).hash


def distance(one: bytes, other: bytes) -> int:
    return (int.from_bytes(one) ^ int.from_bytes(other)).bit_count()


def decoded(content: bytes) -> Decoded:
    found = hash_picture(content, LIMITS)
    assert isinstance(found, Decoded), found
    return found


def why(found: Decoded | Undecodable) -> Undecodable | None:
    """Why a file, or a part of it, was not looked at."""
    return found.unseen if isinstance(found, Decoded) else found


@pytest.mark.parametrize("name", CANARIES)
def test_every_format_hashes_like_its_png(name: str) -> None:
    """Measured: 0 bits, but palettes (GIF and PNG) and the translucent PNG 6, the small animation 8."""
    found = decoded(CANARIES[name])
    share = 2 if "frame" in name else 1  # animations are of half the size
    assert (found.width * share, found.height * share) == (canary.WIDTH, canary.HEIGHT)
    assert min(distance(PNG, frame.pdq) for frame in found.frames) <= PDQ_DRIFT
    assert all(frame.quality >= 80 for frame in found.frames)
    assert all(frame.dihedral[0] == frame.pdq and len(frame.phash) == 8 for frame in found.frames)


@pytest.mark.parametrize(
    ("mode", "kind"),
    [("L", "PNG"), ("LA", "PNG"), ("1", "PNG"), ("P", "BMP"), ("RGBA", "WEBP"), ("RGBA", "TIFF"), ("CMYK", "TIFF"),
     ("I", "TIFF"),
     ("F", "TIFF"), ("L", "JPEG"), ("RGBA", "AVIF"), ("I;16B", "TIFF")],
)  # fmt: skip
def test_every_colour_mode_hashes_like_rgb(mode: str, kind: str) -> None:
    picture = Image.fromarray(photograph(canary.CANARY_SEED))
    if mode.startswith("I;16"):
        wide = (np.asarray(picture.convert("L")).astype(np.uint16) * 257).astype(">u2")
        converted = Image.fromarray(wide)
    else:
        converted = picture.convert(mode)
    found = decoded(encoded(converted, kind))
    assert distance(PNG, found.frames[0].pdq) <= (31 if mode == "1" else PDQ_DRIFT)


def test_float_pictures_of_any_range_are_spread_over_black_to_white() -> None:
    grey = np.asarray(Image.fromarray(photograph(canary.CANARY_SEED)).convert("L")).astype(np.float32)
    found = decoded(encoded(Image.fromarray(grey / 100 - 1), "TIFF"))
    assert distance(PNG, found.frames[0].pdq) <= PDQ_DRIFT


def test_transparent_key_colour_is_white() -> None:
    picture = Image.fromarray(photograph(canary.CANARY_SEED))
    found = decoded(encoded(picture, "PNG", transparency=(1, 2, 3)))
    assert distance(PNG, found.frames[0].pdq) <= PDQ_DRIFT


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied_before_hashing(orientation: int) -> None:
    """The JPEG is decoded at half size: the folded filter has to survive turning, too."""
    upright = Image.fromarray(photograph("upright", 1301, 1027))
    undo = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    stored = upright.transpose(undo[orientation]) if orientation > 1 else upright
    exif = Image.Exif()
    exif[0x0112] = orientation
    found = decoded(encoded(stored, "JPEG", quality=90, exif=exif))
    assert (found.width, found.height) == (1301, 1027)
    assert distance(pdq.hash_pixels(np.asarray(upright)).hash, found.frames[0].pdq) <= PDQ_DRIFT


@pytest.mark.parametrize("orientation", [1, 3, 6])
@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_a_webp_is_turned_as_its_exif_says(mode: str, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    lying = Image.fromarray(PIXELS).convert(mode)
    found = decoded(encoded(lying, "WEBP", quality=90, exif=exif))
    upright = (
        lying.transpose({3: Image.Transpose.ROTATE_180, 6: Image.Transpose.ROTATE_270}[orientation])
        if (orientation > 1)
        else lying
    )
    assert (found.width, found.height) == upright.size
    assert (
        distance(pdq.hash_pixels(np.asarray(upright.convert("RGB"))).hash, found.frames[0].pdq) <= PDQ_DRIFT
    )


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG", "TIFF", "AVIF"])
def test_animations_are_hashed_at_first_last_and_evenly_between(kind: str) -> None:
    frames = [Image.fromarray(photograph(f"frame {number}", 96, 64)) for number in range(9)]
    content = encoded(frames[0], kind, save_all=True, append_images=frames[1:], duration=100)
    found = hash_picture(content, Limits(1_000_000, max_frames=3))
    assert isinstance(found, Decoded)
    assert len(found.frames) == 3
    for frame, number in zip(found.frames, (0, 4, 8), strict=True):
        assert distance(pdq.hash_pixels(np.asarray(frames[number])).hash, frame.pdq) <= 16  # 96 x 64 is tiny


def test_pictures_behind_each_other_in_one_jpeg_are_all_hashed() -> None:
    first, second = canary.clean_picture("outer"), CANARIES["canary.jpg"]
    found = decoded(first + second)
    assert len(found.frames) == 2
    assert distance(PNG, found.frames[1].pdq) <= PDQ_DRIFT


def test_frames_without_detail_are_left_out() -> None:
    flat = Image.new("RGB", (640, 480), "grey")
    last = Image.fromarray(photograph("detail"))
    found = decoded(encoded(flat, "PNG", save_all=True, append_images=[last]))
    assert len(found.frames) == 1


@pytest.mark.parametrize(("contrast", "outcome"), [(0.02, Undecodable.TOO_LITTLE_DETAIL), (1.0, None)])
def test_quality_below_50_is_undecodable(contrast: float, outcome: Undecodable | None) -> None:
    dull = (photograph("dull").astype(np.float32) * contrast + 100).clip(0, 255).astype(np.uint8)
    found = hash_picture(encoded(Image.fromarray(dull), "PNG"), LIMITS)
    assert found is outcome if outcome else isinstance(found, Decoded)


def test_quality_49_is_too_little_and_50_is_enough() -> None:
    seen = {}
    base = photograph("edge", 160, 120).astype(np.int32)
    for percent in range(20, 44):
        dull = np.clip(128 + (base - 128) * percent // 100, 0, 255).astype(np.uint8)
        found = hash_picture(encoded(Image.fromarray(dull), "PNG"), LIMITS)
        seen[pdq.hash_pixels(dull).quality] = isinstance(found, Decoded)
    assert min(seen) < 50 <= max(seen)
    assert all(hashed == (quality >= 50) for quality, hashed in seen.items())


def test_pixel_cap_is_inclusive() -> None:
    content = canary.clean_picture("cap", width=100, height=100, kind="PNG")
    assert isinstance(hash_picture(content, Limits(10_000)), Decoded)
    assert hash_picture(content, Limits(9_999)) is Undecodable.TOO_MANY_PIXELS


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "WEBP", "AVIF", "BMP", "TIFF"])
def test_the_cap_and_truncation_hold_for_every_format(kind: str) -> None:
    content = canary.clean_picture("formats", kind=kind)
    assert hash_picture(content, Limits(1000)) is Undecodable.TOO_MANY_PIXELS
    expected = {Undecodable.TRUNCATED, Undecodable.CORRUPT} if kind == "TIFF" else {Undecodable.TRUNCATED}
    assert why(hash_picture(content[: len(content) * 2 // 3], LIMITS)) in expected


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "WEBP", "AVIF", "BMP", "TIFF"])
def test_no_prefix_and_no_damage_raises(kind: str) -> None:
    content = canary.clean_picture("damage", width=64, height=48, kind=kind)
    noise = np.frombuffer(encoded(Image.effect_noise((64, 64), 99), "BMP"), np.uint8)
    for cut in range(0, len(content), max(1, len(content) // 40)):
        assert isinstance(hash_picture(content[:cut], LIMITS), Decoded | Undecodable)
        broken = bytearray(content)
        broken[cut] ^= int(noise[1100 + cut % 2000]) | 1
        assert isinstance(hash_picture(bytes(broken), Limits(1_000_000)), Decoded | Undecodable)


def test_adobe_inverted_and_plain_cmyk_agree() -> None:
    """Pillow writes CMYK JPEGs inverted with an Adobe marker, as Photoshop does."""
    content = CANARIES["canary-cmyk.jpg"]
    assert b"Adobe" in content[:200]
    assert distance(PNG, decoded(content).frames[0].pdq) <= PDQ_DRIFT


PIXELS = photograph(canary.CANARY_SEED)
MODERN: dict[str, Callable[[], bytes]] = {  # encoding one takes longer than decoding it
    "heic": lambda: samples.heic(PIXELS),
    "heic, in tiles": lambda: samples.heic(PIXELS, tile_size=128),
    "heic, rough": lambda: samples.heic(PIXELS, quality=40),
    "heic, 10 bit": lambda: samples.heic(PIXELS, bit_depth=10),
    "jxl": lambda: samples.jxl(PIXELS),
    "jxl, lossless in a container": lambda: samples.jxl(PIXELS, lossless=True, usecontainer=True),
    "jxl, 16 bit": lambda: samples.jxl(PIXELS.astype(np.uint16) * 257),
    "jxl, floats": lambda: samples.jxl((PIXELS / 255).astype(np.float32)),
    "jxl, grey": lambda: samples.jxl(np.asarray(Image.fromarray(PIXELS).convert("L"))),
    "jxl, alpha": lambda: samples.jxl(np.dstack([PIXELS, np.full(PIXELS.shape[:2], 255, np.uint8)])),
}


@pytest.mark.parametrize("name", MODERN)
def test_heic_and_jpeg_xl_hash_like_their_png(name: str) -> None:
    """Measured: 0 bits, 2 for the rough one."""
    found = decoded(MODERN[name]())
    assert (found.media_type, found.width, found.height) == (f"image/{name[:4].rstrip(',')}", 640, 480)
    assert found.unseen is None
    assert distance(PNG, found.frames[0].pdq) <= PDQ_DRIFT


def test_every_picture_and_thumbnail_of_a_heic_is_hashed() -> None:
    harmless = photograph("clean host")
    for primary, expected in ((0, [False, True]), (1, [True, False])):
        found = decoded(samples.heic(harmless, PIXELS, primary_index=primary))
        assert [distance(PNG, one.pdq) <= PDQ_DRIFT for one in found.frames] == expected
    assert len(decoded(samples.heic(PIXELS, thumbnails=[320])).frames) == 2


def test_every_frame_of_a_jpeg_xl_animation_is_hashed_up_to_the_limit() -> None:
    frames = np.stack([photograph(f"frame {number}", 96, 64) for number in range(5)])
    found = hash_picture(samples.jxl(frames), Limits(10_000, max_frames=3))
    assert isinstance(found, Decoded)
    assert len(found.frames) == 3
    assert len(decoded(samples.jxl(np.stack([frame[:, :, 0] for frame in frames]))).frames) == 5


@pytest.mark.parametrize(("width", "height"), [(64, 64), (640, 480), (300, 200), (1920, 1080), (777, 9)])
@pytest.mark.parametrize("container", [True, False])
def test_the_size_of_a_jpeg_xl_is_read_before_it_is_decoded(
    width: int, height: int, *, container: bool
) -> None:
    content = samples.jxl(np.zeros((height, width, 3), np.uint8), usecontainer=container)
    assert jxl.size(content) == (width, height)
    assert hash_picture(content, Limits(width * height - 1)) is Undecodable.TOO_MANY_PIXELS


@pytest.mark.parametrize("name", ["heic", "jxl", "jxl, lossless in a container"])
def test_a_part_of_a_heic_or_jpeg_xl_is_never_taken_for_the_whole(name: str) -> None:
    content = MODERN[name]()
    for share in (1, 3, 5, 7):
        assert why(hash_picture(content[: len(content) * share // 8], LIMITS)) is Undecodable.TRUNCATED
    for cut in range(0, 200, 3):
        assert why(hash_picture(content[:cut], LIMITS)) is not None


def test_what_is_there_of_a_damaged_picture_can_match() -> None:
    """A receiver shows the upper part; a server that stops sending near the end must not hide the rest."""
    content = CANARIES["canary.jpg"]
    found = hash_picture(content[:-400], LIMITS)
    assert isinstance(found, Decoded)
    assert found.unseen is Undecodable.TRUNCATED
    assert distance(PNG, found.frames[0].pdq) <= PDQ_DRIFT


def test_a_second_file_behind_a_picture_does_not_hide_the_picture() -> None:
    found = hash_picture(CANARIES["canary.png"] + b"PK\x03\x04" + bytes(64), LIMITS)
    assert isinstance(found, Decoded)
    assert found.unseen is Undecodable.SECOND_FILE
    assert distance(PNG, found.frames[0].pdq) <= PDQ_DRIFT


def test_a_picture_that_shows_another_one_on_black_is_hashed_on_both_grounds() -> None:
    """Grey and alpha can be chosen so that white shows one picture and black another."""
    light = 128 + photograph("mirage light")[:, :, 0].astype(np.int32) // 2
    dark = np.asarray(Image.fromarray(PIXELS).convert("L")).astype(np.int32) // 2
    alpha = 255 - (light - dark)
    grey = np.clip(dark * 255 // np.maximum(alpha, 1), 0, 255)
    mirage = Image.fromarray(np.dstack([grey, alpha]).astype(np.uint8), "LA")
    on_white, on_black = decoded(encoded(mirage, "PNG")).frames[:2]
    assert distance(PNG, on_white.pdq) > 80
    assert distance(PNG, on_black.pdq) <= PDQ_DRIFT


def test_a_palette_with_transparency_is_hashed_on_every_ground_like_its_colours() -> None:
    picture = canary.few_colours(Image.fromarray(PIXELS))
    picture.info["transparency"] = bytes(255 - number // 2 for number in range(256))
    palette, plain = encoded(picture, "PNG"), encoded(picture.convert("RGBA"), "PNG")
    assert palette[25] == 3  # the colour type of palettes
    found, expected = decoded(palette).frames, decoded(plain).frames
    assert len(found) == len(expected) == 3
    assert all(distance(one.pdq, other.pdq) <= 2 for one, other in zip(found, expected, strict=True))


def test_a_picture_under_full_transparency_is_seen_by_servers_that_drop_alpha() -> None:
    hidden = np.dstack([PIXELS, np.zeros(PIXELS.shape[:2], np.uint8)])
    found = decoded(encoded(Image.fromarray(hidden), "PNG"))
    assert [distance(PNG, one.pdq) <= PDQ_DRIFT for one in found.frames] == [True]


def test_the_thumbnail_in_exif_is_hashed() -> None:
    small = encoded(Image.fromarray(PIXELS).resize((320, 240)), "JPEG", quality=90)
    exif = Image.Exif()
    exif[0x010F] = "camera"
    head = exif.tobytes()  # Pillow writes no thumbnails: a second directory behind the first
    tiff = bytearray(head.removeprefix(b"Exif\x00\x00"))
    assert tiff[:4] == b"MM\x00*"
    at = len(tiff)
    first = 8 + 2 + 12 * int.from_bytes(tiff[8:10], "big")
    tiff[first : first + 4] = at.to_bytes(4, "big")
    tiff += (2).to_bytes(2, "big")
    for tag, value in ((0x0201, at + 30), (0x0202, len(small))):
        tiff += tag.to_bytes(2, "big") + b"\x00\x04\x00\x00\x00\x01" + value.to_bytes(4, "big")
    tiff += bytes(4) + small
    outer = Image.fromarray(photograph("clean outer"))
    found = decoded(encoded(outer, "JPEG", exif=b"Exif\x00\x00" + bytes(tiff)))
    assert len(found.frames) == 2
    assert distance(PNG, found.frames[1].pdq) <= PDQ_DRIFT
    assert len(decoded(encoded(outer, "JPEG", exif=b"Exif\x00\x00" + bytes(tiff[: at + 40]))).frames) == 1
