"""The keys of the brake for waves of spam."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from relay.config.fields import Duration, Server, written
from relay.config.section import Section


class BrakeSettings(Section):
    """The brake for waves of spam."""

    mode: Literal["hold", "defer", "observe", "off"] = Field(
        default="defer",
        description=(
            "What is done with posts of a wave: `hold` them for a person, `defer` them until the wave is over, "
            "`observe` (only record it and tell you), or `off`. Incidents that you declare work in each."
        ),
    )
    accounts: int = Field(
        default=10,
        ge=3,
        le=100,
        description=(
            "So many new accounts that post near-identical text or the same picture are a wave; "
            "on fewer than three servers it takes twice as many."
        ),
    )
    within: Duration = Field(
        default=written("1 hour"), description="The time within which they have to do so."
    )
    new_account: Duration = Field(
        default=written("7 days"),
        description="How long an account is new. Others never count towards a wave, nor do waves stop them.",
    )
    mentions: int = Field(
        default=40,
        ge=5,
        le=100,
        description=(
            "A new account that mentions more different people in ten minutes floods; "
            "so do the new accounts of one server that mention four times as many together."
        ),
    )
    rate: int = Field(
        default=8,
        ge=2,
        le=1000,
        description=(
            "A server that posts so many times as much as in its usual busy hours is deferred: "
            "its new accounts, and those that post more than people do."
        ),
    )
    duration: Duration = Field(
        default=written("6 hours"),
        description="How long a brake lasts; it is extended while the wave goes on.",
    )
    longest: Duration = Field(
        default=written("2 days"),
        description="How long a brake lasts at most, however long the wave goes on.",
    )
    exempt: tuple[Server, ...] = Field(
        default=(),
        description='Servers whose posts never count as part of a wave; "*.example" covers subdomains.',
    )
