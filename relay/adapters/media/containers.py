"""Which container of video and sound some bytes are, by the bytes alone, and where it ends.

Each is read by the one demultiplexer that is named here: left to itself, FFmpeg also guesses playlists and scripts
that name other files.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from relay.adapters.media.formats import Format, brands_of, isobmff_end

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, slots=True)
class Container(Format):
    """A container: `media_type` with pictures in it, `sound` without, and FFmpeg's name of the demultiplexer."""

    sound: str
    demuxer: str


_EBML: Final = b"\x1a\x45\xdf\xa3"
_SEGMENT: Final = b"\x18\x53\x80\x67"
_MOV: Final = "mov,mp4,m4a,3gp,3g2,mj2"


def _ebml_end(content: bytes) -> int | None:
    """Behind the first segment (RFC 8794 5 and 6, RFC 9559 4.5); one of unknown size goes to the end."""
    at = 0
    for wanted in (_EBML, _SEGMENT):
        while not content.startswith(wanted, at):
            if wanted is _EBML or not content.startswith(b"\xec", at):  # Void may stand between
                return None
            length = _element_size(content, at + 1)
            if length is None or length[0] is None:
                return None
            at = length[1] + length[0]
        size = _element_size(content, at + 4)
        if size is None:
            return None
        if size[0] is None:
            return len(content)
        at = size[1] + size[0]
    return at if at <= len(content) else None


def _element_size(content: bytes, at: int) -> tuple[int | None, int] | None:
    """The size of an element's data, None when it is not known, and where the data begins (RFC 8794 4)."""
    if at >= len(content) or content[at] == 0:
        return None
    width = 9 - content[at].bit_length()
    if at + width > len(content):
        return None
    ones = (1 << 7 * width) - 1
    value = int.from_bytes(content[at : at + width], "big") & ones
    return None if value == ones else value, at + width


def _riff_end(content: bytes) -> int | None:
    """Behind the RIFF chunk, which some writers leave without a size."""
    size = int.from_bytes(content[4:8], "little")
    if size in {0, 0xFFFFFFFF}:
        return len(content)
    end = 8 + size
    return end if end <= len(content) + 1 else None  # the byte that makes it even may be missing


def _unknown_end(content: bytes) -> int | None:
    """A stream of packets ends where the bytes end."""
    return len(content)


def _container(
    media_type: str, sound: str, demuxer: str, end: Callable[[bytes], int | None] = _unknown_end
) -> Container:
    return Container(media_type, end, sound, demuxer)


_MP4: Final = _container("video/mp4", "audio/mp4", _MOV, isobmff_end)
_QUICKTIME: Final = _container("video/quicktime", "audio/mp4", _MOV, isobmff_end)
_WEBM: Final = _container("video/webm", "audio/webm", "matroska,webm", _ebml_end)
_MATROSKA: Final = _container("video/x-matroska", "audio/x-matroska", "matroska,webm", _ebml_end)
_OGG: Final = _container("video/ogg", "audio/ogg", "ogg")
_WAVE: Final = _container("audio/wav", "audio/wav", "wav", _riff_end)
_FLAC: Final = _container("audio/flac", "audio/flac", "flac")
_MP3: Final = _container("audio/mpeg", "audio/mpeg", "mp3")
_AAC: Final = _container("audio/aac", "audio/aac", "aac")

_ATOMS: Final = {b"moov", b"mdat", b"wide", b"pnot"}
"""What a QuickTime file without `ftyp` begins with."""


def sniff(content: bytes) -> Container | None:
    """The container whose signature the bytes carry (WHATWG MIME Sniffing 6.2), or None."""
    head = content[:12]
    if head[4:8] == b"ftyp":
        return _QUICKTIME if b"qt  " in brands_of(content) else _MP4
    if head[4:8] in _ATOMS:
        return _QUICKTIME
    if head.startswith(_EBML):
        return _WEBM if b"webm" in content[:64] else _MATROSKA
    if head.startswith(b"RIFF") and head[8:] == b"WAVE":
        return _WAVE
    for mark, container in ((b"OggS", _OGG), (b"fLaC", _FLAC), (b"ID3", _MP3)):
        if head.startswith(mark):
            return container
    return _sniff_frames(head)


def _sniff_frames(head: bytes) -> Container | None:
    """MPEG audio without a tag: eleven bits set, then version and layer (ISO/IEC 11172-3 2.4.1.3, 13818-7 6.2)."""
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return None
    version, layer = head[1] >> 3 & 3, head[1] >> 1 & 3
    if head[1] & 0xF6 == 0xF0:  # layer 0 is ADTS
        return _AAC
    is_valid = version != 1 and layer == 1 and head[2] >> 4 not in {0, 15} and head[2] >> 2 & 3 != 3
    return _MP3 if is_valid else None
