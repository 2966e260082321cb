"""Fake keepers of hash lists, and Cloudflare's interface, as documented: with pages, tombstones, limits and errors.

They are run like the other fakes: `async with running(FakeNcmec()) as url`. What they keep can be changed between two
requests, in any order of time.
"""

from __future__ import annotations

import hmac
from base64 import b64encode
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode
from xml.sax.saxutils import escape, quoteattr

from aiohttp import web

from tests.services import FakeService

NAMESPACE = "https://hashsharing.ncmec.org/hashsharing/v2"
ZONE = "0123456789abcdef" * 2


@dataclass
class Shared:
    """An entry at NCMEC: fingerprints by kind as in the XML, none when it was deleted."""

    own: str
    at: float
    prints: dict[str, str] = field(default_factory=dict)
    member: int = 42
    kind: str = "image"
    classification: str = "A1"
    deleted: bool = False

    def written(self) -> str:
        head = f'<member id="{self.member}">Member &amp; Co {self.member}</member>'
        head += f"<timestamp>{iso(self.at)}</timestamp><id>{escape(self.own)}</id>"
        if self.deleted:
            name = f"deleted{self.kind.capitalize()}"
            return f"<{name}>{head}</{name}>"
        prints = "".join(f"<{kind}>{escape(value)}</{kind}>" for kind, value in self.prints.items())
        return (
            f"<{self.kind}>{head}<classification>{self.classification}</classification>"
            f"<fingerprints>{prints}</fingerprints></{self.kind}>"
        )


@dataclass
class FakeNcmec(FakeService):
    """NCMEC's hash sharing v2. Pages are in the order of `entries`, whatever their times are."""

    entries: list[Shared] = field(default_factory=list)
    page: int = 2
    forgets: bool = False
    """`next` is no longer known, as after twelve hours."""

    def allowed(self, request: web.Request) -> bool:
        expected = "Basic " + b64encode(b"me:secret").decode()
        return hmac.compare_digest(request.headers.get("Authorization", ""), expected)

    def app(self) -> web.Application:
        return self.application(web.get("/v2/entries", self._entries), web.get("/v2/status", self._status))

    async def _status(self, _request: web.Request) -> web.Response:
        return xml(f'<status xmlns="{NAMESPACE}"><member id="1">Me</member></status>')

    async def _entries(self, request: web.Request) -> web.Response:
        since, until = (datetime.fromisoformat(request.query[key]).timestamp() for key in ("from", "to"))
        start = int(request.query.get("start", "1"))
        if self.forgets and start > 1:
            return web.Response(status=404, text="<error>unknown page</error>", content_type="text/xml")
        found = [one for one in self.entries if since <= one.at <= until]
        page = found[start - 1 : start - 1 + self.page]
        more = ""
        if start - 1 + self.page < len(found):
            query = {
                "from": request.query["from"],
                "to": request.query["to"],
                "start": start + self.page,
                "size": self.page,
                "max": start + 2 * self.page - 1,
            }
            more = f"<paging><next>{escape('/v2/entries?' + urlencode(query))}</next></paging>"
        groups = "".join(self._group(kind, page) for kind in ("image", "video"))
        return xml(f'<queryResult xmlns="{NAMESPACE}">{groups}{more}</queryResult>')

    @staticmethod
    def _group(kind: str, page: list[Shared]) -> str:
        some = [one for one in page if one.kind == kind]
        if not some:
            return ""
        newest = quoteattr(iso(max(one.at for one in some)))
        inside = "".join(one.written() for one in some)
        return f'<{kind}s count="{len(some)}" maxTimestamp={newest}>{inside}</{kind}s>'


@dataclass
class FakeStopNcii(FakeService):
    """StopNCII.org v1: records as they are in the answers."""

    records: list[dict[str, Any]] = field(default_factory=list)
    page: int = 2

    def allowed(self, request: web.Request) -> bool:
        keys = ("Ocp-Apim-Subscription-Key", "x-functions-key")
        return tuple(request.headers.get(key) for key in keys) == ("subscription", "function")

    def app(self) -> web.Application:
        return self.application(web.get("/FetchHashes", self._fetch))

    async def _fetch(self, request: web.Request) -> web.Response:
        since, place = int(request.query["startTimestamp"]), request.query.get("nextPageToken", "page 0")
        assert int(request.query["pageSize"]) <= 800
        assert since >= 10
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


@dataclass
class FakeThreatExchange(FakeService):
    """The Graph API of ThreatExchange: `threat_updates` of group 7 in the order of their times."""

    updates: list[dict[str, Any]] = field(default_factory=list)
    page: int = 2

    def allowed(self, request: web.Request) -> bool:
        return request.query.get("access_token") == "1|token"

    def app(self) -> web.Application:
        return self.application(web.get("/7/threat_updates", self._updates))

    async def _updates(self, request: web.Request) -> web.Response:
        since, until = (
            int(request.query.get(key, end)) for key, end in (("start_time", 0), ("stop_time", 1 << 40))
        )
        start = int(request.query.get("after", "0"))
        assert "should_delete" in request.query["fields"]
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
        return request.headers.get("Authorization") == "Bearer t"

    def app(self) -> web.Application:
        return self.application(web.get(f"/zones/{ZONE}/settings/csam_scanner_third_party", self._setting))

    async def _setting(self, _request: web.Request) -> web.Response:
        result = {"id": "csam_scanner", "editable": self.editable, "modified_on": None, "value": self.value}
        return web.json_response({"errors": [], "messages": [], "success": True, "result": result})


def xml(text: str, status: int = 200) -> web.Response:
    """An answer in XML."""
    head = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
    return web.Response(status=status, text=head + text, content_type="application/xml")


def iso(at: float) -> str:
    """A time as NCMEC writes it."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
