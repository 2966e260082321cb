"""The keys of the page where people hand in hashes of their own pictures."""

from __future__ import annotations

from typing import Final, Literal

from pydantic import Field

from relay.config.fields import Count, FilePath, RateLimit, WebAddress, written
from relay.config.section import Section


class SubmitSettings(Section):
    """The page where people hand in hashes of their own pictures."""

    pages: bool = Field(
        default=False,
        description="Serve the page at `/submit`. It needs a scanner of `kind: submitted`; see docs/submit.md.",
    )
    review: Literal["after", "before"] = Field(
        default="after",
        description=(
            "When you review hashes. `after`: they are in force at once, and what they match is held for a person "
            "until you accept them. `before`: they are not in force until you accept them."
        ),
    )
    helplines: FilePath | None = Field(
        default=None,
        description="Your own list of helplines, in the form that docs/submit.md shows, instead of the built-in one.",
    )
    exit: WebAddress = Field(
        default="https://www.wikipedia.org/",
        description="Where the button goes that leaves the page quickly: a page that anybody may have open.",
    )
    rate: RateLimit = Field(
        default=written("30 per hour"),
        description=(
            "How often one client may send hashes, up to 5,000 at a time; of IPv6 a /64 is one client. Whoever sends "
            "more waits, and the page goes on by itself. Addresses are not kept."
        ),
    )
    rate_of_all: RateLimit = Field(
        default=written("600 per hour"), description="The same for all clients together."
    )
    most: Count = Field(default=500_000, description="How many submitted hashes are kept at most.")


SUBMIT: Final = Field(
    default_factory=SubmitSettings,
    description=(
        "The page where people hand in hashes of their own intimate pictures, so that these are found when they pass "
        "through this relay. The hashes are made in the browser; no picture leaves it."
    ),
)
