"""Web hooks in the configuration: servers that send their posts to have them checked."""

from __future__ import annotations

from typing import Final, Literal, TypeAlias

from pydantic import Field, field_validator

from relay.config.fields import Secret, Server
from relay.config.scanners import ScannerName
from relay.config.section import Section

SHORTEST: Final = 12
"""Characters of the shortest secret: Mastodon takes none that is shorter, and makes one of forty."""

Visibility: TypeAlias = Literal["public", "unlisted", "private", "direct"]


class WebhookSettings(Section):
    """A Mastodon server that sends its posts."""

    name: ScannerName = Field(
        description="Name of the web hook, unique. Its address is `/webhooks/mastodon/` and this name."
    )
    server: Server = Field(
        description="Server name as in the addresses of its posts (Mastodon: `WEB_DOMAIN` if there is one)."
    )
    secret: Secret = Field(
        repr=False,
        description=(
            "Signing secret that Mastodon shows with the web hook. Better `file:PATH` or `env:NAME` than the secret "
            "itself."
        ),
    )
    visibility: tuple[Visibility, ...] = Field(
        default=("public", "unlisted"),
        description=(
            "Which posts are checked. Mastodon sends all of them, also what is for followers (`private`) or for those "
            "mentioned (`direct`): these are thrown away unless you name them here. Ask a lawyer first."
        ),
    )
    flag: bool = Field(
        default=False,
        description="Report what matched to the server, as a `Flag` of the relay: its moderators see it as a report.",
    )

    @field_validator("server")
    @classmethod
    def _is_one_server(cls, value: str) -> str:
        if value.startswith("*"):
            raise ValueError("is not one server; write for example social.example")
        return value

    @field_validator("secret")
    @classmethod
    def _is_long_enough(cls, value: str) -> str:
        if len(value) < SHORTEST:
            raise ValueError("is too short for a secret; write the one that Mastodon shows with the web hook")
        return value
