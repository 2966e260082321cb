"""The media of the demo: made by arithmetic, harmless, and each there to show one thing."""

from __future__ import annotations

import io
import struct
import zlib
from dataclasses import dataclass

from PIL import Image

from relay.adapters.media.canary import CANARY_SEED, clean_picture, encoded, photograph
from relay.adapters.media.hashing import Limits
from relay.adapters.media.pictures import hash_picture
from relay.adapters.scanners.listfile import write_csv
from relay.domain.hashlist import HashAlgorithm, ListEntry
from relay.domain.media import Decoded

CLAIMED: int = 40_000
"""Width and height that the bomb claims, in pixels."""


@dataclass(frozen=True, slots=True)
class Pictures:
    """Files by name, and the demo's hash list as CSV: it holds the picture `listed`, of which `copy` is a copy."""

    files: dict[str, bytes]
    hash_list: str


def make_pictures() -> Pictures:
    """Make every file of the demo. Takes a second: call it in a thread."""
    listed = Image.fromarray(photograph("demo: on the list"))
    copy = listed.resize((listed.width // 2, listed.height // 2))
    names = ("harbour", "meadow", "attic", "kite", "lantern", "orchard")
    files = {f"{name}.jpg": clean_picture(f"demo {name}", width=320, height=240) for name in names}
    files |= {
        "canary.jpg": encoded(Image.fromarray(photograph(CANARY_SEED)), "JPEG", quality=90),
        "copy.webp": encoded(copy, "WEBP", quality=60),
        "truncated.jpg": clean_picture("demo broken")[:9_000],
        "page.jpg": b"<!DOCTYPE html><html><body><h1>Not a picture</h1></body></html>",
        "bomb.png": claiming(clean_picture("demo bomb", width=64, height=48, kind="PNG"), CLAIMED),
        "clip.mp4": b"\x00\x00\x00\x18ftypisom" + bytes(4096),
    }
    return Pictures(files, "".join(write_csv([_entry(encoded(listed, "PNG"))])))


def claiming(png: bytes, side: int) -> bytes:
    """Return a PNG whose header claims `side` times `side` pixels (PNG 3rd edition 11.2.1)."""
    header = b"IHDR" + struct.pack(">II", side, side) + png[24:29]
    return png[:12] + header + struct.pack(">I", zlib.crc32(header)) + png[33:]


def _entry(content: bytes) -> ListEntry:
    decoded = hash_picture(content, Limits(Image.open(io.BytesIO(content)).size[0] ** 2))
    if not isinstance(decoded, Decoded):
        raise TypeError(decoded)
    value = decoded.frames[0].pdq.hex()
    return ListEntry(HashAlgorithm.PDQ, value, "demo", "assay demo", "made by arithmetic")
