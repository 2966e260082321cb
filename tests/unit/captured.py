"""The recorded requests of real servers in tests/golden/captures, as the relay would see them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from relay.protocol.httpdate import parse_http_date
from relay.protocol.httpsig import SignedRequest

FOLDER = Path(__file__).parents[1] / "golden" / "captures"
KEYS: dict[str, list[str]] = json.loads((FOLDER / "keys.json").read_text())
ACTORS: dict[str, Any] = {
    path.stem: json.loads(path.read_text()) for path in sorted((FOLDER / "actors").glob("*.json"))
}


@dataclass(frozen=True)
class Capture:
    """A recorded delivery and what the index says about it."""

    name: str
    facts: dict[str, Any]

    @property
    def request(self) -> SignedRequest:
        """The request as received."""
        head, body = (FOLDER / self.name).read_bytes().split(b"\r\n\r\n", 1)
        first, *lines = head.decode("ascii").split("\r\n")
        method, target, _ = first.split(" ")
        headers = (line.partition(":") for line in lines)
        return SignedRequest(method, target, tuple((name.lower(), value) for name, _, value in headers), body)

    @property
    def body(self) -> bytes:
        """Its body."""
        return self.request.body

    @property
    def now(self) -> float:
        """When it was sent, in seconds since 1970."""
        moment = parse_http_date(self.facts["http_date"])
        assert moment is not None
        return moment

    @property
    def hosts(self) -> frozenset[str]:
        """The host that it was sent to."""
        return frozenset({self.facts["host"]})


CAPTURES = [Capture(entry["file"], entry) for entry in json.loads((FOLDER / "index.json").read_text())]
TO_RELAY = [capture for capture in CAPTURES if capture.name.startswith("to_relay/")]


def capture(number: str) -> Capture:
    """The delivery with that number."""
    return next(one for one in CAPTURES if f"/{number}_" in one.name)


def answers(pattern: str) -> list[tuple[str, bytes]]:
    """Name and body of each recorded answer to a GET."""
    return [(path.name, _body(path.read_bytes())) for path in sorted((FOLDER / "fetch").glob(pattern))]


def _body(answer: bytes) -> bytes:
    head, body = answer.split(b"\r\n\r\n", 1)
    if b"transfer-encoding: chunked" not in head.lower():
        return body
    joined = b""
    while size := int(body.partition(b"\r\n")[0], 16):
        body = body.partition(b"\r\n")[2]
        joined, body = joined + body[:size], body[size + 2 :]
    return joined
