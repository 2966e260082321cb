"""Hands damaged media of every format to the decoders in their sandbox: `python -m tests.fuzz.media --files 20000`.

Each file is made from a sample by a generator with a known seed: the same number gives the same file. What must hold:
every file gets an answer in time, whatever becomes of the workers, and the relay's own process neither grows nor keeps
descriptors or children. Files at which a worker died or was killed twice are kept. Exit code 1 when something does
not hold.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from relay.adapters.media import canary, samples
from relay.adapters.media.sandbox import SandboxedDecoder
from relay.adapters.system import SystemClock
from relay.domain.media import Decoded, Undecodable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

ROOT = Path(__file__).resolve().parents[2]
TIMEOUT = 10.0
"""Seconds for one file; samples take a few milliseconds."""
WORKERS = 2
GROWTH = 32
"""Megabytes that the relay's own process may grow: queues, buffers of pipes, what Python keeps."""
_VALUES = (
    b"\x00",
    b"\xff",
    b"\x7f\xff\xff\xff",
    b"\xff\xff\xff\xff",
    b"\x80\x00\x00\x00",
    b"\x00\x00\x00\x00",
)


@cache
def originals() -> Mapping[str, bytes]:
    """A small sample of each format, by name."""
    picture = canary.photograph("fuzz", 96, 64)
    image = Image.fromarray(picture)
    scenes = [canary.photograph(f"fuzz {number}", 96, 64) for number in range(4)]
    wide = Image.fromarray(np.asarray(image.convert("L")).astype(np.uint16) * 257)
    found = {
        **{
            kind: canary.encoded(image, kind.upper())
            for kind in ("jpeg", "png", "gif", "webp", "avif", "bmp", "tiff")
        },
        "jpeg progressive": canary.encoded(image, "JPEG", progressive=True),
        "jpeg cmyk": canary.encoded(image.convert("CMYK"), "JPEG"),
        "jpeg exif": canary.turned(image, 6),
        "png palette": canary.encoded(canary.few_colours(image), "PNG"),
        "png 16 bit": canary.encoded(wide, "PNG"),
        "tiff lzw": canary.encoded(image, "TIFF", compression="tiff_lzw"),
        "tiff jpeg": canary.encoded(image, "TIFF", compression="jpeg"),
        "webp lossless": canary.encoded(image, "WEBP", lossless=True),
        **{
            f"{kind} animated": canary.animation(
                Image.fromarray(canary.photograph("fuzz", 192, 128)), kind, before=3
            )
            for kind in ("PNG", "GIF", "WEBP", "AVIF")
        },
        "heic": samples.heic(picture, quality=60),
        "heic tiles": samples.heic(picture, tile_size=64, thumbnails=[32]),
        "jxl": samples.jxl(picture),
        "jxl box": samples.jxl(picture, lossless=True, usecontainer=True),
    }
    clips = (
        ("mp4", "libx264", "yuv420p"),
        ("mp4", "libx265", "yuv420p"),
        ("mp4", "libsvtav1", "yuv420p"),
        ("mp4", "mpeg4", "yuv420p"),
        ("mov", "mjpeg", "yuvj420p"),
        ("mov", "prores_ks", "yuv422p10le"),
        ("webm", "libvpx", "yuv420p"),
        ("webm", "libvpx-vp9", "yuv420p"),
        ("matroska", "libx264", "yuv420p"),
    )
    for container, codec, pixels in clips:
        options = {"x265-params": "log-level=none"} if codec == "libx265" else {}
        found[f"{container} {codec}"] = samples.clip(scenes, container, codec, pixels=pixels, options=options)
    cover = found["jpeg"]
    for container, codec in (("mp3", "libmp3lame"), ("flac", "flac")):
        found[f"{container} cover"] = samples.sound(container, codec, covers=[cover])
    for container, codec in (("ogg", "libopus"), ("wav", "pcm_s16le"), ("ipod", "aac"), ("adts", "aac")):
        found[container] = samples.sound(container, codec)
    return found


def damaged(number: int) -> tuple[str, bytes]:
    """The name of a sample and what became of it: the same for the same number."""
    chance = random.Random(number)  # noqa: S311 - damage, not secrets
    samples_by_name = originals()
    name = list(samples_by_name)[number % len(samples_by_name)]
    content = bytearray(samples_by_name[name])
    for _ in range(chance.choice((1, 1, 1, 2, 4, 16))):
        _damage(content, chance)
    return name, bytes(content)


