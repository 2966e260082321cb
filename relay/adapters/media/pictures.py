"""From the bytes of a still or animated picture to its perceptual hashes. Runs inside the sandbox.

Everything becomes 8-bit RGB on a white ground, upright, *before* it is hashed: hashers that skip this are
wrong by 110 to 256 bits for palette, CMYK and YCbCr pictures. The picture is taken in strips, so that the
decoded pixels are the only large thing in memory. ICC profiles are not applied, as in the PDQ reference.
"""

from __future__ import annotations

import io
import struct
import warnings
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import imagehash
import numpy as np
from PIL import AvifImagePlugin, Image, ImageOps, UnidentifiedImageError

from relay.adapters.media import formats, pdq
from relay.domain.media import PDQ_MIN_QUALITY, Decoded, FrameHash, Undecodable

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

    from relay.adapters.media.formats import PictureFormat

DRAFT: Final = 512
"""JPEGs are decoded at 1/2, 1/4 or 1/8 as long as both sides keep this many pixels."""

_SMALL: Final = 256
"""pHash sees the picture reduced by a whole factor as long as both sides keep this many pixels."""

_STRIP_PIXELS: Final = 1 << 17

# A decoder meets hostile input with whatever exception its author thought of. MemoryError is none of these.
_BROKEN: Final = (
    ArithmeticError,
    AttributeError,
    EOFError,
    LookupError,
    OSError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
    struct.error,
    zlib.error,
)

# libavif starts a thread per core, which the sandbox forbids and other workers would pay for.
AvifImagePlugin.DEFAULT_MAX_THREADS = 1


@dataclass(frozen=True, slots=True)
class Limits:
    """`max_pixels` of one frame, `max_frames` hashed of an animation."""

    max_pixels: int
    max_frames: int = 10


class _TooManyPixelsError(Exception):
    pass


def hash_picture(content: bytes, limits: Limits) -> Decoded | Undecodable:
    """Hash a picture, or say why not.

    `frames` holds those with enough detail: of an animation the first, the last and some evenly between.
    Raises MemoryError where memory is limited and the picture needs more.
    """
    if not content:
        return Undecodable.EMPTY
    picture = formats.sniff(content)
    if picture is None or formats.is_polyglot(content, picture):
        return Undecodable.UNSUPPORTED
    try:
        return _hash_all(content, picture, limits)
    except (_TooManyPixelsError, Image.DecompressionBombError, Image.DecompressionBombWarning):
        return Undecodable.TOO_MANY_PIXELS
    except _BROKEN as error:
        return _why(error, content, picture)


def _why(error: Exception, content: bytes, picture: PictureFormat) -> Undecodable:
    said = str(error).lower()
    if "memory" in said:
        return Undecodable.OUT_OF_MEMORY
    if "truncated" in said or formats.is_cut_short(content, picture):
        return Undecodable.TRUNCATED
    if "conversion from" in said or "unsupported" in said:
        return Undecodable.UNSUPPORTED
    return Undecodable.CORRUPT


def _hash_all(content: bytes, picture: PictureFormat, limits: Limits) -> Decoded | Undecodable:
    seen: dict[bytes, FrameHash] = {}
    size = None
    for part in _parts(content, picture, limits.max_frames):
        for frame in _frames(part, picture, limits):
            size = size or frame.upright
            hashed = _hash_frame(frame)
            if hashed.quality >= PDQ_MIN_QUALITY:
                seen.setdefault(hashed.pdq, hashed)
    if size is None or not seen:
        return Undecodable.TOO_LITTLE_DETAIL
    return Decoded(picture.media_type, *size, tuple(seen.values()))


def _parts(content: bytes, picture: PictureFormat, most: int) -> Iterator[bytes]:
    """The pictures that stand behind each other in a JPEG (MPO, gain maps); the content itself otherwise."""
    for _ in range(most):
        yield content
        content = formats.rest(content, picture) if picture is formats.JPEG else b""
        if not content.startswith(b"\xff\xd8\xff"):
            return


@dataclass(frozen=True, slots=True)
class _Frame:
    """A decoded frame, upright, and its size before a JPEG was scaled down by `scale`."""

    image: Image.Image
    upright: tuple[int, int]
    scale: int


