"""Keys about hash lists in general; each list is a scanner."""

from __future__ import annotations

from pydantic import Field

from relay.config.fields import RateLimit, written
from relay.config.section import Section


class HashListSettings(Section):
    """What holds for all hash lists."""

    flood: RateLimit = Field(
        default=written("20 per hour"),
        description=(
            "The flood guard: an entry that matches in more different posts than this is probably wrong, so what it "
            "matches is held instead of dropped. Alerts (`flood`), the log, `assay status` and `assay lists status` "
            "say so."
        ),
    )
