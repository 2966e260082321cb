"""What the lab needs of the world beyond what the relay does: raw exchanges, and verifiers to ask."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from relay.domain.lab.exchange import Exchange


class Probe(Protocol):
    """Sends one request and shows the whole answer.

    Guarantees: behind the same wall as `Remote`; redirects are not followed but are answers; the body is cut at
    `limit` bytes, and the exchange says so; ends within `timeout` seconds. Any status is an answer. Raises
    `RemoteError` when none came, and nothing else. Safe for concurrent calls.
    """

    async def exchange(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        body: bytes | None = None,
        limit: int,
        timeout: float,
    ) -> Exchange:
        """Send a request; without `body` it has none."""


class Answerer(Protocol):
    """A verifier that is asked one question after the other.

    Guarantees: an answer belongs to the question just asked, also after one that was not answered; at most a few
    hundred kilobytes are read. Raises `RemoteError` when no answer came within `timeout` seconds, and nothing else.
    Not safe for concurrent calls.
    """

    async def ask(self, question: bytes, *, timeout: float) -> bytes:
        """Ask a question of one line; return the answer."""
