"""A fake PhotoDNA Cloud Service, version 1.0."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import ClassVar, Final

from aiohttp import web

from relay.cli.demo.services.frame import FakeService

KEY: Final = "k"
LARGEST: Final = 4 << 20
TAKEN: Final = frozenset({"image/gif", "image/jpeg", "image/png", "image/bmp", "image/tiff"})
MOST: Final = 5
_OK, _INVALID, _NO_PICTURE, _SIZE = 3000, 3002, 3206, 3208


@dataclass
class FakePhotoDna(FakeService):
    """Sources of matches by SHA-256 of a picture or by the base64 of a hash; null for null details.

    `codes` answer in place of 3000.
    """

    questions: ClassVar[frozenset[str]] = frozenset({"/Match", "/MatchHash"})

    known: dict[str, list[str] | None] = field(default_factory=dict)
    codes: dict[str, int] = field(default_factory=dict)

    def allowed(self, request: web.Request) -> bool:
        """A key in a header of its own."""
        return request.headers.get("Ocp-Apim-Subscription-Key") == KEY

    def app(self) -> web.Application:
        """By picture and by hash."""
        return self.application(web.post("/Match", self._match), web.post("/MatchHash", self._match_hash))

    async def _match(self, request: web.Request) -> web.Response:
        if request.content_type not in TAKEN:
            return web.json_response(self._result("", _NO_PICTURE))
        content = await request.read()
        if len(content) > LARGEST:
            return web.json_response(self._result("", _SIZE))
        return web.json_response(self._result(hashlib.sha256(content).hexdigest()))

    async def _match_hash(self, request: web.Request) -> web.Response:
        asked = await request.json()
        if len(asked) > MOST or any(set(one) != {"DataRepresentation", "Value"} for one in asked):
            return web.json_response(self._result("", _INVALID))
        results = [self._result(one["Value"]) for one in asked]
        return web.json_response({"TrackingId": "t", "MatchResults": results})

    def _result(self, key: str, code: int | None = None) -> dict[str, object]:
        code = code or self.codes.get(key, _OK)
        matched, details = key in self.known and code == _OK, None
        if matched and self.known[key] is not None:
            sources = self.known[key] or ()
            flags = [{"Source": one, "Violations": ["A1"], "MatchDistance": 12} for one in sources]
            details = {"AdvancedInfo": [], "MatchFlags": flags}
        return {
            "Status": {"Code": code, "Description": "OK" if code == _OK else "no", "Exception": None},
            "ContentId": None,
            "IsMatch": matched,
            "MatchDetails": details,
            "TrackingId": "t",
        }
