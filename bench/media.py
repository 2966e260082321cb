"""What decoding and hashing one file costs, against the bare decoder, and how many two decoders get through.

    python -m bench.media [--sizes 640x480 1920x1080] [--kinds JPEG HEIC] [--no-clips] [--no-flow]

Each kind of picture at each size goes through its library alone (`decode`; JPEG at the size that is enough for PDQ) and
through all that the relay does inside the sandbox (`ours`), in turn, on one core; the median of at least three. The
floor is the decoder and the least that PDQ takes after it: grey, a tent filter to 127 x 127, every second sample, a
product of matrices. Memory is that of a sandboxed decoder that hashes nothing else: what it grew by, and all of its
address space, for which `media.memory` is the limit (1 GiB). Videos are ten seconds long with a key frame at the
beginning; their floor is every frame decoded.

At last JPEGs go through two sandboxed decoders, once with nothing else and once by the relay: fetched over HTTP from
another process, digested, decoded, compared and stored; then once more, when their digests are known.
"""

from __future__ import annotations

import argparse
import asyncio
import io
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import av
import imagecodecs
import numpy as np
import pillow_heif
from PIL import Image

from bench.world import CONFIG, bench_relay, own_cpu, save
from relay.adapters.media import pdq, samples
from relay.adapters.media.canary import encoded, photograph
from relay.adapters.media.hashing import REDUCED, Limits
from relay.adapters.media.sandbox import SandboxedDecoder
from relay.adapters.media.videos import hash_sniffed
from relay.adapters.system import SystemClock
from relay.domain.media import Decoded, MediaKind, MediaRef, ScanOutcome, Undecodable

if TYPE_CHECKING:
    from collections.abc import Callable

SIZES = ("640x480", "1920x1080", "4000x3000", "8000x6000")
KINDS = ("JPEG", "JPEG progressive", "PNG", "GIF", "WEBP", "AVIF", "HEIC", "JXL", "BMP", "TIFF")
CLIPS = {"H.264": "libx264", "VP9": "libvpx-vp9", "AV1": "libsvtav1"}
LIMITS = Limits(100_000_000)
SECONDS = 0.5
"""For one figure; at least three runs."""
LONG = 0.3
"""Seconds from which on a run is not tried out before."""
JPEGS, HOSTS = 200, 4


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


def bare(kind: str, content: bytes) -> Image.Image | None:
    """Decode with the library alone; JPEG XL comes as an array, HEIC as bytes."""
    if kind == "HEIC":
        _ = pillow_heif.open_heif(io.BytesIO(content)).data
    elif kind == "JXL":
        imagecodecs.jpegxl_decode(content, numthreads=1)
    else:
        with Image.open(io.BytesIO(content)) as image:
            if kind.startswith("JPEG"):
                image.draft("L", (REDUCED, REDUCED))
            image.load()
            return image
    return None


def least(image: Image.Image) -> None:
    """Hash a decoded picture once, with the least work that comes near PDQ."""
    small = image.convert("L").resize((127, 127), Image.Resampling.BILINEAR)
    pdq.hash_grid(np.asarray(small, np.float32)[::2, ::2])


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
        began = time.perf_counter()
        work()
        if time.perf_counter() - began > LONG:
            break
    end = time.perf_counter() + SECONDS
    while time.perf_counter() < end or len(times[0]) < 3:
        for found, work in zip(times, works, strict=True):
            began = time.process_time()
            work()
            found.append((time.process_time() - began) * 1000)
    return [statistics.median(found) for found in times]


async def memory(content: bytes) -> tuple[float, float]:
    """Megabytes that a fresh decoder grows by at most while it hashes a file, and its address space at most.

    Both are endless where the limit of `media.memory` was not enough.
    """
    async with _decoder(1) as decoder:
        (pid,) = decoder.pids
        before = _status(pid, "VmRSS")
        found = await decoder.decode(content)
        if found is Undecodable.OUT_OF_MEMORY:
            return math.inf, math.inf
        assert isinstance(found, Decoded), found
        return (_status(pid, "VmHWM") - before) / 1024, _status(pid, "VmPeak") / 1024


def _decoder(workers: int) -> SandboxedDecoder:
    return SandboxedDecoder(
        clock=SystemClock(), memory=1 << 30, timeout=30, max_pixels=LIMITS.max_pixels, workers=workers
    )


def _status(pid: int, name: str) -> int:
    lines = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return int(lines[name].split()[0])


