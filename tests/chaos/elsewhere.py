"""Runs the relay on a machine whose clock and names a test sets: `python -m tests.chaos.elsewhere`, words of `assay`.

The file that ASSAY_TEST_CLOCK names holds by how many seconds the wall clock is off. Only `time.time` lies: what a
machine's clock is set to changes CLOCK_REALTIME, and neither CLOCK_MONOTONIC nor what the event loop counts by. All of
the relay asks through `adapters.system`, and SQL asks nobody.

The file that ASSAY_TEST_NAMES names maps host names to their addresses, or to what the system's resolver says instead:
NXDOMAIN, SERVFAIL, or TIMEOUT after the ten seconds for which glibc asks.

Both may be written at any time.
"""

from __future__ import annotations

import json
import mmap
import os
import socket
import struct
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable

OFFSET: Final = struct.Struct("<d")
ERRORS: Final = {
    "NXDOMAIN": socket.EAI_NONAME,
    "SERVFAIL": socket.EAI_AGAIN,
    "TIMEOUT": socket.EAI_AGAIN,
}


def set_clock(file: Path, seconds: float) -> None:
    """Set the clock of who runs here so many seconds off."""
    with file.open("r+b" if file.exists() else "w+b") as opened:
        opened.write(OFFSET.pack(seconds))


def set_names(file: Path, **names: str) -> None:
    """Say what every name of the world is; `_` stands for a full stop."""
    new = file.with_suffix(".new")
    new.write_text(json.dumps({name.replace("_", "."): said for name, said in names.items()}))
    new.replace(file)


def names_of(file: Path) -> Callable[..., Any]:
    """What the system's resolver says in this world: stands for `socket.getaddrinfo`, and blocks as that does."""
    real = socket.getaddrinfo

    def getaddrinfo(host: str, port: int, *more: Any, **options: Any) -> Any:
        if host.replace(".", "").isdigit():
            return real(host, port, *more, **options)
        said = json.loads(file.read_text()).get(host, "NXDOMAIN")
        if said == "TIMEOUT":
            time.sleep(10.0)
        if said in ERRORS:
            raise socket.gaierror(ERRORS[said], said)
        return [(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (said, port))]

    return getaddrinfo


def main() -> None:
    """Run `assay`."""
    clock, names = os.environ.get("ASSAY_TEST_CLOCK"), os.environ.get("ASSAY_TEST_NAMES")
    if clock is not None:
        with Path(clock).open("rb") as file:
            offset = mmap.mmap(file.fileno(), OFFSET.size, access=mmap.ACCESS_READ)
        real = time.time
        time.time = lambda: real() + OFFSET.unpack(offset[:])[0]
    if names is not None:
        socket.getaddrinfo = names_of(Path(names))
    from relay.cli.main import main as assay

    sys.argv[0] = "assay"
    assay()


if __name__ == "__main__":
    main()
