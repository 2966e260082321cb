"""From the bytes of a video or a sound to the perceptual hashes of what it shows. Runs inside the sandbox.

Like vPDQ, a video is a bag of frames that are compared each. They are taken at least `step` seconds apart, more where
the video is so long that they would be too many, and the first and the last are always among them. Time is made from
the packets and not believed: a pause counts as one step at most, so that a picture cannot hide between two
timestamps that are years apart. Only packets that are needed are decoded: where key frames stand close enough these
alone, elsewhere all but those that no other frame is built on.

Every video track is looked at, also what an edit list hides, and attached pictures (covers). Sound is not decoded.
"""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

import av
from av.stream import Disposition
from av.video.reformatter import VideoReformatter
from PIL import Image

from relay.adapters.media import containers, formats
from relay.adapters.media.hashing import Findings, Frame, Limits, TooManyPixelsError
from relay.adapters.media.pictures import BROKEN, hash_picture
from relay.domain.media import Decoded, Undecodable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from relay.adapters.media.containers import Container

TRACKS: Final = 4
"""Most video tracks that are looked at, and most covers."""

_CODECS: Final = frozenset(
    [
        "h264",
        "hevc",
        "vp8",
        "vp9",
        "libdav1d",
        "mpeg4",
        "h263",
        "mpeg1video",
        "mpeg2video",
        "theora",
        "mjpeg",
        "prores",
        "vvc",
    ]
)
"""Decoders that are used at all: FFmpeg has hundreds, most of them for files that nobody shows."""

_OPTIONS: Final = {
    "codec_whitelist": ",".join(sorted(_CODECS)),
    "protocol_whitelist": "",
    "ignore_editlist": "1",
}

_END: Final = 32
"""Packets at the end of a track of which every one is decoded, so that the last frame is among them."""

_PADDING: Final = 1 << 16
"""Pixels that FFmpeg may want besides, for the edges of what it decodes."""

_SHORTEST: Final = 1 / 240
"""Seconds that a frame counts at least."""

_BROKEN: Final = (*BROKEN, av.FFmpegError)


def hash_container(content: bytes, container: Container, limits: Limits) -> Decoded | Undecodable:
    """Hash what a video or a sound shows, or say why not. Sound is never seen as a whole: it can match only.

    Raises MemoryError where memory is limited and it needs more.
    """
    findings = Findings(container.media_type, limits)
    is_cut_short = formats.is_cut_short(content, container)
    if is_cut_short:
        findings.miss(Undecodable.TRUNCATED)
    elif formats.is_polyglot(content, container):
        findings.miss(Undecodable.SECOND_FILE)
    try:
        _look(content, container, findings)
    except MemoryError:
        raise
    except TooManyPixelsError:
        findings.miss(Undecodable.TOO_MANY_PIXELS)
    except _BROKEN as error:
        findings.miss(_why(error))
    return findings.result()


def _why(error: BaseException) -> Undecodable:
    if isinstance(error, av.error.DecoderNotFoundError) or "not supported" in str(error):
        return Undecodable.UNSUPPORTED
    return Undecodable.CORRUPT


