"""The process that makes a small JPEG: `python -m relay.adapters.media.stillworker MEMORY CPU MAX_PIXELS`.

Started and confined like worker.py; answers every picture with a JPEG, or with nothing when it cannot.
"""

from __future__ import annotations

import io
import sys
from typing import TYPE_CHECKING, Final

from relay.adapters.media import confinement
from relay.adapters.media.worker import pipes

if TYPE_CHECKING:
    from PIL import Image

SMALLEST: Final = 160
"""Pixels a side that PhotoDNA asks for; smaller pictures are enlarged, down to `TINY`."""
TINY: Final = 50
"""Below this the native hasher refuses a picture, too."""
LONGEST: Final = 1024
BYTES: Final = 200_000
QUALITIES: Final = (92, 80, 65, 40)
KINDS: Final = ("JPEG", "PNG", "GIF", "WEBP", "AVIF", "BMP", "TIFF")


def main(arguments: list[str]) -> None:
    """Answer one picture after the other until the input ends."""
    memory, cpu, max_pixels = (int(value) for value in arguments)
    confined = confinement.limit(memory=memory, cpu=cpu)
    requests, answers = pipes()
    from relay.adapters.media import wire

    _load_everything(max_pixels)
    answers.write(wire.pack_ready(confined | confinement.seal()))
    while header := requests.read(wire.REQUEST_HEADER):
        content = requests.read(int.from_bytes(header, "big"))
        answers.write(wire.frame(jpeg_of(content, max_pixels), wire.ANSWER_HEADER))


def _load_everything(max_pixels: int) -> None:
    """Read a picture of each kind: Pillow imports its parts on first use."""
    from PIL import AvifImagePlugin, Image

    from relay.adapters.media.canary import encoded

    AvifImagePlugin.DEFAULT_MAX_THREADS = 1  # libavif would start threads, which the confinement forbids
    noise = Image.effect_noise((64, 64), 100).convert("RGB")
    for kind in KINDS:
        jpeg_of(encoded(noise, kind), max_pixels)


def jpeg_of(content: bytes, max_pixels: int) -> bytes:
    """The first frame as a JPEG without metadata, of at most `BYTES`; nothing when there is none to be had."""
    from PIL import Image, ImageOps

    try:
        with Image.open(io.BytesIO(content), formats=KINDS) as opened:
            if opened.width * opened.height > max_pixels or min(opened.size) < TINY:
                return b""
            return _written(_flat(ImageOps.exif_transpose(opened)))
    except (OSError, ValueError, SyntaxError, MemoryError, Image.DecompressionBombError):
        return b""


def _flat(image: Image.Image) -> Image.Image:
    """RGB on white, as pages show it, in a size that fits."""
    from PIL import Image

    full = image.convert("RGBA")
    flat = Image.alpha_composite(Image.new("RGBA", full.size, "white"), full).convert("RGB")
    scale = min(1.0, LONGEST / max(flat.size))
    scale = max(scale, SMALLEST / min(flat.size))
    width, height = (max(SMALLEST, round(side * scale)) for side in flat.size)
    return flat if flat.size == (width, height) else flat.resize((width, height), Image.Resampling.LANCZOS)


def _written(image: Image.Image) -> bytes:
    for quality in QUALITIES:
        target = io.BytesIO()
        image.save(target, "JPEG", quality=quality)
        if target.tell() <= BYTES:
            return target.getvalue()
    return b""


if __name__ == "__main__":
    main(sys.argv[1:])
