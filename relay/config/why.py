"""The keys of the answers to why."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from pydantic import Field, field_validator
from pydantic_core import PydanticCustomError

from relay.config.fields import Duration, RateLimit, written
from relay.config.section import Section

_SHORTEST: Final = timedelta(hours=1)


class WhySettings(Section):
    """What others are told of why a post was relayed or not."""

    delay: Duration = Field(
        default=written("6 hours"),
        description=(
            "How long it is not told outside that a post with media is not relayed: for each post a time between "
            "this and twice as long after it came. At least 1 hour."
        ),
    )
    rate: RateLimit = Field(
        default=written("30 per minute"),
        description="How often one client, and one server that signs, may ask; of IPv6 a /64 is one client.",
    )
    rate_of_all: RateLimit = Field(
        default=written("600 per minute"), description="The same for all clients together."
    )

    @field_validator("delay")
    @classmethod
    def _late(cls, value: timedelta) -> timedelta:
        """Whoever is told soon can try out what the relay looks for."""
        if value < _SHORTEST:
            told = {
                "cause": "this is too soon: who posts could try out what matches",
                "fix": "Write 1 hour or more.",
            }
            raise PydanticCustomError("C315", "{cause}", told)
        return value
