"""The kit's videos. They are shipped as they are: a scan compares the bytes of a video, so these must not change.

`tools/canary --videos` made them from the same pictures; their digests stand on the list `canary`.
"""

from __future__ import annotations

from importlib.resources import files
from typing import Final

CANARY: Final = "canary.mp4"
HARMLESS: Final = "harmless.mp4"


def video(name: str) -> bytes:
    """The bytes of one of the two."""
    return files(__package__).joinpath(name).read_bytes()
