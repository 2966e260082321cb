"""A fake of Safer as Hive offers it: the combined endpoint."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import ClassVar, Final

from aiohttp import web

from relay.cli.demo.services.frame import FakeService

KEY: Final = "k"


@dataclass
class FakeHive(FakeService):
    """(matchTypes, hashSet) by SHA-256 of a picture, and what the classifier flags."""

    questions: ClassVar[frozenset[str]] = frozenset({"/api/v2/task/sync"})

    known: dict[str, tuple[list[str], str]] = field(default_factory=dict)
    flagged: set[str] = field(default_factory=set)
    code: int = 200

    def allowed(self, request: web.Request) -> bool:
        """A token."""
        return request.headers.get("Authorization") == f"Token {KEY}"

    def told(self, request: web.Request, body: bytes) -> str:  # noqa: ARG002 - a form around the file
        """The file."""
        return f"the file: {len(body):,} bytes in a form"

    def app(self) -> web.Application:
        """One address for all."""
        return self.application(web.post("/api/v2/task/sync", self._task))

    async def _task(self, request: web.Request) -> web.Response:
        if "media" not in await request.post():
            return web.json_response({"status_code": 400, "message": "no media"}, status=400)
        content = self.sent[self.asked.index(request)]
        name = hashlib.sha256(content).hexdigest()
        output: dict[str, object] = {"file": self._file(name)}
        if name in self.known:
            types, group = self.known[name]
            found: dict[str, object] = {
                "sourceId": 1,
                "matchDistance": 45,
                "matchMetadata": None,
                "matchTransformations": [],
            }
            source = {"hashSet": group, "matches": [found]}
            output["hashes"] = [{"hashType": "saferhashv0", "matchTypes": types, "sources": [source]}]
        status = {"code": self.code, "message": "SUCCESS"}
        return web.json_response({"status": [{"status": status, "response": {"output": output}}]})

    def _file(self, name: str) -> dict[str, object]:
        reasons = ["matched"] if name in self.known else ["csam"] if name in self.flagged else []
        return {"fileType": "image", "reasons": reasons, "classifierPrediction": None}
