"""The keys of the scan API: media servers that have files checked before they take them."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from relay.config.fields import ByteSize, Duration, RateLimit, Secret, written
from relay.config.scanners import ScannerName
from relay.config.section import Section


class ScanClientSettings(Section):
    """A server that may have files checked."""

    name: ScannerName = Field(description="Name of the server in counters and findings; unique.")
    token: Secret = Field(
        repr=False,
        pattern=r"^[A-Za-z0-9._~-]{20,200}$",
        description=(
            "What the server shows, best as `file:PATH` or `env:NAME`: at least 20 letters, digits, or `.`, `_`, `~`, "
            "`-`. Some servers can only put it into an address, so it stands in the logs of proxies on the way."
        ),
    )


class ScanApiSettings(Section):
    """Checking files for media servers."""

    clients: tuple[ScanClientSettings, ...] = Field(
        default=(),
        description=(
            "Servers that may have files checked: `{name: lemmy, token: env:SCAN_TOKEN}`. Without any the addresses "
            "answer 404. Whoever has a token can try out what matches: give each server its own, to nobody else."
        ),
    )
    on_unknown: Literal["reject", "accept"] = Field(
        default="reject",
        description=(
            "What is answered about a file that could not be checked: of a kind that is not decoded, too large, too "
            "late, or because a scanner fails. `accept` lets all of that in unchecked."
        ),
    )
    max_size: ByteSize | None = Field(
        default=None,
        description="Largest file that is taken; by default as `media.max_size`. Six may be in memory at once.",
    )
    time_limit: Duration = Field(
        default=written("25 seconds"),
        description=(
            "How long an answer may take, the file's arrival included; then `on_unknown` counts. Less than the server "
            "waits: pict-rs waits for 30 seconds by default."
        ),
    )
    rate: RateLimit = Field(
        default=written("600 per minute"),
        description="How many files one server may have checked; more is answered 429, which refuses the upload.",
    )

    @model_validator(mode="after")
    def _distinct(self) -> ScanApiSettings:
        for key, values in (
            ("name", [one.name for one in self.clients]),
            ("token", [one.token for one in self.clients]),
        ):
            if len(set(values)) < len(values):
                told = {"cause": f"two clients have one {key}", "fix": f"Give each its own {key}."}
                raise PydanticCustomError("C341", "{cause}", told)
        return self
