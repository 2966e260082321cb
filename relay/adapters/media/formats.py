"""What bytes are, judged by the bytes alone: the declared type of an upload is never believed.

Also where the picture ends: what stands behind it would pass unscanned under the picture's attestation.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from struct import unpack_from
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, slots=True)
class Format:
    """One format that is decoded: its media type, and how to find the end of the file.

    `end` returns the offset behind the picture, or None when the bytes stop before their end.
    """

    media_type: str
    end: Callable[[bytes], int | None]


@dataclass(frozen=True, slots=True)
class PictureFormat(Format):
    """A picture's format, and Pillow's name for it."""

    pillow: str


_MARKER: Final = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")


def _jpeg_end(content: bytes) -> int | None:
    """Behind the first EOI marker that is not part of a segment (ITU-T T.81 annex B)."""
    at = 2
    while found := _MARKER.search(content, at):
        kind, at = content[found.start() + 1], found.end()
        if kind == 0xD9:
            return at
        if len(content) < at + 2:
            return None
        if kind not in {0x01, 0xD8}:  # TEM and SOI have no length
            at += int(unpack_from(">H", content, at)[0])
    return None


def _png_end(content: bytes) -> int | None:
    """Behind the IEND chunk (PNG 3rd edition, 11.2.5)."""
    at = 8
    while at + 12 <= len(content):
        length: int = unpack_from(">I", content, at)[0]
        kind = content[at + 4 : at + 8]
        at += 12 + length
        if kind == b"IEND":
            return at
    return None


def _gif_end(content: bytes) -> int | None:
    """Behind the trailer block (GIF89a, 27)."""
    if len(content) < 13:
        return None
    at = 13 + _gif_colours(content[10])
    while at < len(content):
        block = content[at]
        if block == 0x3B:
            return at + 1
        if block == 0x2C and at + 10 < len(content):
            at += 11 + _gif_colours(content[at + 9])
        elif block == 0x21:
            at += 2
        else:
            return None
        while at < len(content) and content[at]:
            at += 1 + content[at]
        at += 1
    return None


def _gif_colours(flags: int) -> int:
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0


def _webp_end(content: bytes) -> int | None:
    """Behind the RIFF chunk (RFC 9649 2.4)."""
    end: int = 8 + unpack_from("<I", content, 4)[0]
    return end if end <= len(content) else None


_BOXES: Final = {
    *(
        b"meta",
        b"mdat",
        b"moov",
        b"moof",
        b"mfra",
        b"sidx",
        b"free",
        b"skip",
        b"uuid",
        b"styp",
        b"emsg",
        b"prft",
    ),
    *(b"wide", b"pnot", b"pdin", b"udta", b"idat"),  # QuickTime, and what others write at the top
    *(b"jxlc", b"jxlp", b"jxll", b"jxli", b"jbrd", b"brob", b"Exif", b"xml "),  # ISO/IEC 18181-2 9
}


def isobmff_end(content: bytes) -> int | None:
    """Behind the last box (ISO/IEC 14496-12 4.2); a box of length 0 goes to the end, another `ftyp` ends it."""
    at = 12 if content.startswith(_JXL_BOX) else 0
    start = at
    while at + 8 <= len(content) and content[at + 4 : at + 8] in (_BOXES if at > start else _FIRST_BOXES):
        length = int(unpack_from(">I", content, at)[0])
        if length == 1 and at + 16 <= len(content):
            length = int(unpack_from(">Q", content, at + 8)[0])
        if length == 0:
            return len(content)
        if length < 8:
            return None
        at += length
    return at if at <= len(content) else None


_JXL_BOX: Final = b"\x00\x00\x00\x0cJXL \r\n\x87\n"
_FIRST_BOXES: Final = {b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot"}


def _jxl_end(content: bytes) -> int | None:
    """Behind the last box; without a container only the decoder knows."""
    return isobmff_end(content) if content.startswith(_JXL_BOX) else len(content)


def _bmp_end(content: bytes) -> int | None:
    """Behind the size the header gives, which some writers leave 0."""
    if len(content) < 26:
        return None
    size = int(unpack_from("<I", content, 2)[0])
    return (size or len(content)) if size <= len(content) else None


def _unknown_end(content: bytes) -> int | None:
    """A TIFF's parts may stand anywhere: it ends where the bytes end."""
    return len(content)