def _frames(content: bytes, picture: PictureFormat, limits: Limits) -> Iterator[_Frame]:
    """The frames to hash, in order. Sizes are checked before a frame's pixels are allocated."""
    if picture is formats.WEBP:
        _check_size(formats.webp_size(content), limits)
    Image.MAX_IMAGE_PIXELS = limits.max_pixels  # catches frames that grow while Pillow seeks
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        with _opened(content, picture) as image:
            for number in _chosen(getattr(image, "n_frames", 1), limits.max_frames):
                if number:
                    image.seek(number)
                _check_size(image.size, limits)
                yield _decoded(image)


def _opened(content: bytes, picture: PictureFormat) -> Image.Image:
    if picture is formats.JPEG:  # Image.open would make an MPO of some, whose frames `_parts` finds itself
        from PIL.JpegImagePlugin import JpegImageFile

        return JpegImageFile(io.BytesIO(content))
    try:
        return Image.open(io.BytesIO(content), formats=[picture.pillow])
    except UnidentifiedImageError as error:
        raise SyntaxError(f"not a {picture.pillow} picture after all") from error


def _check_size(size: tuple[int, int], limits: Limits) -> None:
    if size[0] * size[1] > limits.max_pixels:
        raise _TooManyPixelsError


def _chosen(count: int, most: int) -> list[int]:
    """Frame numbers: all, or `most` of them evenly spaced with the first and the last."""
    if count <= most:
        return list(range(count))
    return sorted({round(step * (count - 1) / max(most - 1, 1)) for step in range(most)})


def _decoded(image: Image.Image) -> _Frame:
    """Decode the frame that `image` stands at."""
    full = image.size
    if image.format == "JPEG":
        image.draft("L", (DRAFT, DRAFT))
    image.load()
    # 3999 pixels at 1/4 are 1000: rounding up hides in the quotient, so round it.
    scale = max(1, round(full[0] / image.size[0]))
    turned = ImageOps.exif_transpose(image)
    if turned.size != image.size:
        full = full[::-1]
    return _Frame(turned, full, scale)


def _hash_frame(frame: _Frame) -> FrameHash:
    image = frame.image
    width, height = image.size
    if min(frame.upright) < pdq.SMALLEST:
        return FrameHash(pdq.NOTHING.hash, 0, pdq.NOTHING.dihedral, bytes(8))
    sampler = pdq.Sampler(*frame.upright, scale=frame.scale)
    factor = max(1, min(width, height) // _SMALL)
    grey = Image.new("L", (-(-width // factor), -(-height // factor)))
    step = max(1, _STRIP_PIXELS // width // factor) * factor
    spread = _spread(image)
    for top in range(0, height, step):
        strip = _plain(image.crop((0, top, width, min(top + step, height))), spread)
        sampler.add(top, np.asarray(strip))
        grey.paste(strip.convert("L").reduce(factor), (0, top // factor))
    found = pdq.hash_grid(sampler.grid())
    return FrameHash(found.hash, found.quality, found.dihedral, _phash(grey))


def _phash(grey: Image.Image) -> bytes:
    """The 64-bit pHash of `imagehash`, most significant bit first as its hex prints it."""
    bits: npt.NDArray[np.bool_] = imagehash.phash(grey).hash
    return np.packbits(bits).tobytes()


def _spread(image: Image.Image) -> tuple[float, float]:
    """The values that mean black and white in pictures with more than 8 bits; unused for others."""
    if image.mode not in {"I", "F"}:
        return 0.0, 65535.0
    low, high = (float(value) for value in image.getextrema())  # type: ignore[arg-type]
    if low >= 0 and high <= 65535:
        return 0.0, 65535.0 if high > 255 else 255.0
    return low, max(high, low + 1)


def _plain(strip: Image.Image, spread: tuple[float, float]) -> Image.Image:
    """8-bit RGB, or L where that is all there is, without transparency."""
    if strip.mode.startswith(("I", "F")):
        low, high = spread
        values = (np.asarray(strip).astype(np.float32) - low) * (255 / (high - low))
        return Image.fromarray(np.clip(np.nan_to_num(values), 0, 255).astype(np.uint8))
    if strip.has_transparency_data:
        ground = Image.new("RGBA", strip.size, "white")
        return Image.alpha_composite(ground, strip.convert("RGBA")).convert("RGB")
    return strip if strip.mode in {"L", "RGB"} else strip.convert("RGB")
