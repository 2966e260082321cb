"""What decoding and hashing one file costs, against the bare decoder, and how many two decoders get through.

    python -m bench.media [--sizes 640x480 1920x1080] [--kinds JPEG HEIC]

Each kind of picture at each size is decoded by its library alone (the floor: for JPEG at the size that is enough for
PDQ) and by all that the relay does inside the sandbox, in turn, on one core; the median of at least three.
Memory is what the process grew by at its worst. Videos are ten seconds long with a key frame at the beginning; their
floor is every frame decoded. At last two sandboxed decoders work off JPEGs, with pipes and all.
"""

from __future__ import annotations

import argparse
import asyncio
import io
import multiprocessing
import statistics
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import av
import imagecodecs
import numpy as np
import pillow_heif
from PIL import Image

from bench.world import save
from relay.adapters.media import samples
from relay.adapters.media.canary import encoded, photograph
from relay.adapters.media.hashing import REDUCED, Limits
from relay.adapters.media.sandbox import SandboxedDecoder
from relay.adapters.media.videos import hash_sniffed
from relay.adapters.system import SystemClock
from relay.domain.media import Decoded

if TYPE_CHECKING:
    from collections.abc import Callable

SIZES = ("640x480", "1920x1080", "4000x3000", "8000x6000")
KINDS = ("JPEG", "JPEG progressive", "PNG", "GIF", "WEBP", "AVIF", "HEIC", "JXL", "BMP", "TIFF")
CLIPS = {"H.264": "libx264", "VP9": "libvpx-vp9", "AV1": "libsvtav1"}
LIMITS = Limits(100_000_000)
SECONDS = 1.0
"""For one figure; at least three runs."""


def make(kind: str, pixels: np.ndarray[Any, Any]) -> bytes:
    """A picture of a kind, with settings that encode fast."""
    image = Image.fromarray(pixels)
    if kind == "HEIC":
        return samples.heic(pixels, quality=70, enc_params={"preset": "ultrafast"})
    if kind == "JXL":
        return samples.jxl(pixels, effort=1)
    options: dict[str, dict[str, object]] = {
        "JPEG": {"quality": 85},
        "JPEG progressive": {"quality": 85, "progressive": True},
        "PNG": {"compress_level": 1},
        "WEBP": {"quality": 80, "method": 0},
        "AVIF": {"quality": 70, "speed": 10},
    }
    return encoded(image, kind.split(maxsplit=1)[0], **options.get(kind, {}))


def bare(kind: str, content: bytes) -> None:
    """Decode with the library alone."""
    if kind == "HEIC":
        _ = pillow_heif.open_heif(io.BytesIO(content)).data
    elif kind == "JXL":
        imagecodecs.jpegxl_decode(content, numthreads=1)
    else:
        with Image.open(io.BytesIO(content)) as image:
            if kind.startswith("JPEG"):
                image.draft("L", (REDUCED, REDUCED))
            image.load()


def bare_video(content: bytes) -> None:
    """Decode every frame with PyAV alone, in one thread."""
    with av.open(io.BytesIO(content)) as media:
        stream = media.streams.video[0]
        stream.codec_context.thread_count = 1
        for _ in media.decode(stream):
            pass


def interleaved(*works: Callable[[], object]) -> list[float]:
    """The median milliseconds of processor time of each, run in turn: other work on the machine does not count."""
    times: list[list[float]] = [[] for _ in works]
    for work in works:
        work()
    end = time.perf_counter() + SECONDS
    while time.perf_counter() < end or len(times[0]) < 3:
        for found, work in zip(times, works, strict=True):
            began = time.process_time()
            work()
            found.append((time.process_time() - began) * 1000)
    return [statistics.median(found) for found in times]


def peak(content: bytes) -> float:
    """Megabytes that a fresh process grows by at most while it hashes a file."""
    context = multiprocessing.get_context("spawn")
    answers = context.Queue()
    process = context.Process(target=_hash_once, args=(content, answers))
    process.start()
    found: float = answers.get(timeout=300)
    process.join()
    return found


