"""The cases about a relay."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from relay.domain.lab.model import Case

CARRIER: Final[tuple[Case, ...]] = ()
