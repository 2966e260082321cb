"""A fake of StopNCII.org, version 1: records by the time of their last change, page by page."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from aiohttp import web

from relay.cli.demo.services.frame import FakeService

KEY: Final = "subscription"
FUNCTION_KEY: Final = "function"
_LARGEST_PAGE: Final = 800
_EARLIEST: Final = 10


@dataclass
class FakeStopNcii(FakeService):
    """StopNCII.org v1: records as they are in the answers."""

    records: list[dict[str, Any]] = field(default_factory=list)
    page: int = 2

    def allowed(self, request: web.Request) -> bool:
        """The key of the subscription, and that of the function."""
        keys = ("Ocp-Apim-Subscription-Key", "x-functions-key")
        return tuple(request.headers.get(key) for key in keys) == (KEY, FUNCTION_KEY)

    def app(self) -> web.Application:
        """One function."""
        return self.application(web.get("/FetchHashes", self._fetch))

    async def _fetch(self, request: web.Request) -> web.Response:
        since, place = int(request.query["startTimestamp"]), request.query.get("nextPageToken", "page 0")
        if int(request.query["pageSize"]) > _LARGEST_PAGE or since < _EARLIEST:
            return web.json_response({"message": "bad request"}, status=400)
        start = int(place.removeprefix("page "))
        found = [one for one in self.records if one["lastModtimestamp"] >= since]
        page = found[start : start + self.page]
        more = start + self.page < len(found)
        return web.json_response(
            {
                "count": len(page),
                "nextPageToken": f"page {start + self.page}" if more else None,
                "nextSetTimestamp": max((one["lastModtimestamp"] for one in page), default=since),
                "hasMoreRecords": more,
                "hashRecords": page,
            }
        )


def record(
    value: str, at: int, status: str = "Active", kind: str = "ImagePDQ", **more: Any
) -> dict[str, Any]:
    """A record of StopNCII."""
    case = {"caseNumbers": {"27664732-76e1-4a17-8099-455798e67022": status}}
    found = {"lastModtimestamp": at, "signalType": kind, "hashValue": value, "hashStatus": status}
    return {**found, **case, **more}
