"""How a process reaches its database and the world, and how it is cut off from them without a word."""

from __future__ import annotations

import os
import shutil
import subprocess
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Final, Protocol

from tests.proxy import Proxy

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from pathlib import Path

NEAR: Final = "10.213.77.1"
FAR: Final = "10.213.77.2"
HERE: Final = "10.213.77.9"
"""Where a process behind the link finds the database and other servers: an address of this side that stays."""


class Link(Protocol):
    """A link that can hang."""

    host: str
    """The address of this side."""
    port: int
    """Where the database is, on the far side of the link."""
    inside: Sequence[str]
    """What comes before a command that is to run behind it."""

    def hang(self) -> None:
        """Let nothing through."""

    def heal(self) -> None:
        """Let everything through."""


class Hung:
    """A proxy that takes bytes and keeps them: a database, or something before it, that stands still."""

    host: str = "127.0.0.1"
    inside: Sequence[str] = ()

    def __init__(self, proxy: Proxy) -> None:
        self._proxy, self.port = proxy, proxy.port

    def hang(self) -> None:
        """Let nothing through."""
        self._proxy.hang()

    def heal(self) -> None:
        """Let everything through."""
        self._proxy.heal()


class Unplugged:
    """A network namespace whose cable is pulled: nothing comes back, not even an error."""

    host: str = HERE

    def __init__(self, name: str, port: int) -> None:
        self._name, self.port = name, port
        self.inside: Sequence[str] = ("ip", "netns", "exec", name)

    def hang(self) -> None:
        """Pull the cable."""
        ip("link", "set", self._name, "down")

    def heal(self) -> None:
        """Plug it in."""
        ip("link", "set", self._name, "up")
        ip("route", "replace", f"{FAR}/32", "dev", self._name)


def ip(*words: str) -> None:
    """Change the network."""
    subprocess.run(["ip", *words], check=True, capture_output=True)  # noqa: S603, S607


def namespaces() -> bool:
    """Whether this machine lets us have namespaces."""
    if os.geteuid() != 0 or shutil.which("ip") is None:
        return False
    try:
        ip("netns", "add", "assay-probe")
        ip("netns", "delete", "assay-probe")
    except subprocess.CalledProcessError:
        return False
    return True


@asynccontextmanager
async def link(kind: str, socket: Path) -> AsyncIterator[Link]:
    """Make a link to the server at a socket; one that `hangs` where this machine has no namespaces."""
    async with AsyncExitStack() as stack:
        if kind == "hangs" or not namespaces():
            yield Hung(await stack.enter_async_context(Proxy(socket).open()))
            return
        name = f"assay{os.getpid()}"
        ip("netns", "add", name)
        stack.callback(ip, "netns", "delete", name)
        ip("link", "add", name, "type", "veth", "peer", "name", "eth0", "netns", name)
        ip("address", "add", f"{HERE}/32", "dev", "lo")
        stack.callback(ip, "address", "delete", f"{HERE}/32", "dev", "lo")
        ip("address", "add", f"{NEAR}/30", "dev", name)
        ip("link", "set", name, "up")
        for words in (
            ("link", "set", "lo", "up"),
            ("address", "add", f"{FAR}/30", "dev", "eth0"),
            ("link", "set", "eth0", "up"),
            ("route", "add", f"{HERE}/32", "via", NEAR),
        ):
            ip("-netns", name, *words)
        yield Unplugged(name, (await stack.enter_async_context(Proxy(socket).open(HERE))).port)