def measure(
    kind: str, content: bytes, decode: Callable[[], object], hash_: Callable[[], object]
) -> dict[str, float]:
    """The bare decoder, the floor, all that we do, their ratios, and memory."""
    found = hash_sniffed(content, LIMITS)
    assert isinstance(found, Decoded), (kind, found)
    assert found.unseen is None, (kind, found.unseen)
    decoded, hashed, ours = interleaved(decode, hash_, lambda: hash_sniffed(content, LIMITS))
    grown, space = asyncio.run(memory(content))
    return {
        "kilobytes": len(content) / 1000,
        "decode ms": decoded,
        "floor ms": decoded + hashed,
        "ms": ours,
        "of the floor": ours / (decoded + hashed),
        "of the decoder": ours / decoded,
        "peak MB": grown,
        "space MB": space,
    }


COLUMNS = {
    "kB": ("kilobytes", ",.0f"),
    "decode ms": ("decode ms", ",.1f"),
    "floor ms": ("floor ms", ",.1f"),
    "ours ms": ("ms", ",.1f"),
    "x floor": ("of the floor", ".2f"),
    "x decode": ("of the decoder", ".2f"),
    "peak MB": ("peak MB", ",.0f"),
    "space MB": ("space MB", ",.0f"),
}


def show(name: str, row: dict[str, float]) -> None:
    """Print a line."""
    cells = (format(row[key], how) for key, how in COLUMNS.values())
    print(f"{name:<28}" + "".join(f"{cell:>11}" for cell in cells), flush=True)


async def throughput(contents: list[bytes], workers: int) -> tuple[float, float]:
    """Files per second through so many sandboxed decoders, and the milliseconds that one takes a decoder."""
    async with _decoder(workers) as decoder:
        await asyncio.gather(*(decoder.decode(content) for content in contents[: 2 * workers]))
        pids = decoder.pids
        used, began = sum(map(_seconds, pids)), time.perf_counter()
        found = await asyncio.gather(*(decoder.decode(content) for content in contents))
        took = time.perf_counter() - began
        assert all(isinstance(one, Decoded) for one in found)
        assert decoder.pids == pids
        return len(contents) / took, (sum(map(_seconds, pids)) - used) / len(contents) * 1000


def _seconds(pid: int) -> float:
    """Processor seconds of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def serve_files() -> None:
    """Serve the folder that is the first argument until the input closes; print the port."""
    from aiohttp import web

    async def main() -> None:
        application = web.Application()
        application.router.add_static("/", sys.argv[1])
        runner = web.AppRunner(application, access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        print(runner.addresses[0][1], flush=True)
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
        await runner.cleanup()

    asyncio.run(main())


async def flow(contents: list[bytes]) -> dict[str, float]:
    """Pictures through the relay: unknown, then with known digests, then a known digest alone."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "files").mkdir()
        for number, content in enumerate(contents):
            (folder / "files" / str(number)).write_bytes(content)
        server = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", "from bench.media import serve_files; serve_files()", folder / "files"),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert server.stdout
        port = int(await server.stdout.readline())
        try:
            async with bench_relay(folder, CONFIG) as relay:
                urls = [f"http://m{at % HOSTS}.test:{port}/{at}" for at in range(len(contents))]

                async def all_of(some: list[str]) -> tuple[float, float]:
                    began, used = time.perf_counter(), own_cpu()
                    refs = (MediaRef(url, MediaKind.IMAGE) for url in some)
                    items = await asyncio.gather(
                        *(relay.inspector.inspect(ref, ref.url + "/note", ()) for ref in refs)
                    )
                    assert all(item.outcome is ScanOutcome.NO_KNOWN_MATCH for item in items), items[0]
                    took = time.perf_counter() - began
                    return len(some) / took, (own_cpu() - used) / len(some) * 1000

                await all_of(urls[:8])
                fresh, fresh_cpu = await all_of(urls[8:])
                again, again_cpu = await all_of(urls[8:])
                times = []
                for content in contents[8:]:
                    began = time.process_time()
                    await relay.inspector.facts(content)
                    times.append((time.process_time() - began) * 1000)
        finally:
            await server.communicate()
    return {
        "unknown per second": fresh,
        "relay ms": fresh_cpu,
        "known per second": again,
        "relay ms known": again_cpu,
        "known digest ms": statistics.median(times),
    }


