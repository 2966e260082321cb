"""The kit's videos. They are shipped as they are: the digests of one stand on the list `canary`.

`tools/canary --videos` made them from the same pictures; the recoded one from the first, as a server does that
recodes what people upload.
"""

from __future__ import annotations

from importlib.resources import files
from typing import Final

CANARY: Final = "canary.mp4"
RECODED: Final = "canary-recoded.webm"
HARMLESS: Final = "harmless.mp4"


def video(name: str) -> bytes:
    """The bytes of one of them."""
    return files(__package__).joinpath(name).read_bytes()
