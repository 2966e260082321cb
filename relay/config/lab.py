"""The keys of the interop lab."""

from __future__ import annotations

from pydantic import Field

from relay.config.fields import Duration, RateLimit, written
from relay.config.section import Section


class LabSettings(Section):
    """The interop lab: public pages for people who implement media attestations."""

    pages: bool = Field(
        default=True, description="Serve the pages at `/lab`; `false` answers 404 to all of them."
    )
    inboxes: int = Field(
        default=100,
        ge=0,
        le=10_000,
        description=(
            "How many temporary inboxes there may be at once. Each keeps 50 deliveries of at most 64 KiB; all "
            "together keep at most 64 MiB. `0` offers none."
        ),
    )
    inbox_life: Duration = Field(
        default=written("24 hours"),
        description="How long a temporary inbox lives; then all of it is deleted.",
    )
    reports: int = Field(
        default=100,
        ge=0,
        le=10_000,
        description="How many reports of test runs are kept, each of at most 512 KiB. `0` takes none.",
    )
    report_life: Duration = Field(default=written("90 days"), description="How long a report is kept.")
    rate: RateLimit = Field(
        default=written("20 per minute"),
        description=(
            "How often one client may have something verified, made or kept; of IPv6 a /64 is one client. "
            "Behind a proxy on this machine the last address in `X-Forwarded-For` is the client."
        ),
    )
    rate_of_all: RateLimit = Field(
        default=written("120 per minute"), description="The same for all clients together."
    )
