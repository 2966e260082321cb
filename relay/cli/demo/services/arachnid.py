"""A fake Arachnid Shield (its OpenAPI 1.1.0)."""

from __future__ import annotations

import hashlib
from base64 import b64decode
from dataclasses import dataclass, field
from typing import ClassVar, Final

import orjson
from aiohttp import web

from relay.cli.demo.services.frame import FakeService, knows_password

USER: Final = "me"
PASSWORD: Final = "secret"  # noqa: S105 - of a fake
NOTHING: Final = ("no-known-match", None)


@dataclass
class FakeArachnid(FakeService):
    """Classes and sorts of match, by PDQ hash (bytes) and by SHA-256 of files."""

    questions: ClassVar[frozenset[str]] = frozenset({"/v1/pdq/", "/v1/media/"})

    hashes: dict[bytes, tuple[str, str]] = field(default_factory=dict)
    files: dict[str, tuple[str, str]] = field(default_factory=dict)
    updated: str = "2026-11-01T00:00:00Z"
    has_version: bool = True

    def allowed(self, request: web.Request) -> bool:
        """HTTP Basic."""
        return knows_password(request, USER, PASSWORD)

    def told(self, request: web.Request, body: bytes) -> str:
        """All hashes of a file at once, or the file."""
        if request.path != "/v1/pdq/":
            return super().told(request, body)
        return f"{len(orjson.loads(body)['hashes'])} hashes: 256 bits of PDQ each"

    def app(self) -> web.Application:
        """The addresses that a client needs. `/v1/media/submit` is not among them: nobody may call it."""
        return self.application(
            web.post("/v1/pdq/", self._pdq),
            web.post("/v1/media/", self._media),
            web.get("/v1/version", self._version),
        )

    async def _version(self, _request: web.Request) -> web.Response:
        if not self.has_version:
            return web.json_response({"detail": "Not Found"}, status=404)
        return web.json_response({"last_updated_at": self.updated})

    async def _pdq(self, request: web.Request) -> web.Response:
        scanned = {}
        for one in (await request.json())["hashes"]:
            raw = b64decode(one)
            if len(raw) != 32:
                return web.json_response({"detail": "invalid pdq hash"}, status=400)
            scanned[one] = _row(*self.hashes.get(raw, NOTHING))
        return web.json_response({"scanned_hashes": scanned})

    async def _media(self, request: web.Request) -> web.Response:
        if not request.content_type.startswith(("image/", "video/")):
            return web.json_response({"detail": "unsupported media type"}, status=415)
        content = await request.read()
        name = hashlib.sha256(content).hexdigest()
        row = _row(*self.files.get(name, NOTHING))
        return web.json_response({"size_bytes": len(content), "sha256_hex": name, **row})


def _row(classification: str, match_type: str | None) -> dict[str, object]:
    near = [{"timestamp": 0.0, "sha1_base32": "X", "sha256_hex": "00", "classification": classification}]
    return {
        "classification": classification,
        "match_type": match_type,
        "near_match_details": near if match_type == "near" else [],
        "is_match": match_type is not None,
    }
