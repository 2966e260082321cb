"""How the processes of one relay wake each other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


class Wire(Protocol):
    """Carries short words to the other processes. Nothing rests on it: words may be lost, and are never repeated."""

    async def listen(self, hear: Callable[[str], None], missed: Callable[[], None]) -> None:
        """Pass on every word of others until cancelled. `missed` is called when some may have been lost before."""

    async def tell(self, words: Sequence[str]) -> None:
        """Say words to the other processes."""
