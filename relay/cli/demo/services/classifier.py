"""A fake classifier, in the protocol of docs/hash-services.md."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import ClassVar

from aiohttp import web

from relay.cli.demo.services.frame import FakeService


@dataclass
class FakeClassifier(FakeService):
    """Scores by SHA-256 of a picture."""

    questions: ClassVar[frozenset[str]] = frozenset({"/"})

    scores: dict[str, float] = field(default_factory=dict)

    def allowed(self, request: web.Request) -> bool:  # noqa: ARG002 - a program of the operator's own
        """Everybody may."""
        return True

    def app(self) -> web.Application:
        """One address."""
        return self.application(web.post("/", self._score))

    async def _score(self, request: web.Request) -> web.Response:
        name = hashlib.sha256(await request.read()).hexdigest()
        return web.json_response({"score": self.scores.get(name, 0.0), "model": "fake/1"})
