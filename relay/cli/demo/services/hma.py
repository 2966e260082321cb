"""A fake Hasher-Matcher-Actioner 2.x, as a real one of 1.1.7 was seen to answer."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import ClassVar, Final

from aiohttp import web

from relay.cli.demo.services.frame import FakeService
from relay.domain.media import PDQ_RADIUS

_PDQ: Final = re.compile(r"[0-9a-f]{64}")
NOBODY: Final = "f" * 64
"""A hash that no picture of a test or of the demo comes near."""


@dataclass
class FakeHma(FakeService):
    """Banks of PDQ hashes in hex; distances are strings of digits; `ratios` below 1 let a bank answer by chance.

    Here chance is every other time. `built_to` and `state` are what the index status and the process say of it.
    """

    questions: ClassVar[frozenset[str]] = frozenset({"/m/lookup"})

    banks: dict[str, list[str]] = field(default_factory=lambda: {"SAMPLE": [NOBODY]})
    ratios: dict[str, float] = field(default_factory=dict)
    built_to: int = 1
    present: bool = True
    state: str = "I-AM-ALIVE"

    def allowed(self, request: web.Request) -> bool:  # noqa: ARG002 - HMA has no authentication
        """Everybody may."""
        return True

    def told(self, request: web.Request, body: bytes) -> str:  # noqa: ARG002 - the query has it all
        """One hash at a time."""
        return f"a hash: {len(request.query['signal']) * 4} bits of PDQ"

    def app(self) -> web.Application:
        """The addresses that a client needs."""
        return self.application(
            web.get("/status", self._alive),
            web.get("/m/lookup", self._lookup),
            web.get("/m/index/status", self._status),
            web.get("/c/banks", self._banks),
        )

    async def _alive(self, _request: web.Request) -> web.Response:
        return web.Response(status=200 if self.state == "I-AM-ALIVE" else 503, text=self.state)

    async def _status(self, _request: web.Request) -> web.Response:
        size = sum(map(len, self.banks.values()))
        one = {"present": self.present, "built_to": self.built_to if size else -1, "size": size}
        return web.json_response({"pdq": one, "video_md5": {"present": False, "built_to": -1, "size": 0}})

    async def _banks(self, _request: web.Request) -> web.Response:
        rows = [{"name": name, "matching_enabled_ratio": self.ratios.get(name, 1.0)} for name in self.banks]
        return web.json_response(rows)

    async def _lookup(self, request: web.Request) -> web.Response:
        signal, kind = request.query.get("signal"), request.query.get("signal_type")
        if not signal or not kind:
            return _refused("Either url or both signal and signal_type are required")
        if kind != "pdq":
            return _refused(f"No such SignalType '{kind}'")
        if not _PDQ.fullmatch(signal):
            return _refused("invalid signal: invalid PDQ hash")
        wanted, drawn = request.query.get("banks", ""), len(self.asked) % 2
        found: dict[str, list[dict[str, object]]] = {}
        for bank, hashes in self.banks.items():
            if self.ratios.get(bank, 1.0) < drawn or not self.ratios.get(bank, 1.0):
                continue
            for number, one in enumerate(hashes, 1):
                distance = (int(one, 16) ^ int(signal, 16)).bit_count()
                if distance <= PDQ_RADIUS and (not wanted or bank in wanted.split(",")):
                    found.setdefault(bank, []).append({"bank_content_id": number, "distance": str(distance)})
        return web.json_response(found)


def _refused(message: str) -> web.Response:
    return web.json_response({"message": message}, status=400)