def _hash_once(content: bytes, answers: Any) -> None:
    hash_sniffed(encoded(Image.effect_noise((64, 64), 99), "PNG"), LIMITS)
    Path("/proc/self/clear_refs").write_text("5")  # the high-water mark begins anew
    before = _status("VmRSS")
    hash_sniffed(content, LIMITS)
    answers.put((_status("VmHWM") - before) / 1024)


def _status(name: str) -> int:
    lines = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return int(lines[name].split()[0])


def measure(kind: str, content: bytes, floor: Callable[[], None]) -> dict[str, float]:
    """Floor, all that we do, their ratio, and memory."""
    found = hash_sniffed(content, LIMITS)
    assert isinstance(found, Decoded), (kind, found)
    assert found.unseen is None, (kind, found.unseen)
    floor_ms, ours = interleaved(floor, lambda: hash_sniffed(content, LIMITS))
    return {
        "kilobytes": len(content) / 1000,
        "floor ms": floor_ms,
        "ms": ours,
        "ratio": ours / floor_ms,
        "peak MB": peak(content),
    }


def show(name: str, row: dict[str, float]) -> None:
    """Print a line."""
    print(
        f"{name:<30}{row['kilobytes']:>10,.0f}{row['floor ms']:>11,.1f}{row['ms']:>11,.1f}{row['ratio']:>8.2f}"
        f"{row['peak MB']:>10,.0f}",
        flush=True,
    )


async def throughput(contents: list[bytes], workers: int = 2) -> float:
    """Files per second through so many sandboxed decoders."""
    async with SandboxedDecoder(
        clock=SystemClock(), memory=1 << 30, timeout=30, max_pixels=100_000_000, workers=workers
    ) as decoder:
        await asyncio.gather(*(decoder.decode(content) for content in contents[: 2 * workers]))
        began = time.perf_counter()
        found = await asyncio.gather(*(decoder.decode(content) for content in contents))
        assert all(isinstance(one, Decoded) for one in found)
        return len(contents) / (time.perf_counter() - began)


def main() -> None:
    """Measure everything and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--sizes", nargs="*", default=SIZES)
    parser.add_argument("--kinds", nargs="*", default=KINDS)
    given = parser.parse_args()
    pillow_heif.options.DECODE_THREADS = 0
    base = photograph("bench", 2000, 1500)
    result: dict[str, Any] = {}
    print(f"{'':<30}{'kB':>10}{'floor ms':>11}{'ours ms':>11}{'ratio':>8}{'peak MB':>10}")
    for size in given.sizes:
        width, height = map(int, size.split("x"))
        pixels = np.asarray(Image.fromarray(base).resize((width, height)))
        for kind in given.kinds:
            content = make(kind, pixels)
            name = f"{kind} {size}"
            result[name] = measure(kind, content, lambda kind=kind, content=content: bare(kind, content))  # type: ignore[misc]
            show(name, result[name])
    moving = [photograph(f"bench {number}", 1400, 800) for number in range(2)]
    frames = [moving[at // 150][at % 60 : at % 60 + 720, at % 60 : at % 60 + 1280] for at in range(300)]
    for name, codec in CLIPS.items():
        options = {
            "libvpx-vp9": {"cpu-used": "8", "deadline": "realtime"},
            "libsvtav1": {"preset": "12"},
        }.get(codec, {"preset": "ultrafast"})
        content = samples.clip(
            [np.ascontiguousarray(one) for one in frames], "matroska", codec, rate=30, options=options
        )
        result[f"video {name}"] = measure(name, content, lambda content=content: bare_video(content))  # type: ignore[misc]
        show(f"10 s of 720p30 {name}", result[f"video {name}"])
    pixels = np.asarray(Image.fromarray(base).resize((1920, 1080)))
    jpegs = [make("JPEG", np.roll(pixels, number * 7, axis=1)) for number in range(40)]
    floor, _ = interleaved(lambda: bare("JPEG", jpegs[0]), lambda: None)
    for workers in (1, 2):
        rate = asyncio.run(throughput(jpegs * 5, workers))
        result[f"decoders {workers}"] = {"per second": rate, "of the floor": rate * floor / 1000 / workers}
        share = rate * floor / 1000 / workers
        print(f"{workers} decoders, JPEG 1920x1080: {rate:,.0f} a second, {share:.0%} of the floor")
    save("media", result)


if __name__ == "__main__":
    main()
