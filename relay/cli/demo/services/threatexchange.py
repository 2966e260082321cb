"""A fake of the Graph API of ThreatExchange: what one privacy group shares, in the order of its times."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from aiohttp import web

from relay.cli.demo.services.frame import FakeService

TOKEN: Final = "1|token"  # noqa: S105 - of a fake
GROUP: Final = 7


@dataclass
class FakeThreatExchange(FakeService):
    """The Graph API of ThreatExchange: `threat_updates` of a group in the order of their times."""

    updates: list[dict[str, Any]] = field(default_factory=list)
    page: int = 2

    def allowed(self, request: web.Request) -> bool:
        """A token in the address, as Meta wants it."""
        return request.query.get("access_token") == TOKEN

    def app(self) -> web.Application:
        """One address."""
        return self.application(web.get(f"/{GROUP}/threat_updates", self._updates))

    async def _updates(self, request: web.Request) -> web.Response:
        since, until = (
            int(request.query.get(key, end)) for key, end in (("start_time", 0), ("stop_time", 1 << 40))
        )
        start = int(request.query.get("after", "0"))
        if "should_delete" not in request.query["fields"]:
            return graph_error(100)
        found = sorted(
            (one for one in self.updates if since <= one["last_updated"] <= until),
            key=lambda one: int(one["last_updated"]),
        )
        answer: dict[str, Any] = {"data": found[start : start + self.page]}
        if start + self.page < len(found):
            after = str(start + self.page)
            address = request.url.update_query({"after": after})
            answer["paging"] = {"cursors": {"after": after}, "next": str(address)}
        return web.json_response(answer)


def graph_error(code: int, status: int = 400) -> web.Response:
    """An error as the Graph API tells it."""
    error = {"message": "(#4) Application request limit reached", "type": "OAuthException", "code": code}
    return web.json_response({"error": {**error, "fbtrace_id": "x"}}, status=status)


def signal(value: str, at: int, own: int, status: str = "MALICIOUS", **more: Any) -> dict[str, Any]:
    """A signal of ThreatExchange with one opinion."""
    opinion = {
        "owner": {"id": "5"},
        "status": status,
        "tags": {"data": [{"id": "9", "text": "media_priority"}]},
    }
    found = {
        "id": str(own),
        "indicator": value,
        "type": "HASH_PDQ",
        "last_updated": at,
        "should_delete": False,
    }
    return {**found, "descriptors": {"data": [opinion]}, **more}
