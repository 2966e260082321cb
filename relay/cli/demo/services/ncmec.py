"""A fake of NCMEC's hash sharing, version 2: pages, tombstones, members. Its entries can be changed at any time."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final
from urllib.parse import urlencode
from xml.sax.saxutils import escape, quoteattr

from aiohttp import web

from relay.cli.demo.services.frame import FakeService, knows_password

USER: Final = "me"
PASSWORD: Final = "secret"  # noqa: S105 - of a fake
NAMESPACE: Final = "https://hashsharing.ncmec.org/hashsharing/v2"


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
        """It as XML."""
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
        """HTTP Basic."""
        return knows_password(request, USER, PASSWORD)

    def app(self) -> web.Application:
        """Entries, and the status of who asks."""
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


def xml(text: str, status: int = 200) -> web.Response:
    """An answer in XML."""
    head = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
    return web.Response(status=status, text=head + text, content_type="application/xml")


def iso(at: float) -> str:
    """A time as NCMEC writes it."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
