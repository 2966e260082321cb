"""Shares: which process delivers to which subscribers (`domain.shares`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from relay.domain.shares import Held


class Shares(Protocol):
    """Who holds which share. A share is held by one process at most, and only that one moves its cursors.

    Nobody holds any until they were parted, and never where there is one process only.
    """

    async def part(self, count: int) -> None:
        """Make so many shares, held by nobody. In each everybody stands where all stood together."""

    async def owners(self) -> Mapping[int, str | None]:
        """Return who holds each share, or held it when it died; None for one that was given back."""

    async def take(self, held: Held) -> None:
        """Hold shares from now on, whoever had them."""

    async def release(self, held: Held) -> None:
        """Give shares back; those that others have by now stay theirs."""

    async def holds(self, held: Held) -> bool:
        """Whether all of them are still its own.

        Asked in the transaction that writes, it keeps out who was superseded: whoever takes a share does so before that
        transaction or after it.
        """
