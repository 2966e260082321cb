"""The keys of the look at Cloudflare's CSAM scanning tool."""

from __future__ import annotations

from urllib.parse import urlsplit

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from relay.config.fields import Duration, Secret, WebAddress, written
from relay.config.section import Section
from relay.domain.hashservice import networks_of


class CloudflareSettings(Section):
    """Where the setting is that is looked at, and how often."""

    zone: str | None = Field(
        default=None,
        pattern=r"^[0-9a-f]{32}$",
        description="Id of the zone whose tool is looked at; without it nothing is.",
    )
    token: Secret | None = Field(
        default=None,
        min_length=1,
        repr=False,
        description="API token that may read the settings of this zone and nothing else, best as `file:PATH`.",
    )
    refresh: Duration = Field(default=written("6 hours"), description="How often it is looked at.")
    url: WebAddress = Field(
        default="https://api.cloudflare.com/client/v4", description="Address of Cloudflare's interface."
    )

    @model_validator(mode="after")
    def _complete(self) -> CloudflareSettings:
        if (self.zone is None) != (self.token is None):
            cause = "the look at Cloudflare's tool needs both `zone` and `token`"
            raise PydanticCustomError("C326", "{cause}", {"cause": cause, "fix": "Write both, or neither."})
        parts = urlsplit(self.url)
        if parts.scheme != "https" and not networks_of(parts.hostname or ""):
            cause = "the token must not leave in plain text"
            raise PydanticCustomError("C318", "{cause}", {"cause": cause, "fix": "Write https://…"})
        return self
