"""Alerts in the configuration: the channels that people are told through."""

from __future__ import annotations

import re
from typing import Final, Literal, NoReturn, TypeAlias, get_args

from pydantic import Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

from relay.config.fields import Duration, Secret, WebAddress, written
from relay.config.quantities import read_address
from relay.config.scanners import ScannerName
from relay.config.section import Section
from relay.domain.hosts import is_http_url
from relay.protocol.alertforms import secret_bytes

_NEEDS: Final = {"webhook": ("url",), "ntfy": ("url",), "mail": ("server", "sender", "to")}
_TAKES: Final = {
    "webhook": ("url", "format", "token", "secret"),
    "ntfy": ("url", "token"),
    "mail": ("server", "tls", "user", "password", "sender", "to"),
}
_ONLY: Final = ("url", "format", "token", "secret", "server", "tls", "user", "password", "sender", "to")

_EXAMPLES: Final = {
    "webhook": "{name: mods, kind: webhook, url: env:MODS_HOOK, format: text}",
    "ntfy": "{name: phone, kind: ntfy, url: https://ntfy.example/a-long-secret-topic}",
    "mail": "{name: post, kind: mail, server: mail.example:587, sender: relay@…, to: [admin@…]}",
}
_MAIL_ADDRESS: Final = re.compile(r"[^\s<>@,;:\"()\[\]\\]{1,64}@[A-Za-z0-9.-]{1,253}")
_TOKEN: Final = re.compile(r"[!-~]{1,1000}")

Event: TypeAlias = Literal[
    "hold",
    "wave",
    "incident",
    "finding",
    "checked",
    "recall",
    "subscriber",
    "blocklist",
    "list",
    "flood",
    "scanner",
    "key",
    "delivery",
]


class ChannelSettings(Section):
    """One way to reach people."""

    name: ScannerName = Field(
        description="Name of the channel, unique. `tell` in a rule of the policy names channels."
    )
    kind: Literal["webhook", "ntfy", "mail"] = Field(
        description="`webhook`: a POST to an address; `ntfy`: a topic of an ntfy server; `mail`: by SMTP."
    )
    events: tuple[Event, ...] = Field(
        default=get_args(Event),
        description="What the channel is told, besides what names it with `tell`; all of it unless you say less.",
    )
    quiet: Duration = Field(
        default=written("15 minutes"),
        description="At most one message of each kind in this time; what comes meanwhile is summed up in the next.",
    )
    url: Secret | None = Field(
        default=None,
        repr=False,
        description=(
            "Address of the web hook or of the ntfy topic. May be `file:PATH` or `env:NAME`, because many hold a "
            "password. It may be in a private network."
        ),
    )
    format: Literal["json", "text", "discord", "matrix"] = Field(
        default="json",
        description=(
            "What a web hook takes: `json` as in docs/alerts.md; `text` for Mattermost, Slack, Rocket.Chat and "
            "others; `discord`; `matrix` for the generic web hooks of matrix-hookshot."
        ),
    )
    token: Secret | None = Field(
        default=None, repr=False, description="Sent as `Authorization: Bearer`, to web hooks and ntfy."
    )
    secret: Secret | None = Field(
        default=None,
        repr=False,
        description="Key that messages to a web hook are signed with, at least 24 bytes: `whsec_` and base64, or text.",
    )
    server: str | None = Field(
        default=None, description="Host and port of the mail server, such as `mail.example:587`."
    )
    tls: Literal["starttls", "tls", "none"] = Field(
        default="starttls",
        description="`starttls` (mostly port 587), `tls` from the first byte (465), or `none`, on this machine only.",
    )
    user: str | None = Field(default=None, description="User name at the mail server.")
    password: Secret | None = Field(default=None, repr=False, description="Password at the mail server.")
    sender: str | None = Field(default=None, description="Mail address that alerts come from.")
    to: tuple[str, ...] = Field(default=(), description="Mail addresses that alerts go to.")

    @field_validator("url")
    @classmethod
    def _is_address(cls, value: str | None) -> str | None:
        if value is not None and not is_http_url(value):
            raise ValueError("is not a web address; write for example https://chat.example/hooks/1")
        return value

    @field_validator("token")
    @classmethod
    def _fits_a_header(cls, value: str | None) -> str | None:
        if value is not None and not _TOKEN.fullmatch(value):
            raise ValueError("is not a token; write letters, digits and signs without spaces")
        return value

    @field_validator("secret")
    @classmethod
    def _is_key(cls, value: str | None) -> str | None:
        if value is not None:
            secret_bytes(value)
        return value

    @field_validator("server")
    @classmethod
    def _is_mail_server(cls, value: str | None) -> str | None:
        if value is not None:
            try:
                read_address(value)
            except ValueError:
                raise ValueError("is not a mail server; write for example mail.example:587") from None
        return value

    @field_validator("sender", "to")
    @classmethod
    def _are_mail_addresses(cls, value: str | tuple[str, ...] | None) -> str | tuple[str, ...] | None:
        for one in (value,) if isinstance(value, str) else value or ():
            if not _MAIL_ADDRESS.fullmatch(one):
                raise ValueError("is not a mail address; write for example admin@relay.example")
        return value

    @model_validator(mode="after")
    def _complete(self) -> ChannelSettings:
        for key in _NEEDS[self.kind]:
            if not getattr(self, key):
                _wrong(
                    "C311",
                    f"a channel of kind {self.kind} needs `{key}`",
                    f"Write it: {_EXAMPLES[self.kind]}",
                )
        for key in self.model_fields_set & set(_ONLY) - set(_TAKES[self.kind]):
            _wrong("C312", f"`{key}` is not for a channel of kind {self.kind}", "Take it out.")
        host = read_address(self.server).host if self.server else ""
        if self.kind == "mail" and self.tls == "none" and not _is_here(host):
            _wrong("C313", "mail would go to another machine unencrypted", "Write tls: starttls, or tls: tls")
        return self


class AlertSettings(Section):
    """Who is told when something needs a person."""

    channels: tuple[ChannelSettings, ...] = Field(
        default=(),
        description=(
            "Ways to reach people: `{name: mods, kind: webhook or ntfy, url: env:MODS_HOOK}`, "
            "`{name: child-safety, kind: mail, server: mail.example:587, sender: …, to: […]}`."
        ),
    )
    link: WebAddress | None = Field(
        default=None,
        description="Address that alerts link to; by default `admin.url`. Without either they name commands only.",
    )
    holds_wait: Duration = Field(
        default=written("24 hours"), description="How long a hold may wait before it is told of once more."
    )
    scanner_down: Duration = Field(
        default=written("10 minutes"),
        description="How long a scanner may be unable to answer before that is told.",
    )


def _is_here(host: str) -> bool:
    return host in {"localhost", "::1"} or host.startswith("127.")


def _wrong(code: str, cause: str, fix: str) -> NoReturn:
    raise PydanticCustomError(code, "{cause}", {"cause": cause, "fix": fix})
