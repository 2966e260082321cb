"""Videos and sounds of every container and codec, and files that only look like some."""

from __future__ import annotations

import os
from functools import cache

import pytest
from PIL import Image

from relay.adapters.media import canary, containers, formats, pdq, samples
from relay.adapters.media.canary import encoded, photograph
from relay.adapters.media.hashing import Limits
from relay.adapters.media.videos import hash_sniffed
from relay.domain.media import PDQ_DRIFT, PDQ_RADIUS, Decoded, Undecodable

LIMITS = Limits(1_000_000)
PNG = pdq.hash_pixels(photograph(canary.CANARY_SEED)).hash
WIDTH, HEIGHT = 320, 240
CANARY = photograph(canary.CANARY_SEED, WIDTH, HEIGHT)
QUIET = {"x265-params": "log-level=none"}


@cache
def scene(number: int) -> pdq.Bytes:
    return photograph(f"clean scene {number}", WIDTH, HEIGHT)


def nearest(found: Decoded) -> int:
    return min((int.from_bytes(one.pdq) ^ int.from_bytes(PNG)).bit_count() for one in found.frames)


def decoded(content: bytes, limits: Limits = LIMITS) -> Decoded:
    found = hash_sniffed(content, limits)
    assert isinstance(found, Decoded), found
    return found


def why(found: Decoded | Undecodable) -> Undecodable | None:
    return found.unseen if isinstance(found, Decoded) else found


CODECS = {
    "mp4 libx264": ("video/mp4", "yuv420p"),
    "mp4 libx265": ("video/mp4", "yuv420p"),
    "mp4 libsvtav1": ("video/mp4", "yuv420p"),
    "mp4 mpeg4": ("video/mp4", "yuv420p"),
    "mov libx264": ("video/quicktime", "yuv420p"),
    "mov mjpeg": ("video/quicktime", "yuvj420p"),
    "mov prores_ks": ("video/quicktime", "yuv422p10le"),
    "3gp libx264": ("video/mp4", "yuv420p"),
    "webm libvpx": ("video/webm", "yuv420p"),
    "webm libvpx-vp9": ("video/webm", "yuv420p"),
    "webm libsvtav1": ("video/webm", "yuv420p"),
    "matroska libx264": ("video/x-matroska", "yuv420p"),
    "matroska libx265": ("video/x-matroska", "yuv420p10le"),
}


@pytest.mark.skipif(not hasattr(os, "sched_getscheduler"), reason="there is nothing to be changed here")
def test_making_a_sample_leaves_this_process_scheduled_as_it_was() -> None:
    before = os.sched_getscheduler(0)
    samples.clip([CANARY], "webm", "libsvtav1")
    assert os.sched_getscheduler(0) == before


@pytest.mark.parametrize("name", CODECS)
def test_every_container_and_codec_hashes_like_the_png(name: str) -> None:
    """Measured: 2 to 4 bits, 8 for MPEG-4 part 2."""
    (container, codec), (media_type, pixels) = name.split(), CODECS[name]
    content = samples.clip(
        [scene(0), CANARY, scene(1)], container, codec, pixels=pixels, options=QUIET if "265" in codec else {}
    )
    found = decoded(content)
    assert (found.media_type, found.width, found.height) == (media_type, WIDTH, HEIGHT)
    assert found.unseen is None
    assert len(found.frames) == 3
    assert nearest(found) <= PDQ_DRIFT
    assert all(frame.quality >= 80 for frame in found.frames)


SOUNDS = {
    "mp3 libmp3lame": "audio/mpeg",
    "flac flac": "audio/flac",
    "ogg libopus": "audio/ogg",
    "wav pcm_s16le": "audio/wav",
    "ipod aac": "audio/mp4",
    "mp4 aac": "audio/mp4",
    "adts aac": "audio/aac",
    "webm libopus": "audio/webm",
    "matroska libmp3lame": "audio/x-matroska",
}


@pytest.mark.parametrize("name", SOUNDS)
def test_sound_is_recognised_and_compared_by_digests_only(name: str) -> None:
    content = samples.sound(*name.split())
    assert hash_sniffed(content, LIMITS) is Undecodable.SOUND_ONLY
    container = containers.sniff(content)
    assert container is not None
    assert container.sound == SOUNDS[name]


@pytest.mark.parametrize("name", ["mp3 libmp3lame", "flac flac"])
def test_covers_are_hashed_and_do_not_make_a_sound_clean(name: str) -> None:
    covers = [encoded(Image.fromarray(scene(0)), "JPEG"), encoded(Image.fromarray(CANARY), "JPEG")]
    found = decoded(samples.sound(*name.split(), covers=covers))
    assert (found.media_type, found.unseen) == (SOUNDS[name], Undecodable.SOUND_ONLY)
    assert (found.width, found.height) == (WIDTH, HEIGHT)
    assert len(found.frames) == 2
    assert nearest(found) <= PDQ_DRIFT


