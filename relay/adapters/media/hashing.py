"""From a decoded picture to its perceptual hashes. Runs inside the sandbox.

Everything becomes 8-bit RGB, upright, *before* it is hashed: hashers that skip this are wrong by 110 to 256 bits for
palette, CMYK and YCbCr pictures. The picture is taken in strips, so that the decoded pixels are the only large thing
in memory. ICC profiles are not applied, as in the PDQ reference.

A picture that one can see through is hashed three times: on white and on black, because a page may be light or dark
and there are pictures that show one thing on the one and another on the other; and without its transparency, as it
looks to a server that makes a JPEG of it by dropping the alpha channel.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import imagehash
import numpy as np
from PIL import Image

from relay.adapters.media import pdq
from relay.domain.media import PDQ_MIN_QUALITY, Decoded, FrameHash, Undecodable

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt


REDUCED: Final = 512
"""Pictures are hashed at a whole fraction of their size as long as both sides keep this many pixels (see pdq.py)."""

_SMALL: Final = 128
"""pHash sees the picture reduced by a whole factor as long as both sides keep this many pixels: 0.4 bits in the mean, 4
at most, against 0.1 and 2 at twice as many, which takes as long as all of PDQ."""

_STRIP_PIXELS: Final = 1 << 16
"""Of a decoded picture so much is made grey at a time, which stays in the processor's cache."""
_BLOCK_PIXELS: Final = 1 << 20
"""Of a grey picture so much is copied at a time; only long ones have more."""

_GROUNDS: Final = ("white", "black", None)
"""On what a picture is laid that one can see through; None: its transparency is dropped."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What is looked at of one file.

    `max_pixels` of one frame; `max_frames` of an animation and `video_frames` of a video; `step`, seconds between
    those of a video; `cpu`, seconds of processor time after which no further frame is begun.
    """

    max_pixels: int
    max_frames: int = 30
    video_frames: int = 300
    step: float = 1.0
    cpu: float = 20.0


class TooManyPixelsError(Exception):
    """A frame is larger than is decoded."""

    @classmethod
    def check(cls, width: int, height: int, limits: Limits) -> None:
        """Raise it when a frame has more pixels than allowed."""
        if width * height > limits.max_pixels:
            raise cls


@dataclass(frozen=True, slots=True)
class Frame:
    """A decoded frame, upright, and its size before it was scaled down by `scale`."""

    image: Image.Image
    upright: tuple[int, int]
    scale: int = 1


@dataclass(slots=True)
class Findings:
    """What was found in one file so far. Frames count that have enough detail, each look of them once."""

    media_type: str
    limits: Limits
    size: tuple[int, int] | None = None
    frames: dict[bytes, FrameHash] = field(default_factory=dict)
    unseen: Undecodable | None = None
    began: float | None = None

    def __post_init__(self) -> None:
        """Tell Pillow the limit: it catches frames that grow while it seeks."""
        Image.MAX_IMAGE_PIXELS = self.limits.max_pixels

    def add(self, frame: Frame) -> None:
        """Hash a frame; the first one gives the file its size."""
        self.size = self.size or frame.upright
        for hashed in hash_frame(frame):
            if hashed.quality >= PDQ_MIN_QUALITY:
                self.frames.setdefault(hashed.pdq, hashed)

    def join(self, other: Decoded | Undecodable) -> None:
        """Add what was found in a file within this one."""
        if isinstance(other, Undecodable):
            self.miss(other)
            return
        self.size = self.size or (other.width, other.height)
        self.frames = {**{frame.pdq: frame for frame in other.frames}, **self.frames}
        if other.unseen:
            self.miss(other.unseen)

    def miss(self, why: Undecodable) -> None:
        """Say why a part was not looked at; the first reason stands."""
        self.unseen = self.unseen or why

    @property
    def is_late(self) -> bool:
        """Whether the processor time is used up: then what is left stays unseen."""
        now = time.process_time()
        if self.began is None:  # the first frame is looked at in any case
            self.began = now
        if now - self.began <= self.limits.cpu:
            return False
        self.miss(Undecodable.TIMEOUT)
        return True

    def result(self) -> Decoded | Undecodable:
        """Everything together."""
        if not self.frames:
            return self.unseen or Undecodable.TOO_LITTLE_DETAIL
        return Decoded(self.media_type, *(self.size or (0, 0)), tuple(self.frames.values()), self.unseen)


