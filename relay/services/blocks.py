"""Servers that are neither heard nor sent to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from relay.domain import hosts

if TYPE_CHECKING:
    from collections.abc import Iterable


class Blocks:
    """The block list; `patterns` may be replaced while running. A blocked server covers its subdomains."""

    def __init__(self, patterns: Iterable[str]) -> None:
        self.patterns = tuple(patterns)

    def blocked(self, server: str) -> bool:
        """Whether a server is blocked."""
        return any(hosts.covers(pattern.removeprefix("*."), server) for pattern in self.patterns)

    def any_blocked(self, servers: Iterable[str]) -> bool:
        """Whether one of the servers is blocked."""
        return any(self.blocked(server) for server in servers)