def test_a_second_is_hashed_each_and_the_first_and_the_last_frame_always() -> None:
    frames = [scene(number // 5) for number in range(52)]  # 10.4 seconds
    frames[0], frames[-1] = scene(100), CANARY
    found = decoded(samples.clip(frames, "mp4", "libx264", rate=5))
    assert 11 <= len(found.frames) <= 12  # a frame that no other is built on is passed over for the next
    assert nearest(found) <= PDQ_DRIFT


@pytest.mark.parametrize("keys", [1, 3, 250])
@pytest.mark.parametrize("most", [2, 5, 10])
def test_a_long_video_is_hashed_evenly_and_at_both_ends(keys: int, most: int) -> None:
    frames = [scene(number % 7) for number in range(80)]
    frames[-1] = CANARY
    found = decoded(
        samples.clip(frames, "webm", "libvpx", rate=4, keys=keys), Limits(1_000_000, video_frames=most)
    )
    assert 2 <= len(found.frames) <= most
    assert nearest(found) <= PDQ_DRIFT


def test_more_frames_of_each_second_are_hashed_where_that_is_asked_for() -> None:
    frames = [scene(number) for number in range(8)]
    assert len(decoded(samples.clip(frames, rate=4)).frames) == 3
    assert len(decoded(samples.clip(frames, rate=4), Limits(1_000_000, step=0.25)).frames) == 8


def test_a_picture_cannot_hide_behind_a_long_pause() -> None:
    """The last frame is a year later: evenly by the clock, nothing between it and the first would be looked at."""
    import io

    import av

    out = io.BytesIO()
    with av.open(out, "w", format="matroska") as media:
        stream = media.add_stream("mjpeg", rate=1)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuvj420p"
        for number in range(6):
            frame = av.VideoFrame.from_ndarray(CANARY if number == 3 else scene(number), format="rgb24")
            frame.pts = number if number < 5 else 31_536_000
            media.mux(stream.encode(frame))
        media.mux(stream.encode())
    found = decoded(out.getvalue(), Limits(1_000_000, video_frames=10))
    assert len(found.frames) == 6
    assert nearest(found) <= PDQ_DRIFT


def test_every_track_is_looked_at_up_to_four() -> None:
    two = decoded(samples.clip([scene(0), CANARY], "matroska", tracks=2))
    assert two.unseen is None
    assert decoded(samples.clip([scene(0)], "matroska", tracks=5)).unseen is Undecodable.UNSUPPORTED


@pytest.mark.parametrize(
    ("turn", "matrix"), [(90, (0, 1, -1, 0)), (180, (-1, 0, 0, -1)), (270, (0, -1, 1, 0))]
)
def test_a_video_that_lies_on_its_side_is_hashed_upright(turn: int, matrix: tuple[int, ...]) -> None:
    """Phones write what the sensor saw and how to turn it (ISO/IEC 14496-12 8.3.2)."""
    lying = Image.fromarray(CANARY).rotate(turn, expand=True)
    import numpy as np

    content = samples.clip([np.asarray(lying)])
    identity = b"".join(value.to_bytes(4, "big") for value in (65536, 0, 0, 0, 65536, 0, 0, 0, 0x40000000))
    a, b, c, d = (value * 65536 for value in matrix)
    turned = b"".join(value.to_bytes(4, "big", signed=True) for value in (a, b, 0, c, d, 0, 0, 0, 0x40000000))
    at = content.index(identity, content.index(b"tkhd"))
    found = decoded(content[:at] + turned + content[at + len(turned) :])
    assert (found.width, found.height) == (WIDTH, HEIGHT)
    assert nearest(found) <= PDQ_DRIFT


def test_what_an_edit_list_hides_is_looked_at() -> None:
    """Players disagree on edit lists: some show what this one cuts away."""
    content = samples.clip([CANARY, scene(0), scene(1)], "mov", "mjpeg", pixels="yuvj420p")
    at = content.index(b"elst") + 12
    assert int.from_bytes(content[at + 4 : at + 8], "big") == 0
    unit = int.from_bytes(content[(start := content.index(b"mdhd") + 16) : start + 4], "big")
    hidden = content[: at + 4] + unit.to_bytes(4, "big") + content[at + 8 :]
    assert nearest(decoded(hidden)) <= PDQ_DRIFT


@pytest.mark.parametrize("container", ["mp4", "matroska", "webm"])
def test_a_video_cut_short_or_with_a_second_file_behind_it_is_never_clean(container: str) -> None:
    codec = "libvpx" if container == "webm" else "libx264"
    content = samples.clip([CANARY, *map(scene, range(5))], container, codec)
    cut = hash_sniffed(content[: len(content) * 3 // 4], LIMITS)
    assert why(cut) is Undecodable.TRUNCATED
    if container != "mp4":  # whose index stands at its end
        assert isinstance(cut, Decoded)
        assert nearest(cut) <= PDQ_DRIFT
    for tail in (b"PK\x03\x04" + bytes(50), b"<html><script>", encoded(Image.fromarray(CANARY), "PNG")):
        double = decoded(content + tail)
        assert double.unseen is Undecodable.SECOND_FILE
        assert nearest(double) <= PDQ_DRIFT


def test_damage_is_noticed_and_what_is_whole_can_still_match() -> None:
    content = bytearray(samples.clip([CANARY, *map(scene, range(6))], "matroska", "libx264", keys=1))
    for at in range(len(content) // 2, len(content) - 2000, 401):
        content[at] ^= 255
    found = decoded(bytes(content))
    assert found.unseen is Undecodable.CORRUPT
    assert nearest(found) <= PDQ_DRIFT


def test_the_pixel_cap_holds_for_tracks_and_covers() -> None:
    content = samples.clip([scene(0)])
    assert decoded(content, Limits(WIDTH * HEIGHT)).unseen is None
    assert why(hash_sniffed(content, Limits(WIDTH * HEIGHT - 1))) is Undecodable.TOO_MANY_PIXELS


def test_a_video_without_detail_is_too_little() -> None:
    flat = photograph("flat", WIDTH, HEIGHT) // 40 + 100
    assert hash_sniffed(samples.clip([flat.astype("uint8")]), LIMITS) is Undecodable.TOO_LITTLE_DETAIL
    mixed = decoded(samples.clip([flat.astype("uint8"), CANARY]))
    assert len(mixed.frames) == 1


def test_what_is_left_when_the_time_is_up_stays_unseen() -> None:
    content = samples.clip([scene(number) for number in range(20)])
    assert why(hash_sniffed(content, Limits(1_000_000, cpu=-1))) is Undecodable.TIMEOUT


def test_a_codec_that_nobody_shows_is_not_decoded() -> None:
    content = samples.clip([scene(0)], "matroska", "ffv1")
    assert hash_sniffed(content, LIMITS) is Undecodable.UNSUPPORTED


@pytest.mark.parametrize(
    "kind",
    ["mp4 mpeg4", "webm libvpx", "mov mjpeg", "ogg libopus", "mp3 libmp3lame", "wav pcm_s16le", "flac flac"],
)
def test_no_prefix_and_no_damage_raises(kind: str) -> None:
    container, codec = kind.split()
    small = [photograph("damage", 64, 48), photograph("damage 2", 64, 48)]
    is_sound = container in {"ogg", "mp3", "wav", "flac"}
    pixels = "yuvj420p" if codec == "mjpeg" else "yuv420p"
    content = (
        samples.sound(container, codec) if is_sound else samples.clip(small, container, codec, pixels=pixels)
    )
    content = content[:8000]
    for at in range(0, len(content), max(1, len(content) // 60)):
        assert why(hash_sniffed(content[:at], LIMITS)) is not None
        broken = bytearray(content)
        broken[at] ^= 0x5A
        assert isinstance(hash_sniffed(bytes(broken), LIMITS), Decoded | Undecodable)


@pytest.mark.parametrize(
    "content",
    [b"", b"RIFF\x00\x00\x00\x00AVI LIST", b"\xff\xe0\x00\x00", b"\xff\xfb\xff\x00", b"#EXTM3U\n", b"<svg/>",
     b"ffconcat version 1.0\nfile x", b"\x00\x00\x01\xba", b"FLV\x01", b"%PDF-1.4"],
)  # fmt: skip
def test_other_files_are_not_taken_for_videos(content: bytes) -> None:
    assert containers.sniff(content) is None
    assert hash_sniffed(content, LIMITS) in {Undecodable.UNSUPPORTED, Undecodable.EMPTY}


@pytest.mark.parametrize(
    ("content", "end"),
    [
        (b"\x1a\x45\xdf\xa3\x81x\xec\x82\x00\x00\x18\x53\x80\x67\x83abc", 18),
        (b"\x1a\x45\xdf\xa3\x81x\x18\x53\x80\x67\x01" + b"\xff" * 7 + b"abc", 21),
        (b"\x1a\x45\xdf\xa3\x81x\x18\x53\x80\x67\x83ab", None),
        (b"\x1a\x45\xdf\xa3\x81x\x18\x53\x80\x67", None),
        (b"\x1a\x45\xdf\xa3\x81x\xec\xff\x18\x53\x80\x67\x81a", None),
        (b"\x1a\x45\xdf\xa3\x81xPK", None),
        (b"\x1a\x45\xdf\xa3\x40", None),
        (b"\x1a\x45\xdf\xa3\x00", None),
        (b"RIFF\x08\x00\x00\x00WAVEdata", 16),
        (b"RIFF\x00\x00\x00\x00WAVEdata", 16),
        (b"RIFF\x99\x00\x00\x00WAVEdata", None),
    ],
)
def test_the_end_of_a_container_is_found(content: bytes, end: int | None) -> None:
    container = containers.sniff(content)
    assert container is not None
    assert container.end(content) == end
    if end is not None:
        assert formats.rest(content[:end] + b"tail", container) in {b"tail", b""}


def test_frames_far_from_the_list_stay_far() -> None:
    assert (
        nearest(decoded(samples.clip([scene(number) for number in range(5)], "mp4", "libx264"))) > PDQ_RADIUS
    )
