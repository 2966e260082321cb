"""From the bytes of a still or animated picture to its perceptual hashes. Runs inside the sandbox.

Whatever a receiver may show is looked at: every frame or page up to a number, pictures that stand behind each other,
the thumbnails that a camera put in. docs/media.md says for each format what that is.
"""

from __future__ import annotations

import io
import struct
import warnings
import zlib
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from PIL import AvifImagePlugin, ExifTags, Image, ImageFile, ImageOps, UnidentifiedImageError

from relay.adapters.media import formats, heif, jxl, webp
from relay.adapters.media.hashing import REDUCED, Findings, Frame, Limits, TooManyPixelsError
from relay.domain.media import Decoded, Undecodable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from relay.adapters.media.formats import PictureFormat

BROKEN: Final = (
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
"""A decoder meets hostile input with whatever exception its author thought of. MemoryError is none of these."""

# libavif starts a thread per core, which the sandbox forbids and other workers would pay for.
AvifImagePlugin.DEFAULT_MAX_THREADS = 1


def hash_picture(content: bytes, limits: Limits) -> Decoded | Undecodable:
    """Hash a picture, or say why not.

    `frames` holds those with enough detail: of an animation the first, the last and some evenly between. What is cut
    short or damaged is hashed as far as it can be shown: that much may match. Raises MemoryError where memory is
    limited and the picture needs more.
    """
    if not content:
        return Undecodable.EMPTY
    picture = formats.sniff(content)
    if picture is None:
        return Undecodable.UNSUPPORTED
    findings = Findings(picture.media_type, limits)
    _look(content, picture, findings)
    if not findings.frames and findings.unseen in {Undecodable.TRUNCATED, Undecodable.CORRUPT}:
        with _lenient():
            _look(content, picture, findings)
    if formats.is_polyglot(content, picture):
        findings.unseen = Undecodable.SECOND_FILE
    return findings.result()


class _lenient:  # noqa: N801 - it is used as a function
    """Lets Pillow show what is there of a picture, as browsers do."""

    def __enter__(self) -> None:
        ImageFile.LOAD_TRUNCATED_IMAGES = True

    def __exit__(self, *_: object) -> None:
        ImageFile.LOAD_TRUNCATED_IMAGES = False


def _look(content: bytes, picture: PictureFormat, findings: Findings) -> None:
    """Hash every frame up to the first that cannot be had, and note why it could not."""
    try:
        for part in _parts(content, picture, findings.limits.max_frames):
            for frame in _frames(part, picture, findings):
                if findings.size and findings.is_late:
                    return
                findings.add(frame)
    except (TooManyPixelsError, Image.DecompressionBombError, Image.DecompressionBombWarning):
        findings.miss(Undecodable.TOO_MANY_PIXELS)
    except BROKEN as error:
        findings.miss(_why(error, content, picture))
    else:
        # These decoders fill up what is missing without a word.
        if picture in {formats.HEIC, formats.JXL} and formats.is_cut_short(content, picture):
            findings.miss(Undecodable.TRUNCATED)


def _why(error: Exception, content: bytes, picture: PictureFormat) -> Undecodable:
    said = str(error).lower()
    if "memory" in said:
        return Undecodable.OUT_OF_MEMORY
    if "truncated" in said or "more_input" in said or formats.is_cut_short(content, picture):
        return Undecodable.TRUNCATED
    if "conversion from" in said or "unsupported" in said:
        return Undecodable.UNSUPPORTED
    return Undecodable.CORRUPT


def _parts(content: bytes, picture: PictureFormat, most: int) -> Iterator[bytes]:
    """The pictures that stand behind each other in a JPEG (MPO, gain maps); the content itself otherwise."""
    for _ in range(most):
        yield content
        content = formats.rest(content, picture) if picture is formats.JPEG else b""
        if not content.startswith(b"\xff\xd8\xff"):
            return


def _frames(content: bytes, picture: PictureFormat, findings: Findings) -> Iterator[Frame]:
    if picture is formats.HEIC:
        return heif.frames(content, findings)
    if picture is formats.JXL:
        return jxl.frames(content, findings)
    if picture is formats.WEBP and webp.is_still(content):
        return iter([_decoded(webp.decoded(content, findings.limits))])
    return _pillow_frames(content, picture, findings.limits)


def _pillow_frames(content: bytes, picture: PictureFormat, limits: Limits) -> Iterator[Frame]:
    """The frames to hash, in order. Sizes are checked before a frame's pixels are allocated."""
    if picture is formats.WEBP:
        TooManyPixelsError.check(*formats.webp_size(content), limits)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        with _opened(content, picture) as image:
            for number in chosen(getattr(image, "n_frames", 1), limits.max_frames):
                if number:
                    image.seek(number)
                TooManyPixelsError.check(*image.size, limits)
                yield _decoded(image)
            yield from _thumbnail(image, limits)


def _opened(content: bytes, picture: PictureFormat) -> Image.Image:
    if picture is formats.JPEG:  # Image.open would make an MPO of some, whose frames `_parts` finds itself
        from PIL.JpegImagePlugin import JpegImageFile

        return JpegImageFile(io.BytesIO(content))
    try:
        return Image.open(io.BytesIO(content), formats=[picture.pillow])
    except UnidentifiedImageError as error:
        raise SyntaxError(f"not a {picture.pillow} picture after all") from error


def chosen(count: int, most: int) -> list[int]:
    """Frame numbers: all, or `most` of them evenly spaced with the first and the last."""
    if count <= most:
        return list(range(count))
    return sorted({round(step * (count - 1) / max(most - 1, 1)) for step in range(most)})


def _decoded(image: Image.Image) -> Frame:
    """Decode the frame that `image` stands at."""
    full = image.size
    if image.format == "JPEG":
        image.draft("L", (REDUCED, REDUCED))  # libjpeg decodes it at 1/2, 1/4 or 1/8
    image.load()
    # 3999 pixels at 1/4 are 1000: rounding up hides in the quotient, so round it.
    scale = max(1, round(full[0] / image.size[0]))
    is_upright = image.getexif().get(ExifTags.Base.Orientation, 1) == 1
    turned = image if is_upright else ImageOps.exif_transpose(image)
    if turned.size != image.size:
        full = full[::-1]
    return Frame(turned, full, scale)


def _thumbnail(image: Image.Image, limits: Limits) -> Iterator[Frame]:
    """The JPEG that a camera put into EXIF (CIPA DC-008 4.5.8): some software shows it in lists.

    One that cannot be decoded is shown by nobody.
    """
    with suppress(*BROKEN):
        directory = image.getexif().get_ifd(ExifTags.IFD.IFD1)
        at, size = directory.get(0x0201), directory.get(0x0202)
        exif = image.info.get("exif", b"")
        if isinstance(at, int) and isinstance(size, int) and isinstance(exif, bytes):
            start = exif.startswith(b"Exif\x00\x00") * 6 + at
            with _opened(exif[start : start + size], formats.JPEG) as small:
                TooManyPixelsError.check(*small.size, limits)
                yield _decoded(small)