def hash_frame(frame: Frame) -> Iterator[FrameHash]:
    """The hashes of a frame: one, or one for each ground where one can see through it."""
    if min(frame.upright) < pdq.SMALLEST:
        yield FrameHash(pdq.NOTHING.hash, 0, pdq.NOTHING.dihedral, bytes(8))
        return
    spread = _spread(frame.image)
    for ground in _GROUNDS if _is_see_through(frame.image) else _GROUNDS[-1:]:
        yield _hash_on(ground, frame, spread)


def _hash_on(ground: str | None, frame: Frame, spread: tuple[float, float]) -> FrameHash:
    factor = max(1, min(frame.image.size) // REDUCED)
    light = _light(frame.image, factor, spread, ground)
    sampler = pdq.Sampler(*frame.upright, scale=frame.scale * factor)
    step = max(1, _BLOCK_PIXELS // light.width)
    for top in range(0, light.height, step):
        is_all = step >= light.height
        block = light if is_all else light.crop((0, top, light.width, min(top + step, light.height)))
        sampler.add(top, np.asarray(block))
    found = pdq.hash_grid(sampler.grid())
    return FrameHash(found.hash, found.quality, found.dihedral, _phash(light))


def _light(image: Image.Image, factor: int, spread: tuple[float, float], ground: str | None) -> Image.Image:
    """The luminance of a picture on `ground`, at 1/`factor` of its size."""
    if image.mode == "P":
        image, ground = image.point(_palette_light(image, ground), "L"), None
    if image.mode == "L" and ground is None:
        return image.reduce(factor) if factor > 1 else image
    width, height = image.size
    light = Image.new("L", (-(-width // factor), -(-height // factor)))
    step = max(1, _STRIP_PIXELS // width // factor) * factor
    for top in range(0, height, step):
        box = (0, top, width, min(top + step, height))
        if image.mode == "RGB" and ground is None:
            strip = image.reduce(factor, box).convert("L")  # spares a copy of the strip
        else:
            strip = _plain(image.crop(box), spread, ground).convert("L").reduce(factor)
        light.paste(strip, (0, top // factor))
    return light


def _palette_light(image: Image.Image, ground: str | None) -> list[int]:
    """The luminance of each of a palette's colours on `ground`."""
    colours = image.resize((256, 1), Image.Resampling.NEAREST)
    colours.putdata(range(256))
    return list(_plain(colours, (0.0, 0.0), ground).convert("L").tobytes())


def _phash(light: Image.Image) -> bytes:
    """The 64-bit pHash of `imagehash` of a picture's luminance, most significant bit first as its hex prints it."""
    bits: npt.NDArray[np.bool_] = imagehash.phash(light.reduce(max(1, min(light.size) // _SMALL))).hash
    return np.packbits(bits).tobytes()


def _is_see_through(image: Image.Image) -> bool:
    if not image.has_transparency_data:
        return False
    # An alpha channel that hides nothing is common, and three hashes of it would be the same.
    return "A" not in image.getbands() or image.getchannel("A").getextrema()[0] != 255


def _spread(image: Image.Image) -> tuple[float, float]:
    """The values that mean black and white in pictures with more than 8 bits; unused for others."""
    if image.mode not in {"I", "F"}:
        return 0.0, 65535.0
    low, high = (float(value) for value in image.getextrema())  # type: ignore[arg-type]
    if low >= 0 and high <= 65535:
        return 0.0, 65535.0 if high > 255 else 255.0
    return low, max(high, low + 1)


def _plain(strip: Image.Image, spread: tuple[float, float], ground: str | None) -> Image.Image:
    """8 bits in a mode that luminance can be taken from, laid on `ground` where one can see through it."""
    if strip.mode.startswith(("I", "F")):
        low, high = spread
        values = (np.asarray(strip).astype(np.float32) - low) * (255 / (high - low))
        return Image.fromarray(np.clip(np.nan_to_num(values), 0, 255).astype(np.uint8))
    if ground is not None:
        under = Image.new("RGBA", strip.size, ground)
        return Image.alpha_composite(under, strip.convert("RGBA")).convert("RGB")
    return strip if strip.mode in {"L", "LA", "RGB", "RGBA"} else strip.convert("RGB")