def _look(content: bytes, container: Container, findings: Findings) -> None:
    tracks, covers = _survey(content, container, findings)
    if not tracks:
        findings.media_type = container.sound
        findings.miss(Undecodable.SOUND_ONLY)
    share = max(2, findings.limits.video_frames // max(len(tracks), 1))
    for track in tracks[:TRACKS]:
        with _opened(content, container) as media:
            _follow(media, track, _Plan.of(track, share, findings.limits.step), findings)
    for cover in covers[:TRACKS]:
        # A cover may be of any format that pictures come in, but no file within a file within a file.
        findings.join(hash_picture(cover, findings.limits))
    if len(tracks) > TRACKS or len(covers) > TRACKS:
        findings.miss(Undecodable.UNSUPPORTED)


def _opened(content: bytes, container: Container) -> Any:
    return av.open(io.BytesIO(content), format=container.demuxer, options=dict(_OPTIONS))


@dataclass(slots=True)
class _Track:
    """A video track as its packets tell it, in the order in which they are decoded.

    `times` in units of `unit` seconds, None where a packet has none; `keys`: whether it is a key frame.
    """

    index: int
    unit: float
    times: list[int | None] = field(default_factory=list)
    keys: list[bool] = field(default_factory=list)


def _survey(content: bytes, container: Container, findings: Findings) -> tuple[list[_Track], list[bytes]]:
    """The video tracks with their packets, none of them decoded, and the attached pictures."""
    tracks: dict[int, _Track] = {}
    covers: dict[int, bytes] = {}
    with _opened(content, container) as media:
        for stream in media.streams.video:
            if stream.disposition & Disposition.attached_pic:
                covers[stream.index] = b""
            elif stream.codec_context is None or stream.codec_context.codec.name not in _CODECS:
                findings.miss(Undecodable.UNSUPPORTED)
            else:
                tracks[stream.index] = _Track(stream.index, float(stream.time_base))
        wanted = [
            stream for stream in media.streams.video if stream.index in covers or stream.index in tracks
        ]
        for packet in media.demux(wanted) if wanted else ():
            if packet.size and packet.stream_index in covers:
                covers[packet.stream_index] = covers[packet.stream_index] or bytes(packet)
            elif packet.size:
                track = tracks[packet.stream_index]
                track.times.append(packet.pts)
                track.keys.append(packet.is_keyframe)
            if findings.is_late:
                break
    return [track for track in tracks.values() if track.times], [one for one in covers.values() if one]


@dataclass(frozen=True, slots=True)
class _Plan:
    """Which packets of a track to decode, and which frames to hash.

    `place`: for each time of the track the seconds from the beginning, pauses shortened; `step` between hashed frames;
    `skipped`: numbers of packets that are not decoded.
    """

    place: Mapping[int, float]
    step: float
    skipped: frozenset[int]

    @classmethod
    def of(cls, track: _Track, most: int, step: float) -> _Plan:
        """Plan for at most `most` frames, at least `step` seconds apart."""
        times = sorted({time for time in track.times if time is not None})
        place, at = dict.fromkeys(times[:1], 0.0), 0.0
        for before, after in pairwise(times):
            at += min(max((after - before) * track.unit, _SHORTEST), step)
            place[after] = at
        step = max(step, at / max(most - 2, 1))
        return cls(place, step, frozenset(_between_keys(track, place, step / 2)))


def _between_keys(track: _Track, place: Mapping[int, float], most: float) -> Iterator[int]:
    """Numbers of the packets that follow a key frame which the next key frame follows within `most` seconds."""
    keys = [number for number, is_key in enumerate(track.keys) if is_key]
    for key, following in pairwise(keys):
        here, there = (track.times[number] for number in (key, following))
        if here is not None and there is not None and abs(place[there] - place[here]) <= most:
            yield from range(key + 1, following)


def _follow(media: Any, track: _Track, plan: _Plan, findings: Findings) -> None:
    """Decode a track and hash the frames of its plan."""
    stream = media.streams[track.index]
    context = stream.codec_context
    TooManyPixelsError.check(context.width, context.height, findings.limits)
    context.thread_count = 1
    context.options = {"threads": "1", "max_pixels": str(2 * findings.limits.max_pixels + _PADDING)}
    context.skip_frame = "NONREF"
    taker = _Taker(plan, findings)
    for number, packet in enumerate(media.demux(stream)):
        if number == len(track.times) - _END:
            context.skip_frame = "DEFAULT"
        if number in plan.skipped:
            continue
        try:
            frames: Sequence[Any] = packet.decode()
        except MemoryError:
            raise
        except _BROKEN:
            findings.miss(Undecodable.CORRUPT)
            continue
        for frame in frames:
            taker.take(frame)
        if findings.is_late:
            return
    taker.finish()


class _Taker:
    """Hashes the frames of a track that are due, as they come, and the last one."""

    def __init__(self, plan: _Plan, findings: Findings) -> None:
        self._plan, self._findings = plan, findings
        self._colours = VideoReformatter()
        self._due = 0.0
        self._last: Any = None
        self._seen = 0

    def take(self, frame: Any) -> None:
        """Hash a frame if one is due; frames without a time are counted as a twenty-fifth of a second."""
        place = self._plan.place.get(frame.pts)
        if place is None:
            place = self._seen / 25
        self._seen += 1
        self._last = frame
        if place >= self._due:
            self._due += self._plan.step * (1 + (place - self._due) // self._plan.step)
            self._hash(frame)

    def finish(self) -> None:
        """Hash the last frame if it was not."""
        if self._last is not None:
            self._hash(self._last)

    def _hash(self, frame: Any) -> None:
        self._last = None
        TooManyPixelsError.check(frame.width, frame.height, self._findings.limits)
        if frame.is_corrupt:
            self._findings.miss(Undecodable.CORRUPT)
        # In one thread: the sandbox lets it start none.
        image = Image.fromarray(self._colours.reformat(frame, format="rgb24", threads=1).to_ndarray())
        turn = _TURNS.get(frame.rotation % 360)
        upright = image if turn is None else image.transpose(turn)
        self._findings.add(Frame(upright, upright.size))


_TURNS: Final = {
    90: Image.Transpose.ROTATE_90,
    180: Image.Transpose.ROTATE_180,
    270: Image.Transpose.ROTATE_270,
}
"""How to turn a frame that lies as its track says, in degrees against the clock (ISO/IEC 14496-12 8.3.2)."""


def hash_sniffed(content: bytes, limits: Limits) -> Decoded | Undecodable:
    """Hash what the bytes turn out to be: a picture, a video, a sound, or nothing that is decoded."""
    container = containers.sniff(content)
    if formats.sniff(content) is not None or container is None:
        return hash_picture(content, limits)
    return hash_container(content, container, limits)