JPEG: Final = PictureFormat("image/jpeg", _jpeg_end, "JPEG")
_PNG: Final = PictureFormat("image/png", _png_end, "PNG")
_GIF: Final = PictureFormat("image/gif", _gif_end, "GIF")
WEBP: Final = PictureFormat("image/webp", _webp_end, "WEBP")
_AVIF: Final = PictureFormat("image/avif", isobmff_end, "AVIF")
HEIC: Final = PictureFormat("image/heic", isobmff_end, "HEIF")
JXL: Final = PictureFormat("image/jxl", _jxl_end, "JXL")
_BMP: Final = PictureFormat("image/bmp", _bmp_end, "BMP")
_TIFF: Final = PictureFormat("image/tiff", _unknown_end, "TIFF")

_SIGNATURES: Final = (
    (0, b"\xff\xd8\xff", JPEG),
    (0, b"\x89PNG\r\n\x1a\n", _PNG),
    (0, b"GIF87a", _GIF),
    (0, b"GIF89a", _GIF),
    (8, b"WEBP", WEBP),
    (4, b"ftyp", _AVIF),
    (0, _JXL_BOX, JXL),
    (0, b"\xff\x0a", JXL),
    (0, b"BM", _BMP),
    (0, b"II*\x00", _TIFF),
    (0, b"MM\x00*", _TIFF),
)


def sniff(content: bytes) -> PictureFormat | None:
    """The format whose signature the bytes carry (WHATWG MIME Sniffing 6.1), or None: not decoded here."""
    found = next((form for at, mark, form in _SIGNATURES if content.startswith(mark, at)), None)
    if found is WEBP:
        return found if content.startswith(b"RIFF") else None
    if found is _AVIF:  # HEIC and videos share the container and differ in their brands (AVIF 1.1, 6)
        brands = brands_of(content)
        if brands & {b"avif", b"avis"}:
            return found
        return HEIC if brands & _HEIC_BRANDS else None
    return found


_HEIC_BRANDS: Final = {b"heic", b"heix", b"heim", b"heis"}
"""Still pictures in HEVC (ISO/IEC 23008-12 B.4); sequences are read as videos."""


def brands_of(content: bytes) -> set[bytes]:
    """The brands in the first box of an ISO base media file, the major one and those it is compatible with."""
    brands = content[8 : min(int.from_bytes(content[:4], "big"), 256)]
    return {brands[at : at + 4] for at in range(0, len(brands), 4)}


_MARKUP: Final = re.compile(rb"<(?:!doctype|html|script|svg|body|iframe)|%pdf-", re.IGNORECASE)
_ARCHIVES: Final = re.compile(
    rb"PK\x03\x04|PK\x05\x06|Rar!\x1a\x07|7z\xbc\xaf|ftyp|RIFF|OggS|\x1aE\xdf\xa3|\x7fELF|^MZ"
)
_SIGNATURE: Final = 40
"""No signature is longer; that of JPEG XL holds a box of its own."""
_SNIFFED: Final = 1024  # as far as browsers and PDF readers look for a beginning


def is_polyglot(content: bytes, picture: Format) -> bool:
    """Whether the bytes are a picture and something else that would pass unscanned.

    Markup or a PDF at the beginning; behind the end markup, an archive, a programme, a video (also that of a
    phone's motion photo) or another kind of picture. Padding and camera data are harmless.
    """
    if _MARKUP.search(content, 0, _SNIFFED):
        return True
    end = picture.end(content)
    # Where it is cut short, anything behind the signature may be the second file.
    tail = content[_SIGNATURE:] if end is None else content[end:].lstrip(b"\x00")
    if _MARKUP.search(tail) or _ARCHIVES.search(tail):
        return True
    return end is not None and sniff(tail) not in {None, JPEG}


def rest(content: bytes, picture: Format) -> bytes:
    """The bytes behind the picture, without padding; nothing when the end is not found."""
    end = picture.end(content)
    return content[end:].lstrip(b"\x00") if end is not None else b""


def is_cut_short(content: bytes, picture: Format) -> bool:
    """Whether the bytes stop before the picture's own end."""
    return picture.end(content) is None


def webp_size(content: bytes) -> tuple[int, int]:
    """Width and height a WebP header gives, or (0, 0) (RFC 9649 2.5 to 2.7, RFC 6386 9.1).

    Pillow allocates the canvas while it opens the file, before a caller can ask for the size.
    """
    if len(content) < 30:
        return 0, 0
    chunk = content[12:16]
    if chunk == b"VP8X":
        return 1 + int.from_bytes(content[24:27], "little"), 1 + int.from_bytes(content[27:30], "little")
    if chunk == b"VP8L":
        bits = int.from_bytes(content[21:25], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    width, height = unpack_from("<HH", content, 26)
    return width & 0x3FFF, height & 0x3FFF
