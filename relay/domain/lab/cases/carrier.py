"""The cases about a relay."""

from __future__ import annotations

from typing import Final

from relay.domain.lab.model import Case

CARRIER: Final[tuple[Case, ...]] = ()
