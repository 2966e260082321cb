"""The canary kit through the real pipe, from bytes over the sandbox to the list: what it promises, and nothing else."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import av
import numpy as np
import pytest
import pytest_asyncio
from PIL import Image, ImageOps, ImageSequence

from relay.adapters.kit import pictures
from relay.adapters.kit.making import distance, make
from relay.adapters.kit.table import recipes
from relay.adapters.media import containers, samples
from relay.adapters.media.formats import sniff
from relay.adapters.media.hashing import Limits
from relay.adapters.media.pictures import hash_picture
from relay.adapters.media.sandbox import SandboxedDecoder
from relay.adapters.scanners.canary import CANARY, canary_entries
from relay.adapters.scanners.library import ListLibrary, ListSource
from relay.adapters.scanners.lists import ListScanner
from relay.adapters.sql.sqlite import SqliteStore
from relay.adapters.system import SystemClock
from relay.domain.facts import worst_match
from relay.domain.hashlist import PHASH_RADIUS, HashAlgorithm, ListPurpose
from relay.domain.lab.kit import Promise
from relay.domain.media import PDQ_DRIFT, PDQ_RADIUS, Decoded, MatchKind, ScanOutcome
from relay.domain.screening import digests_of
from tests import harmless
from tests.kits import kit

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from relay.domain.media import ScanResult
    from relay.ports import Scanner

ON_ONE_LOOP = pytest.mark.asyncio(loop_scope="module")
"""Tests share a decoder: starting a process takes longer than a test."""

NAMES = tuple(recipes())
MATCHING = [name for name, one in recipes().items() if one.plan.expected.match]
SHOWN = [name for name in MATCHING if not name.endswith((".mp4", ".webm", ".heic", ".jxl"))]
"""Those that Pillow shows by itself."""
LISTED = {entry.algorithm: entry.value for entry in canary_entries() if entry.note == "canary.bmp"}
ABUSE = ListScanner("abuse", canary_entries(), purpose=ListPurpose.ABUSE)
"""The same entries on a list that is no test list: it says known and near."""


class Pipe:
    """Bytes in, answer out, as the relay does it."""

    def __init__(self, decoder: SandboxedDecoder, scanner: Scanner) -> None:
        self.decoder, self._scanner = decoder, scanner

    async def scan(self, content: bytes, scanner: Scanner | None = None) -> ScanResult:
        decoded = await self.decoder.decode(content)
        return await (scanner or self._scanner).scan(digests_of(content), decoded)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def pipe(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Pipe]:
    folder: Path = tmp_path_factory.mktemp("canary")
    sandbox = SandboxedDecoder(
        clock=SystemClock(), memory=1 << 30, timeout=30.0, max_pixels=100_000_000, workers=1
    )
    async with sandbox, SqliteStore(folder / "relay.sqlite") as store:
        library = ListLibrary([ListSource(CANARY, None, CANARY, ListPurpose.TEST, builtin=True)], store)
        [scanner] = await library.scanners()
        yield Pipe(sandbox, scanner)


@ON_ONE_LOOP
@pytest.mark.parametrize("name", NAMES)
async def test_a_scan_says_of_each_file_what_the_kit_expects(pipe: Pipe, name: str) -> None:
    file = kit()[name]
    expected = file.plan.expected
    found = await pipe.scan(file.content)
    assert (found.outcome, found.reason) == (expected.outcome, expected.reason)
    assert {match.kind for match in found.matches} <= {MatchKind.TEST}
    strict = await pipe.scan(file.content, ABUSE)
    assert worst_match(match.kind for match in strict.matches) is expected.match


def shown(content: bytes) -> Image.Image:
    """The picture that matches, upright and without transparency, as a viewer shows it."""
    start = content.rfind(b"\xff\xd8\xff") if content.startswith(b"\xff\xd8") else 0
    *_, last = ImageSequence.all_frames(Image.open(io.BytesIO(content[start:])))
    if last.mode.startswith("I"):
        last = Image.fromarray((np.asarray(last) // 257).astype(np.uint8))
    upright = ImageOps.exif_transpose(last).convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", upright.size, "white"), upright).convert("RGB")


@ON_ONE_LOOP
@pytest.mark.parametrize("name", SHOWN)
async def test_a_file_that_matches_does_so_in_all_eight_turns(pipe: Pipe, name: str) -> None:
    """PDQ samples a little off the middle, so a turned copy may be near where the upright one is known."""
    upright = shown(kit()[name].content)
    for turn in (None, *Image.Transpose):
        turned = upright if turn is None else upright.transpose(turn)
        found = await pipe.scan(pictures.encoded(turned, "BMP"))
        assert found.outcome is ScanOutcome.VENDOR_TEST_MATCH, turn
        assert "pdq" in {match.algorithm for match in found.matches}, turn


@ON_ONE_LOOP
async def test_nothing_else_matches(pipe: Pipe) -> None:
    """Several hundred harmless pictures: none comes near, by PDQ in any turn or by pHash."""
    phash = int(LISTED[HashAlgorithm.PHASH], 16)
    pdq, other, hashed = (
        256,
        64,
        dict.fromkeys(("field", "noise", "gradient", "shapes", "text", "photograph"), 0),
    )
    for kind, picture in harmless.pictures():
        content = pictures.encoded(picture, "BMP")
        decoded = await pipe.decoder.decode(content)
        found = await ABUSE.scan(digests_of(content), decoded)
        assert not found.matches, kind
        if isinstance(decoded, Decoded):
            hashed[kind] += 1
            for frame in decoded.frames:
                pdq = min(pdq, distance(frame, [LISTED[HashAlgorithm.PDQ]]))
                other = min(other, (int.from_bytes(frame.phash) ^ phash).bit_count())
    assert sum(hashed.values()) >= 300
    assert min(hashed.values()) >= 20
    assert pdq > 2 * PDQ_RADIUS
    assert other > 2 * PHASH_RADIUS


@ON_ONE_LOOP
async def test_what_is_promised_of_a_file_is_so(pipe: Pipe) -> None:
    original = bytes.fromhex(LISTED[HashAlgorithm.PDQ])
    for name, file in kit().items():
        again = make(file.plan)
        assert again == file, "made twice with the same versions, the same bytes"
        decoded = await pipe.decoder.decode(file.content)
        assert (file.fingerprint is None) == (not isinstance(decoded, Decoded) or decoded.unseen is not None)
        if file.plan.promise is Promise.PDQ:
            assert file.fingerprint is not None
            assert file.fingerprint.quality == 100
        if name.startswith("canary-exif") and file.fingerprint:
            gap = int.from_bytes(file.fingerprint.pdq) ^ int.from_bytes(original)
            assert gap.bit_count() <= PDQ_DRIFT, "upright, although it lies on its side"


def test_files_are_of_the_type_that_they_are_served_with() -> None:
    for name, file in kit().items():
        found = sniff(file.content) or containers.sniff(file.content)
        if found is None:
            assert file.plan.expected.outcome is ScanOutcome.UNSCANNABLE
        else:
            assert (name, found.media_type) == (name, file.plan.media_type)


def opened(name: str) -> Any:
    return Image.open(io.BytesIO(kit()[name].content))


def test_files_are_what_their_titles_say() -> None:
    assert opened("canary-progressive.jpg").info["progressive"]
    assert "progressive" not in opened("canary.jpg").info
    assert opened("canary-interlaced.png").info["interlace"] == 1
    assert (opened("canary-grey.jpg").mode, opened("canary-cmyk.jpg").mode) == ("L", "CMYK")
    assert opened("canary-16-bit.png").mode.startswith("I")
    assert (opened("canary-palette.png").mode, opened("canary-alpha.png").mode) == ("P", "RGBA")
    assert opened("canary-ycbcr.tiff").tag_v2[262] == 6
    for number in range(2, 9):
        assert opened(f"canary-exif-{number}.jpg").getexif()[0x0112] == number
    assert kit()["unreadable-huge.png"].content[16:24] == pictures.HUGE.to_bytes(4) * 2
    assert b"<script" not in kit()["canary.svg"].content
    for name in (videos for videos in NAMES if videos.endswith(".mp4")):
        assert kit()[name].content[4:8] == b"ftyp"


@pytest.mark.parametrize("kind", ["png", "webp", "gif"])
def test_only_the_last_frame_of_an_animation_is_the_canary(kind: str) -> None:
    animated = opened(f"canary-last-frame.{kind}")
    frames = [
        hash_picture(pictures.png(one), Limits(1_000_000)) for one in ImageSequence.all_frames(animated)
    ]
    gaps = [
        distance(one.frames[0], [LISTED[HashAlgorithm.PDQ]]) for one in frames if isinstance(one, Decoded)
    ]
    assert len(gaps) == animated.n_frames > 2
    assert gaps[-1] <= PDQ_DRIFT
    assert min(gaps[:-1]) > 2 * PDQ_RADIUS


@ON_ONE_LOOP
@pytest.mark.parametrize(
    ("container", "codec"), [("mp4", "mpeg4"), ("webm", "libvpx"), ("matroska", "libx265"), ("mov", "mjpeg")]
)
async def test_the_video_survives_recoding(pipe: Pipe, container: str, codec: str) -> None:
    with av.open(io.BytesIO(kit()["canary.mp4"].content)) as media:
        frames = [frame.to_ndarray(format="rgb24") for frame in media.decode(video=0)]
    pixels = "yuvj420p" if codec == "mjpeg" else "yuv420p"
    options = {"x265-params": "log-level=none"} if codec == "libx265" else {}
    recoded = samples.clip(frames, container, codec, rate=2, pixels=pixels, options=options)
    found = await pipe.scan(recoded, ABUSE)
    assert found.outcome is ScanOutcome.MATCH
    [match] = [one for one in found.matches if one.algorithm == "pdq"]
    assert match.kind is MatchKind.KNOWN
    assert match.frames >= 1
    assert match.of > match.frames, "its other frames are other pictures"


@ON_ONE_LOOP
async def test_other_bytes_of_the_harmless_video_are_clean_and_half_of_it_is_not(pipe: Pipe) -> None:
    content = kit()["harmless.mp4"].content
    assert (await pipe.scan(content + b"\0\0\0\x08free")).outcome is ScanOutcome.NO_KNOWN_MATCH
    half = await pipe.scan(content[: len(content) // 2])
    assert (half.outcome, half.reason) == (ScanOutcome.UNSCANNABLE, "truncated")
