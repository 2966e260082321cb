"""The cases about one document."""

from __future__ import annotations

from typing import Final

from relay.domain.lab.model import Case

DOCUMENT: Final[tuple[Case, ...]] = ()
