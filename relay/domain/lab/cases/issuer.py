"""The cases about a server that attests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from relay.domain.lab.model import Case

ISSUER: Final[tuple[Case, ...]] = ()
