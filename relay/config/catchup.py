"""The key for how fast subscribers catch up."""

from __future__ import annotations

from typing import Any, Final

from pydantic import Field

from relay.config.fields import written

CATCH_UP: Final[Any] = Field(
    default=written("1200 per minute"),
    description=(
        "How fast a subscriber that was away gets what it missed, if it is older than five minutes; at least twice as "
        "fast as it was published, so that it catches up. `unlimited` for as fast as it takes it."
    ),
)
