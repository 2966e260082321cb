"""What the public is told."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from relay.config.section import Section


class TransparencySettings(Section):
    """What the public is told."""

    policy: Literal["full", "sentences", "off"] = Field(
        default="sentences",
        description=(
            "What the pages `/policy` and `/policy/history` show: the policy in `sentences`, without names of rules, "
            "limits and the servers and accounts that it means; or in `full`, with its text. Never who is on a list, "
            "nor how alike pictures must be to match. `off` answers 404."
        ),
    )
