"""The decoding process: `python -m relay.adapters.media.worker MEMORY CPU MAX_PIXELS FRAMES STEP BUDGET`.

FRAMES at most of a video, one in STEP milliseconds; BUDGET milliseconds of processor time for one file, after which
the rest of it stays unseen.

Started by process.py without the relay's environment, in `/`, with nothing open but its two pipes. Limits
itself first, loads what it needs, gives up its other rights (confinement.py says which, and where that
holds), and only then reads the first byte from outside. Ends when its input ends.
"""

from __future__ import annotations

import os
import resource
import sys
from typing import TYPE_CHECKING, BinaryIO

from relay.adapters.media import confinement

if TYPE_CHECKING:
    from relay.adapters.media.hashing import Limits
    from relay.domain.media import Decoded, Undecodable


def main(arguments: list[str]) -> None:
    """Answer one file after the other until the input ends."""
    memory, cpu, max_pixels, video_frames, step, budget = (int(value) for value in arguments)
    confined = confinement.limit(memory=memory, cpu=cpu)
    requests, answers = pipes()
    from relay.adapters.media import wire
    from relay.adapters.media.hashing import Limits

    limits = Limits(max_pixels, video_frames=video_frames, step=step / 1000, cpu=budget / 1000)
    _load_everything(limits)
    answers.write(wire.pack_ready(confined | confinement.seal(threads=True)))
    while header := requests.read(wire.REQUEST_HEADER):
        content = requests.read(int.from_bytes(header, "big"))
        answers.write(wire.pack_answer(_answer(content, limits)))


def pipes() -> tuple[BinaryIO, BinaryIO]:
    """The two pipes, and nothing else open; what C libraries print does not get between the answers."""
    os.closerange(3, resource.getrlimit(resource.RLIMIT_NOFILE)[0])
    answers = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)
    return sys.stdin.buffer, answers


def _load_everything(limits: Limits) -> None:
    """Decode a file of each kind: Pillow, imagehash, scipy and PyAV import their parts on first use.

    libheif and libjxl are there as a whole once they are imported.
    """
    from PIL import Image

    from relay.adapters.media.canary import encoded, photograph
    from relay.adapters.media.samples import clip, sound
    from relay.adapters.media.videos import hash_sniffed

    noise = Image.effect_noise((64, 64), 100).convert("RGB")
    for kind in ("PNG", "JPEG", "GIF", "WEBP", "AVIF", "BMP", "TIFF"):
        hash_sniffed(encoded(noise, kind), limits)
    hash_sniffed(encoded(noise.convert("CMYK"), "TIFF", compression="tiff_lzw"), limits)
    hash_sniffed(clip([photograph("clip", 64, 64)]), limits)
    hash_sniffed(sound(), limits)


def _answer(content: bytes, limits: Limits) -> Decoded | Undecodable:
    from relay.adapters.media.videos import hash_sniffed
    from relay.domain.media import Undecodable

    try:
        return hash_sniffed(content, limits)
    except MemoryError:
        return Undecodable.OUT_OF_MEMORY


if __name__ == "__main__":
    main(sys.argv[1:])
