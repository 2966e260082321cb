"""Cloudflare's CSAM scanning tool: whether it is on. It tells nothing of what it finds but by mail, once a day.

`GET /zones/{zone}/settings/csam_scanner_third_party` with a token that may read the zone's settings. The setting is in
no summary of settings, and with 200 the answer may still be an error. The mail address comes masked and is not looked
at.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from relay.adapters.scanners.services.connection import Answer
from relay.domain.errors import RemoteError

if TYPE_CHECKING:
    from relay.adapters.scanners.services.connection import ServiceConnection

DISABLED: Final = "it is switched off for this zone"
LOCKED: Final = "Cloudflare has locked the setting: ask its Trust & Safety team"
NO_MAIL: Final = "no mail address is given, so nobody hears of matches"
MAIL: Final = {
    "pending": "the mail address is not confirmed yet: follow the link in Cloudflare's mail",
    "unverified": "the mail address is not confirmed: have Cloudflare send its mail again",
}
UNKNOWN_MAIL: Final = "the mail address is in a state that Cloudflare does not document"
NO_SOURCES: Final = "no list of known material is chosen, so nothing can match"


class _Value(Answer):
    email: str | None = None
    email_state: str | None = None
    enabled: bool | None = None
    sources: dict[str, bool] | None = None


class _Setting(Answer):
    editable: bool | None = None
    value: _Value


class _Envelope(Answer):
    success: bool
    result: _Setting | None = None


class CloudflareTool:
    """The tool of one zone. Implements the port `Tool`."""

    name = "cloudflare"

    def __init__(self, connection: ServiceConnection, zone: str) -> None:
        self._connection, self._path = connection, f"/zones/{zone}/settings/csam_scanner_third_party"

    async def problems(self) -> tuple[str, ...]:
        """Say what is wrong. Raises `RemoteError`, and says so when the token may not look."""
        try:
            found = await self._connection.get(self._path, _Envelope)
        except RemoteError as error:
            if error.status in {401, 403}:
                message = f"{error}: the token must be valid, and may read the settings of this zone"
                raise RemoteError(message, code="status", temporary=False, status=error.status) from None
            raise
        if not found.success or found.result is None:
            raise RemoteError("cloudflare answered with an error", code="bad-answer", temporary=False)
        return tuple(_problems(found.result))


def _problems(setting: _Setting) -> list[str]:
    value, found = setting.value, list[str]()
    if value.enabled is not True:
        found.append(DISABLED)
    if setting.editable is False:
        found.append(LOCKED)
    if not value.email:
        found.append(NO_MAIL)
    elif value.email_state != "valid":
        found.append(MAIL.get(value.email_state or "", UNKNOWN_MAIL))
    if not any((value.sources or {}).values()):
        found.append(NO_SOURCES)
    return found
