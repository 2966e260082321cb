"""Media of every kind, made from pictures and a tone: for tests, benchmarks, and what a decoder loads on first use.

What Pillow writes is in canary.py.
"""

from __future__ import annotations

import io
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    import numpy.typing as npt

    from relay.adapters.media.canary import Bytes

RATE = 48_000
"""Samples of sound in a second; MP4 in AAC and Ogg in Opus both take it."""


def heic(*pictures: Bytes, **options: object) -> bytes:
    """Pictures as one HEIC; `options` as `pillow_heif.HeifFile.save` has them: `quality`, `thumbnails`, `tile_size`."""
    import pillow_heif

    out = io.BytesIO()
    file: Any = pillow_heif.HeifFile()  # type: ignore[no-untyped-call]
    for picture in pictures:
        height, width, _ = picture.shape
        file.add_frombytes("RGB", (width, height), picture.tobytes())
    file.save(out, **({"quality": 90} | options))
    return out.getvalue()


def jxl(picture: npt.NDArray[Any], **options: Any) -> bytes:
    """A picture as JPEG XL, an animation where there is an axis more; `options` as imagecodecs has them."""
    from imagecodecs import jpegxl_encode

    return bytes(jpegxl_encode(picture, **({"level": 90} | options)))


@contextmanager
def _scheduled_as_before() -> Iterator[None]:
    """Put this thread back among the others.

    SVT-AV1 makes whoever calls it as root a real-time thread (SCHED_FIFO 99), and so every process that this one starts
    afterwards: two of them that are busy stop the machine.
    """
    if not hasattr(os, "sched_getscheduler"):
        yield
        return
    policy, parameters = os.sched_getscheduler(0), os.sched_getparam(0)
    try:
        yield
    finally:
        os.sched_setscheduler(0, policy, parameters)


def clip(
    frames: Sequence[Bytes],
    container: str = "mp4",
    codec: str = "mpeg4",
    *,
    rate: int = 1,
    keys: int = 250,
    pixels: str = "yuv420p",
    options: Mapping[str, str] | None = None,
    tracks: int = 1,
) -> bytes:
    """A video of frames of one size, `rate` a second, a key frame at least every `keys`; names as FFmpeg has them."""
    import av

    out = io.BytesIO()
    with (
        _scheduled_as_before(),
        av.open(out, "w", format=container, options={"fflags": "+bitexact"}) as media,
    ):
        streams: list[Any] = []
        for _ in range(tracks):
            stream: Any = media.add_stream(codec, rate=rate, options=dict(options or {}))
            stream.height, stream.width = frames[0].shape[:2]
            stream.pix_fmt = pixels
            stream.codec_context.gop_size = keys
            stream.codec_context.thread_count = 1
            streams.append(stream)
        for frame in frames:
            for stream in streams:
                media.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        for stream in streams:
            media.mux(stream.encode())
    return out.getvalue()


def sound(container: str = "adts", codec: str = "aac", *, covers: Iterable[bytes] = ()) -> bytes:
    """A second of a tone; `covers`: JPEGs attached to it."""
    import av
    from av.stream import Disposition

    out = io.BytesIO()
    wave = (np.sin(np.arange(RATE) / 20) * 9000).astype(np.int16)[None]
    with av.open(out, "w", format=container, options={"fflags": "+bitexact"}) as media:
        stream: Any = media.add_stream(codec, rate=RATE)
        attached = [(_add_cover(media, Disposition.attached_pic), one) for one in covers]
        tone = av.AudioFrame.from_ndarray(wave, format="s16", layout="mono")
        tone.sample_rate = RATE
        packets = [*stream.encode(tone), *stream.encode()]
        for place, content in attached:
            packet = av.Packet(content)
            packet.stream, packet.pts, packet.dts = place, 0, 0
            media.mux(packet)
        for packet in packets:
            media.mux(packet)
    return out.getvalue()


def _add_cover(media: Any, disposition: Any) -> Any:
    stream = media.add_stream("mjpeg", rate=1)
    stream.width, stream.height, stream.pix_fmt = 320, 240, "yuvj420p"
    stream.disposition = disposition
    return stream