def _damage(content: bytearray, chance: random.Random) -> None:
    # Half of it near the beginning, where sizes and counts stand.
    at = chance.randrange(max(1, len(content) if chance.random() < 0.5 else min(len(content), 600)))
    size = chance.choice((1, 2, 4, 16, 200))
    way = chance.randrange(9)
    if way < 3:
        for place in range(at, min(at + chance.choice((1, 1, 4)), len(content))):
            content[place] ^= 1 << chance.randrange(8)
    elif way == 3:
        value = chance.choice(_VALUES)
        content[at : at + len(value)] = value
    elif way == 4:
        content[at : at + size] = chance.randbytes(size)
    elif way == 5:
        del content[at : at + size]
    elif way == 6:
        content[at:at] = content[at : at + size]
    elif way == 7:
        del content[at:]
    else:
        other = chance.choice(list(originals().values()))
        start = chance.randrange(len(other))
        content[at : at + 4 * size] = other[start : start + 4 * size]


@dataclass(slots=True)
class Result:
    """What came of a run: answers by name, the slowest file in seconds, and what the run cost the relay."""

    files: int
    answers: Counter[str] = field(default_factory=Counter)
    slowest: float = 0.0
    late: list[int] = field(default_factory=list)
    bad: list[int] = field(default_factory=list)
    died: int = 0
    killed: int = 0
    replaced: int = 0
    grown: float = 0.0
    descriptors: int = 0
    children: int = 0

    @property
    def faults(self) -> list[str]:
        """What does not hold."""
        return [
            *(f"file {number} was answered late" for number in self.late),
            *([f"the relay grew by {self.grown:.0f} MB"] if self.grown > GROWTH else []),
            *([f"{self.descriptors} descriptors were left open"] if self.descriptors > 0 else []),
            *([f"{self.children} processes were left running"] if self.children > 0 else []),
        ]


def _open_descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))  # noqa: PTH208


def _children() -> int:
    return len(Path(f"/proc/self/task/{os.getpid()}/children").read_text().split())


def _megabytes() -> float:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


async def _hand(decoder: SandboxedDecoder, numbers: Iterable[int], result: Result) -> None:
    """Hand the files with these numbers to the decoder, one for each worker at a time."""
    left = iter(numbers)

    async def work() -> None:
        for number in left:
            _, content = damaged(number)
            began = time.perf_counter()
            found = await decoder.decode(content)
            took = time.perf_counter() - began
            result.slowest = max(result.slowest, took)
            if took > TIMEOUT + 2:
                result.late.append(number)
            why = found.unseen if isinstance(found, Decoded) else found
            result.answers["whole" if why is None else why.value] += 1
            if why in {Undecodable.CRASHED, Undecodable.TIMEOUT}:
                result.bad.append(number)

    async with asyncio.TaskGroup() as group:
        for _ in range(WORKERS):
            group.create_task(work())


async def run(first: int, files: int) -> Result:
    """Decode so many damaged files."""
    result = Result(files)
    originals()
    processes = _children()
    async with SandboxedDecoder(
        clock=SystemClock(), memory=1 << 30, timeout=TIMEOUT, max_pixels=10_000_000, workers=WORKERS
    ) as decoder:
        warm = first + files // 20
        await _hand(decoder, range(first, warm), result)
        descriptors, size = _open_descriptors(), _megabytes()
        await _hand(decoder, range(warm, first + files), result)
        result.descriptors, result.grown = _open_descriptors() - descriptors, _megabytes() - size
        stats = decoder.stats
    result.died, result.killed, result.replaced = stats.died, stats.killed, stats.replaced
    result.children = _children() - processes
    return result


def main() -> int:
    """Run, tell, and keep what is worth looking at."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--files", type=int, default=20_000)
    parser.add_argument("--first", type=int, default=0, help="number of the first file")
    parser.add_argument("--folder", type=Path, default=ROOT / ".fuzz")
    given = parser.parse_args()
    began = time.perf_counter()
    result = asyncio.run(run(given.first, given.files))
    seconds = time.perf_counter() - began
    sys.stdout.write(
        f"{result.files:,} files of {len(originals())} kinds in {seconds:.0f} s; the slowest took "
        f"{result.slowest:.1f} s\n"
    )
    for name, count in result.answers.most_common():
        sys.stdout.write(f"  {name:<20}{count:>8,}\n")
    sys.stdout.write(
        f"workers died {result.died}, killed {result.killed}, replaced {result.replaced}; the relay grew by "
        f"{result.grown:.1f} MB, {result.descriptors} descriptors and {result.children} processes are left\n"
    )
    for number in result.bad:
        name, content = damaged(number)
        place = given.folder / "media" / f"{number} {name}"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)
        sys.stdout.write(f"kept {place}\n")
    for fault in result.faults:
        sys.stdout.write(f"{fault}\n")
    return 1 if result.faults else 0


if __name__ == "__main__":
    sys.exit(main())
