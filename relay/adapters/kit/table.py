"""What is in the kit: each file's name, type, how it is made, and what a scan must say of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from PIL import Image, features

from relay.adapters.kit import pictures, videos
from relay.adapters.media import samples
from relay.adapters.media.canary import (
    animation,
    canary_pictures,
    encoded,
    few_colours,
    turned,
)
from relay.domain.lab.kit import Expected, Plan, Promise
from relay.domain.media import MatchKind, ScanOutcome, Undecodable

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, slots=True)
class Recipe:
    """A file and how it is made, which takes up to a second."""

    plan: Plan
    make: Callable[[], bytes]


_TYPES: Final = {
    "jpg": "image/jpeg",
    "png": "image/png",
    "webp": "image/webp",
    "gif": "image/gif",
    "avif": "image/avif",
    "bmp": "image/bmp",
    "tiff": "image/tiff",
    "svg": "image/svg+xml",
    "heic": "image/heic",
    "jxl": "image/jxl",
    "mp4": "video/mp4",
    "webm": "video/webm",
}
_LOOK: Final = "It looks like the canary to PDQ, and the list holds the canary's PDQ."
_FRAME: Final = "One of its frames looks like the canary; frames are compared each."
_TURN: Final = "All eight turns and mirrorings of a picture are compared."
_CHANGED: Final = "It was changed, and is still within 31 bits of the canary: a person has to look at it."
_OTHER: Final = "It is another picture: nothing on the list is within 31 bits of it."
_BEYOND: Final = "It was changed so much that a perceptual hash no longer sees the canary in it."


def _matches(
    name: str,
    title: str,
    make: Callable[[], bytes],
    why: str = _LOOK,
    match: MatchKind = MatchKind.KNOWN,
    promise: Promise = Promise.PDQ,
) -> Recipe:
    expected = Expected(ScanOutcome.VENDOR_TEST_MATCH, why, match)
    return Recipe(Plan(name, _type(name), title, expected, promise), make)


def _harmless(
    name: str,
    title: str,
    make: Callable[[], bytes],
    why: str = _OTHER,
    promise: Promise = Promise.PDQ,
) -> Recipe:
    expected = Expected(ScanOutcome.NO_KNOWN_MATCH, why)
    return Recipe(Plan(name, _type(name), title, expected, promise), make)


def _unreadable(
    name: str,
    title: str,
    make: Callable[[], bytes],
    reason: Undecodable,
    why: str,
    promise: Promise = Promise.OUTCOME,
) -> Recipe:
    expected = Expected(ScanOutcome.UNSCANNABLE, why, reason=reason.value)
    return Recipe(Plan(name, _type(name), title, expected, promise), make)


def _type(name: str) -> str:
    return _TYPES[name.rpartition(".")[2]]


def _plain(name: str, title: str, why: str = _LOOK, promise: Promise = Promise.PDQ) -> Recipe:
    """One of the pictures that the list was made from."""
    return _matches(name, title, lambda: canary_pictures()[name], why, promise=promise)


def _orientation(number: int) -> Recipe:
    title = f"JPEG that lies turned or mirrored, EXIF orientation {number}"
    return _matches(f"canary-exif-{number}.jpg", title, lambda: turned(pictures.canary(), number))


def _clean(kind: str, suffix: str) -> Recipe:
    return _harmless(f"harmless.{suffix}", kind, lambda: encoded(pictures.harmless(), kind.upper()))


_MATCHING: Final = (
    _plain("canary.jpg", "JPEG, baseline"),
    _matches(
        "canary-progressive.jpg",
        "JPEG, progressive",
        lambda: pictures.jpeg(pictures.canary(), progressive=True),
    ),
    _matches(
        "canary-grey.jpg", "JPEG, shades of grey", lambda: pictures.jpeg(pictures.canary().convert("L"))
    ),
    _plain("canary-cmyk.jpg", "JPEG in the colours of printers (CMYK)"),
    *(_orientation(number) for number in range(2, 9)),
    _matches("canary-second.jpg", "JPEG with a second one behind it: the canary", pictures.second, _FRAME),
    _plain("canary.png", "PNG"),
    _plain("canary-palette.png", "PNG with a palette of 256 colours"),
    _plain("canary-16-bit.png", "PNG, 16 bits of grey"),
    _plain("canary-alpha.png", "PNG, partly transparent"),
    _matches(
        "canary-interlaced.png", "PNG, interlaced (Adam7)", lambda: pictures.interlaced(pictures.half())
    ),
    _matches(
        "canary-last-frame.png",
        "Animated PNG with the canary in its last frame",
        lambda: animation(pictures.canary(), "PNG", before=3),
        _FRAME,
    ),
    _plain("canary.webp", "WebP, lossy"),
    _matches(
        "canary-lossless.webp",
        "WebP, lossless",
        lambda: encoded(pictures.half(), "WEBP", lossless=True, quality=20, method=0),
    ),
    _matches(
        "canary-last-frame.webp",
        "Animated WebP with the canary in its last frame",
        lambda: animation(pictures.canary(), "WEBP", before=3, method=0),
        _FRAME,
    ),
    _plain("canary.gif", "GIF"),
    _plain("canary-last-frame.gif", "Animated GIF with the canary in its last frame", _FRAME),
    _plain("canary.avif", "AVIF"),
    _matches("canary.heic", "HEIC", lambda: samples.heic(np.asarray(pictures.canary()))),
    _matches("canary.jxl", "JPEG XL", lambda: samples.jxl(np.asarray(pictures.canary()))),
    _plain("canary.bmp", "BMP", "Its digests are on the list, and so is its PDQ.", Promise.BYTES),
    _plain("canary.tiff", "TIFF"),
    _plain("canary-ycbcr.tiff", "TIFF in the colours of television (YCbCr)"),
    _matches(
        "canary-small.jpg",
        "Copy of half the size",
        lambda: pictures.jpeg(pictures.half(), 80),
    ),
    _matches("canary-rough.jpg", "Copy of very low quality", lambda: pictures.jpeg(pictures.canary(), 20)),
    _matches(
        "canary-on-its-side.png",
        "Copy turned by 90 degrees, without a word in EXIF",
        lambda: pictures.png(pictures.half().transpose(Image.Transpose.ROTATE_90)),
        _TURN,
    ),
    _matches(
        "canary-mirrored.png",
        "Mirrored copy",
        lambda: pictures.png(pictures.half().transpose(Image.Transpose.FLIP_LEFT_RIGHT)),
        _TURN,
    ),
    _matches(
        "canary-thumbnail.png",
        "Copy of a quarter of the size",
        lambda: pictures.png(pictures.canary().resize((160, 120))),
        _CHANGED,
        MatchKind.NEAR,
    ),
    _matches("canary-captioned.png", "Copy under a black bar", pictures.captioned, _CHANGED, MatchKind.NEAR),
    _matches(
        videos.CANARY,
        "Video (MP4, H.264) that ends with the canary",
        lambda: videos.video(videos.CANARY),
        "Its digests are on the list, and its last frame looks like the canary.",
        promise=Promise.BYTES,
    ),
    _matches(
        videos.RECODED,
        "The same video as a server recodes it (WebM, VP9)",
        lambda: videos.video(videos.RECODED),
        "Other bytes, and its last frame still looks like the canary; frames are compared each.",
        promise=Promise.BYTES,
    ),
)

_HARMLESS: Final = (
    _clean("JPEG", "jpg"),
    _harmless(
        "harmless-exif-6.jpg", "JPEG on its side, EXIF orientation 6", lambda: turned(pictures.harmless(), 6)
    ),
    _harmless(
        "harmless-cmyk.jpg",
        "JPEG in the colours of printers (CMYK)",
        lambda: pictures.jpeg(pictures.harmless().convert("CMYK")),
    ),
    _clean("PNG", "png"),
    _harmless(
        "harmless-palette.png", "PNG with a palette", lambda: pictures.png(few_colours(pictures.harmless()))
    ),
    _harmless(
        "harmless-animated.png", "Animated PNG", lambda: animation(pictures.harmless(), "PNG", before=2)
    ),
    _clean("WebP", "webp"),
    _clean("GIF", "gif"),
    _harmless(
        "harmless-animated.gif", "Animated GIF", lambda: animation(pictures.harmless(), "GIF", before=2)
    ),
    _clean("AVIF", "avif"),
    _clean("BMP", "bmp"),
    _clean("TIFF", "tiff"),
    _harmless(
        videos.HARMLESS,
        "Video (MP4, H.264) without the canary",
        lambda: videos.video(videos.HARMLESS),
        "Its frames are other pictures: nothing on the list is within 31 bits of one.",
        Promise.BYTES,
    ),
    _harmless("unlike-cropped.png", "Left half of the canary", pictures.cropped, _BEYOND),
    _harmless("unlike-negative.png", "Negative of the canary", pictures.negative, _BEYOND),
)

_UNREADABLE: Final = (
    _unreadable(
        "unreadable-huge.png",
        "PNG of 144 million black pixels",
        pictures.huge,
        Undecodable.TOO_MANY_PIXELS,
        "It has more pixels than media.max_pixels allows by default.",
    ),
    _unreadable(
        "unreadable-truncated.jpg",
        "First half of a JPEG of the canary",
        pictures.truncated,
        Undecodable.TRUNCATED,
        "It stops before its end: a decoder would show what it likes of the rest.",
    ),
    _unreadable(
        "unreadable-corrupt.png",
        "PNG whose pixels were overwritten",
        pictures.corrupt,
        Undecodable.CORRUPT,
        "Its pixels cannot be unpacked.",
        Promise.BYTES,
    ),
    _unreadable(
        "unreadable-empty.jpg",
        "File of no bytes",
        bytes,
        Undecodable.EMPTY,
        "There is nothing in it.",
        Promise.BYTES,
    ),
    _unreadable(
        "unreadable-page.jpg",
        "Web page with a picture's name",
        pictures.page,
        Undecodable.UNSUPPORTED,
        "What a file is goes by its bytes, and these are no picture.",
        Promise.BYTES,
    ),
    _unreadable(
        "unreadable-flat.png",
        "PNG of one colour",
        pictures.flat,
        Undecodable.TOO_LITTLE_DETAIL,
        "A perceptual hash of so little detail would match anything flat.",
    ),
    _unreadable(
        "canary.svg",
        "Drawing (SVG) of the canary as a mosaic",
        pictures.drawing,
        Undecodable.UNSUPPORTED,
        "A drawing shows what its reader makes of it; it is not decoded.",
        Promise.BYTES,
    ),
)


def recipes() -> dict[str, Recipe]:
    """Every file by name, in the order in which people read them; without AVIF where Pillow was built without it."""
    every = (*_MATCHING, *_HARMLESS, *_UNREADABLE)
    has_avif = features.check("avif")
    return {one.plan.name: one for one in every if has_avif or one.plan.media_type != "image/avif"}
