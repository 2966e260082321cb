"""Fake hash services that speak the documented protocols, with the errors that the documentation tells of.

Each is an aiohttp application with a set of hashes or files that it knows, run on loopback by `running`. `fault` makes
it answer as a broken service does: it takes the request and returns a response, or None to answer as usual.
"""

from __future__ import annotations

import hashlib
import hmac
from base64 import b64decode, b64encode
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aiohttp import web

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    Fault = Callable[[web.Request], web.StreamResponse | None]

HTML = "<!doctype html><title>502 Bad Gateway</title>"


@dataclass
class FakeService:
    """What all fakes share. `asked` are the requests, `sent` their bodies."""

    fault: Fault | None = None
    asked: list[web.Request] = field(default_factory=list)
    sent: list[bytes] = field(default_factory=list)

    def app(self) -> web.Application:
        raise NotImplementedError

    def allowed(self, request: web.Request) -> bool:
        """Whether the credentials are right."""
        raise NotImplementedError

    @property
    def paths(self) -> list[str]:
        return [request.path for request in self.asked]

    def application(self, *routes: web.RouteDef) -> web.Application:
        @web.middleware
        async def watched(request: web.Request, handler: Any) -> web.StreamResponse:
            self.asked.append(request)
            # A form can be read once only; its fake reads it.
            form = request.content_type.startswith("multipart/")
            self.sent.append(b"" if form else await request.read())
            if not self.allowed(request):
                return web.json_response({"detail": "Invalid credentials"}, status=401)
            broken = self.fault(request) if self.fault else None
            if broken is not None:
                return broken
            answer: web.StreamResponse = await handler(request)
            return answer

        app = web.Application(middlewares=[watched], client_max_size=16 << 20)
        app.add_routes(routes)
        return app


@asynccontextmanager
async def running(service: FakeService) -> AsyncIterator[str]:
    """Run a fake on loopback; yield its address."""
    runner = web.AppRunner(service.app())
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