def in_one_thread() -> None:
    """Start anew as decoders run: threads of numpy that wait for each other would count as time used."""
    if os.environ.get("OPENBLAS_NUM_THREADS") != "1":
        again = [sys.executable, "-m", "bench.media", *sys.argv[1:]]
        os.execve(sys.executable, again, os.environ | {"OPENBLAS_NUM_THREADS": "1"})  # noqa: S606 - itself


def pictures(sizes: list[str], kinds: list[str]) -> dict[str, dict[str, float]]:
    """A row for each kind at each size."""
    base = Image.fromarray(photograph("bench", 2000, 1500))
    rows = {}
    for size in sizes:
        width, height = map(int, size.split("x"))
        pixels = np.asarray(base.resize((width, height)))
        for kind in kinds:
            content = make(kind, pixels)
            decoded = bare(kind, content) or Image.fromarray(pixels)
            rows[f"{kind} {size}"] = measure(
                kind,
                content,
                lambda kind=kind, content=content: bare(kind, content),  # type: ignore[misc]
                lambda decoded=decoded: least(decoded),  # type: ignore[misc]
            )
            show(f"{kind} {size}", rows[f"{kind} {size}"])
    return rows


def clips() -> dict[str, dict[str, float]]:
    """A row for each codec."""
    moving = [photograph(f"bench {number}", 1400, 800) for number in range(2)]
    frames = [moving[at // 150][at % 60 : at % 60 + 720, at % 60 : at % 60 + 1280] for at in range(300)]
    rows = {}
    for name, codec in CLIPS.items():
        options = {
            "libvpx-vp9": {"cpu-used": "8", "deadline": "realtime"},
            "libsvtav1": {"preset": "12"},
        }.get(codec, {"preset": "ultrafast"})
        content = samples.clip(
            [np.ascontiguousarray(one) for one in frames], "matroska", codec, rate=30, options=options
        )
        row = measure(name, content, lambda content=content: bare_video(content), lambda: None)  # type: ignore[misc]
        rows[f"video {name}"] = row
        show(f"10 s of 720p30 {name}", row)
    return rows


def decoders() -> dict[str, dict[str, float]]:
    """JPEGs through sandboxed decoders, and through the relay, against the floor of two cores."""
    base = Image.fromarray(photograph("bench", 2000, 1500)).resize((1920, 1080))
    pixels = np.asarray(base)
    jpegs = [make("JPEG", np.roll(pixels, number * 7, axis=1)) for number in range(JPEGS + 8)]
    decoded = bare("JPEG", jpegs[0])
    assert decoded is not None
    floor = sum(interleaved(lambda: bare("JPEG", jpegs[0]), lambda: least(decoded)))
    found: dict[str, dict[str, float]] = {}
    for workers in (1, 2):
        rate, each = asyncio.run(throughput(jpegs[:180], workers))  # no decoder is worn out by so many
        share = rate * floor / 1000 / workers
        found[f"decoders {workers}"] = {"per second": rate, "of the floor": share, "ms": each}
        print(
            f"JPEG 1920x1080, {workers} decoders: {rate:,.0f} a second, {share:.0%} of {workers} floors; "
            f"{each:.1f} ms of processor time each, {each / floor:.2f} x floor"
        )
    row = asyncio.run(flow(jpegs))
    row["of the floor"] = row["unknown per second"] * floor / 2000
    found["flow"] = row
    print(
        f"fetched, decoded, compared and stored, 2 decoders: {row['unknown per second']:,.0f} a second, "
        f"{row['of the floor']:.0%} of 2 floors; {row['relay ms']:.1f} ms each in the relay itself"
    )
    print(
        f"fetched and known: {row['known per second']:,.0f} a second; a known digest alone, with the digests of its "
        f"{len(jpegs[0]) / 1000:,.0f} kB: {row['known digest ms']:.2f} ms; budget 1"
    )
    return found


def main() -> None:
    """Measure everything and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--sizes", nargs="*", default=SIZES)
    parser.add_argument("--kinds", nargs="*", default=KINDS)
    parser.add_argument("--no-clips", action="store_true", help="leave videos out")
    parser.add_argument("--no-flow", action="store_true", help="leave the decoders at work out")
    given = parser.parse_args()
    in_one_thread()
    pillow_heif.options.DECODE_THREADS = 0
    result: dict[str, Any] = {}
    print(f"{'':<28}" + "".join(f"{column:>11}" for column in COLUMNS))
    result |= pictures(given.sizes, given.kinds)
    result |= {} if given.no_clips else clips()
    result |= {} if given.no_flow else decoders()
    save("media", result)


if __name__ == "__main__":
    main()
