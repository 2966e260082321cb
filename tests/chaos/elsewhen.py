"""Runs the relay on a machine whose clock was set wrong: `python -m tests.chaos.elsewhen`, with the words of `assay`.

The file that ASSAY_TEST_CLOCK names holds by how many seconds the wall clock is off, and may be written at any time. Only
`time.time` lies: what a machine's clock is set to changes CLOCK_REALTIME, and neither CLOCK_MONOTONIC nor what the event
loop counts by. All of the relay asks through `adapters.system`, and SQL asks nobody.
"""

from __future__ import annotations

import mmap
import os
import struct
import sys
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

OFFSET = struct.Struct("<d")


def set_clock(file: Path, seconds: float) -> None:
    """Set the clock of who runs here so many seconds off."""
    mode = "r+b" if file.exists() else "w+b"
    with file.open(mode) as opened:
        opened.write(OFFSET.pack(seconds))


def main() -> None:
    """Run `assay`."""
    with open(os.environ["ASSAY_TEST_CLOCK"], "rb") as file:  # noqa: PTH123 - before anything else is imported
        offset = mmap.mmap(file.fileno(), OFFSET.size, access=mmap.ACCESS_READ)
    real = time.time  # noqa: TID251
    time.time = lambda: real() + OFFSET.unpack(offset[:])[0]  # noqa: TID251
    from relay.cli.main import main as assay

    sys.argv[0] = "assay"
    assay()


if __name__ == "__main__":
    main()