def always(status: int = 200, text: str = "", **headers: str) -> Fault:
    """A fault: every answer is this one."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda _request: web.Response(status=status, text=text, headers=named, content_type="text/html")


def reply(value: object) -> Fault:
    """A fault: HTTP 200 with this JSON."""
    return lambda _request: web.json_response(value)


@dataclass
class FakeHma(FakeService):
    """HMA 2.x: banks of PDQ hashes in hex; distances are strings of digits."""

    banks: dict[str, list[str]] = field(default_factory=dict)
    ratios: dict[str, float] = field(default_factory=dict)
    built_to: int = 1
    present: bool = True

    def allowed(self, request: web.Request) -> bool:
        return True  # HMA has no authentication

    def app(self) -> web.Application:
        return self.application(
            web.get("/m/lookup", self._lookup),
            web.get("/m/index/status", self._status),
            web.get("/c/banks", self._banks),
        )

    async def _status(self, _request: web.Request) -> web.Response:
        size = sum(map(len, self.banks.values()))
        one = {"present": self.present, "built_to": self.built_to, "size": size}
        absent = {"present": False, "built_to": -1, "size": 0}
        return web.json_response({"pdq": one, "video_md5": absent})

    async def _banks(self, _request: web.Request) -> web.Response:
        rows = [{"name": name, "matching_enabled_ratio": self.ratios.get(name, 1.0)} for name in self.banks]
        return web.json_response(rows)

    async def _lookup(self, request: web.Request) -> web.Response:
        signal, wanted = request.query["signal"], request.query.get("banks", "")
        if request.query["signal_type"] != "pdq" or len(signal) != 64:
            return web.json_response({"message": "invalid signal"}, status=400)
        found: dict[str, list[dict[str, object]]] = {}
        for bank, hashes in self.banks.items():
            for number, one in enumerate(hashes):
                distance = (int(one, 16) ^ int(signal, 16)).bit_count()
                if distance <= 31 and (not wanted or bank in wanted.split(",")):
                    found.setdefault(bank, []).append({"bank_content_id": number, "distance": str(distance)})
        return web.json_response(found)


@dataclass
class FakeArachnid(FakeService):
    """Arachnid Shield: classes by PDQ hash (bytes) and by SHA-256 of files."""

    hashes: dict[bytes, tuple[str, str]] = field(default_factory=dict)
    files: dict[str, tuple[str, str]] = field(default_factory=dict)
    updated: str = "2026-11-01T00:00:00Z"
    has_version: bool = True

    def allowed(self, request: web.Request) -> bool:
        expected = "Basic " + b64encode(b"me:secret").decode()
        return hmac.compare_digest(request.headers.get("Authorization", ""), expected)

    def app(self) -> web.Application:
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
        asked = (await request.json())["hashes"]
        scanned = {}
        for one in asked:
            raw = b64decode(one)
            if len(raw) != 32:
                return web.json_response({"detail": "invalid pdq hash"}, status=400)
            scanned[one] = self._row(*self.hashes.get(raw, ("no-known-match", None)))
        return web.json_response({"scanned_hashes": scanned})

    async def _media(self, request: web.Request) -> web.Response:
        if not request.content_type.startswith(("image/", "video/")):
            return web.json_response({"detail": "unsupported media type"}, status=415)
        content = await request.read()
        name = hashlib.sha256(content).hexdigest()
        row = self._row(*self.files.get(name, ("no-known-match", None)))
        return web.json_response({"size_bytes": len(content), "sha256_hex": name, **row})

    @staticmethod
    def _row(classification: str, match_type: str | None) -> dict[str, object]:
        near = [{"timestamp": 0.0, "sha1_base32": "X", "sha256_hex": "00", "classification": classification}]
        details = near if match_type == "near" else []
        return {
            "classification": classification,
            "match_type": match_type,
            "near_match_details": details,
            "is_match": match_type is not None,
        }


@dataclass
class FakePhotoDna(FakeService):
    """PhotoDNA: sources of matches by SHA-256 of a picture or by the base64 of a hash; null for null details."""

    known: dict[str, list[str] | None] = field(default_factory=dict)
    codes: dict[str, int] = field(default_factory=dict)

    def allowed(self, request: web.Request) -> bool:
        return request.headers.get("Ocp-Apim-Subscription-Key") == "k"

    def app(self) -> web.Application:
        return self.application(web.post("/Match", self._match), web.post("/MatchHash", self._match_hash))

    async def _match(self, request: web.Request) -> web.Response:
        if request.content_type not in {"image/gif", "image/jpeg", "image/png", "image/bmp", "image/tiff"}:
            return web.json_response(self._result("", 3206))
        content = await request.read()
        if len(content) > 4 << 20:
            return web.json_response(self._result("", 3208))
        return web.json_response(self._result(hashlib.sha256(content).hexdigest()))

    async def _match_hash(self, request: web.Request) -> web.Response:
        asked = await request.json()
        assert len(asked) <= 5
        assert all(set(one) == {"DataRepresentation", "Value"} for one in asked)
        results = [self._result(one["Value"]) for one in asked]
        return web.json_response({"TrackingId": "t", "MatchResults": results})

    def _result(self, key: str, code: int | None = None) -> dict[str, object]:
        code = code or self.codes.get(key, 3000)
        matched, details = key in self.known and code == 3000, None
        if matched and self.known[key] is not None:
            flags = [
                {"Source": one, "Violations": ["A1"], "MatchDistance": 12} for one in self.known[key] or ()
            ]
            details = {"AdvancedInfo": [], "MatchFlags": flags}
        status = {"Code": code, "Description": "OK" if code == 3000 else "no", "Exception": None}
        return {
            "Status": status,
            "ContentId": None,
            "IsMatch": matched,
            "MatchDetails": details,
            "TrackingId": "t",
        }


@dataclass
class FakeHive(FakeService):
    """Hive's combined endpoint: (matchTypes, hashSet) by SHA-256 of a picture, and what the classifier flags."""

    known: dict[str, tuple[list[str], str]] = field(default_factory=dict)
    flagged: set[str] = field(default_factory=set)
    code: int = 200

    def allowed(self, request: web.Request) -> bool:
        return request.headers.get("Authorization") == "Token k"

    def app(self) -> web.Application:
        return self.application(web.post("/api/v2/task/sync", self._task))

    async def _task(self, request: web.Request) -> web.Response:
        posted: Any = (await request.post())["media"]
        name = hashlib.sha256(posted.file.read()).hexdigest()
        output: dict[str, object] = {"file": self._file(name)}
        if name in self.known:
            types, group = self.known[name]
            match = {"sourceId": 1, "matchDistance": 45, "matchMetadata": None, "matchTransformations": []}
            source = {"hashSet": group, "matches": [match]}
            output["hashes"] = [{"hashType": "saferhashv0", "matchTypes": types, "sources": [source]}]
        status = {"code": self.code, "message": "SUCCESS"}
        return web.json_response({"status": [{"status": status, "response": {"output": output}}]})

    def _file(self, name: str) -> dict[str, object]:
        reasons = ["matched"] if name in self.known else ["csam"] if name in self.flagged else []
        return {"fileType": "image", "reasons": reasons, "classifierPrediction": None}


@dataclass
class FakeClassifier(FakeService):
    """A classifier: scores by SHA-256."""

    scores: dict[str, float] = field(default_factory=dict)

    def allowed(self, request: web.Request) -> bool:
        return True

    def app(self) -> web.Application:
        return self.application(web.post("/", self._score))

    async def _score(self, request: web.Request) -> web.Response:
        name = hashlib.sha256(await request.read()).hexdigest()
        return web.json_response({"score": self.scores.get(name, 0.0), "model": "fake/1"})
