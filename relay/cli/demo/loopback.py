"""The network of a demo: made-up names that all mean this machine, and nothing else."""

from __future__ import annotations

import socket
from contextlib import ExitStack
from ipaddress import IPv4Network
from typing import TYPE_CHECKING, Final

from aiohttp.abc import AbstractResolver

from relay.adapters.guard import AddressPolicy
from relay.adapters.remote import GuardedRemote

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from aiohttp.abc import ResolveResult

    from relay.ports import Clock

ADDRESS: Final = "127.0.0.1"
NETWORK: Final = IPv4Network("127.0.0.0/8")


class LoopbackResolver(AbstractResolver):
    """Resolves the demo's names to this machine and no other name at all: nothing leaves the machine."""

    def __init__(self, names: Iterable[str]) -> None:
        self._names = frozenset(names)

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Return this machine's address. Raises OSError for names that are not the demo's."""
        if host not in self._names or family not in {socket.AF_INET, socket.AF_UNSPEC}:
            raise OSError(f"{host} is no server of this demo")
        return [
            {
                "hostname": host,
                "host": ADDRESS,
                "port": port,
                "family": socket.AF_INET,
                "proto": socket.IPPROTO_TCP,
                "flags": socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
            }
        ]

    async def close(self) -> None:
        """Do nothing: there is nothing open."""


def client(name: str, *, clock: Clock, resolver: LoopbackResolver, ca_file: Path) -> GuardedRemote:
    """Make what a server of the demo fetches and delivers with; it reaches loopback and nothing else."""
    return GuardedRemote(
        clock=clock,
        user_agent=f"{name} (server of assay demo)",
        addresses=AddressPolicy(allowed_private=(NETWORK,), ports=frozenset()),
        ca_file=ca_file,
        resolver=resolver,
    )


def free_ports(count: int) -> list[int]:
    """Return ports of loopback that nobody listens on, all different."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind((ADDRESS, 0))
        return [int(one.getsockname()[1]) for one in sockets]
