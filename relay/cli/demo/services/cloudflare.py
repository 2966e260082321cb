"""A fake of Cloudflare's interface to the setting of its CSAM scanning tool."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from aiohttp import web

from relay.cli.demo.services.frame import FakeService

ZONE: Final = "0123456789abcdef" * 2
TOKEN: Final = "t"  # noqa: S105 - of a fake


@dataclass
class FakeCloudflare(FakeService):
    """Cloudflare's interface to the setting of its CSAM scanning tool."""

    value: dict[str, Any] = field(
        default_factory=lambda: {
            "email": "a***@relay.example",
            "email_state": "valid",
            "enabled": True,
            "sources": {"ncmec": True, "industry": False},
            "zone_plan": "free",
        }
    )
    editable: bool = True

    def allowed(self, request: web.Request) -> bool:
        """A token."""
        return request.headers.get("Authorization") == f"Bearer {TOKEN}"

    def app(self) -> web.Application:
        """One setting of one zone."""
        return self.application(web.get(f"/zones/{ZONE}/settings/csam_scanner_third_party", self._setting))

    async def _setting(self, _request: web.Request) -> web.Response:
        result = {"id": "csam_scanner", "editable": self.editable, "modified_on": None, "value": self.value}
        return web.json_response({"errors": [], "messages": [], "success": True, "result": result})
