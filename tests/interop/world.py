"""A network for the length of the tests: names that all mean this machine, an authority that everybody trusts.

    unshare --net --mount --pid --fork --kill-child --mount-proc python -m tests.interop.world pytest ...

`tools/interop` starts it like this. Inside there is loopback and nothing else, so nothing can leave the machine; names
come from a hosts file, certificates from an authority made on the spot. The system's own files are covered in this
namespace only. When the first process ends, all that it started end with it and everything is gone.
"""

from __future__ import annotations

import fcntl
import os
import socket
import struct
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from relay.adapters.system import SystemClock
from relay.cli.demo.certificates import make_authority

NAMES: Final = {
    "relay.test": "127.0.1.1",
    "peer.test": "127.0.1.2",
    "origin.test": "127.0.1.3",
    "one.test": "127.0.1.4",
    "two.test": "127.0.1.5",
    "s1.test": "127.0.1.6",
    "s2.test": "127.0.1.7",
    "bot.test": "127.0.1.8",
}
"""Each server has an address of its own, so that each can have port 443."""

VARIABLE: Final = "ASSAY_INTEROP_WORLD"
"""Names the folder with the certificates, inside only."""

BUNDLE: Final = Path("/etc/ssl/certs/ca-certificates.crt")
"""What Debian's libraries trust."""

_GET_FLAGS, _SET_FLAGS, _UP = 0x8913, 0x8914, 1  # netdevice(7)


def raise_loopback() -> None:
    """A new network namespace has loopback, but it is down."""
    with socket.socket() as any_socket:
        flags = struct.unpack(
            "16sh14x", fcntl.ioctl(any_socket, _GET_FLAGS, struct.pack("16sh14x", b"lo", 0))
        )[1]
        fcntl.ioctl(any_socket, _SET_FLAGS, struct.pack("16sh14x", b"lo", flags | _UP))


def cover(place: Path, text: str, folder: Path) -> None:
    """Let `place` have another content, here only."""
    file = folder / place.name
    file.write_text(text)
    if place.exists():
        _mount("--bind", str(file), str(place))
        return
    place.parent.mkdir(parents=True, exist_ok=True)  # on the smallest of machines
    _mount("-t", "tmpfs", "tmpfs", str(place.parent))
    place.write_text(text)


def _mount(*words: str) -> None:
    subprocess.run(["mount", *words], check=True)  # noqa: S603, S607 - in a namespace of our own


def main(words: list[str]) -> int:
    """Make the world, run a module of Python in it; the value is its exit status."""
    raise_loopback()
    with TemporaryDirectory(prefix="interop-") as name:
        folder = Path(name)
        authority = make_authority(folder, NAMES, SystemClock().now())
        lines = ["127.0.0.1 localhost", *(f"{address} {server}" for server, address in NAMES.items())]
        cover(Path("/etc/hosts"), "\n".join(lines) + "\n", folder)
        cover(Path("/etc/resolv.conf"), "", folder)
        cover(BUNDLE, authority.ca_file.read_text(), folder)
        trust = dict.fromkeys(("SSL_CERT_FILE", "CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS"), str(BUNDLE))
        kept = {key: value for key, value in os.environ.items() if not key.lower().endswith("_proxy")}
        kept.pop("SSL_CERT_DIR", None)
        command = [sys.executable, "-m", *words]
        inside = kept | trust | {VARIABLE: name}
        return subprocess.run(command, check=False, env=inside).returncode  # noqa: S603 - the tests


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
