"""The sidecar: a document goes in before it is signed, the same document with `hash` and `attestation` comes out.

Media are found where FEP-b53d puts them, in `attachment`, `image` and `icon`, and the object itself. Only files of
this server are looked at: those whose URL begins with a prefix for which a folder is known. The document comes back in
any case; what has no attestation is left as it was.
"""

from __future__ import annotations

import asyncio
import json
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import aiohttp
from aiohttp import web

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Mapping
    from pathlib import Path

    from .signing import Signer

MEDIA = {"Image", "Document", "Video", "Audio"}
PLACES = ("attachment", "image", "icon")
LARGEST = 1024 * 1024
"""Bytes of a document."""
TERMS = {
    "pdna": "https://purl.archive.org/socialweb/photodna#",
    "hash": {"@id": "pdna:hash", "@type": "@id"},
    "attestation": {"@id": "pdna:attestation", "@type": "@id"},
}
"""Defined in the document itself, so that signatures over JSON-LD cover the two properties (profile P-02, P-03)."""
_log = logging.getLogger("sidecar")


@dataclass(frozen=True)
class Office:
    """The relay that is asked. `connect` is where it listens, when that is not `url`; `patience` is in seconds."""

    url: str
    session: aiohttp.ClientSession
    signer: Signer
    connect: str | None = None
    patience: float = 60.0
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep

    async def ask(self, content: bytes, kind: str) -> dict[str, str] | None:
        """The properties `hash` and `attestation` for a file; None when there are none, whatever the reason."""
        path, method, left = "/media-attestations", "POST", self.patience
        while True:
            url, body = self.url + path, content if method == "POST" else b""
            headers = self.signer.headers(method, url, body, kind)
            try:
                async with self.session.request(
                    method, (self.connect or self.url) + path, data=body or None, headers=headers
                ) as answer:
                    if answer.status == 200:
                        found = json.loads(await answer.read())
                        return {name: found[name] for name in ("hash", "attestation")}
                    wait = float(answer.headers.get("Retry-After", "0"))
                    if answer.status != 202 or left <= 0:
                        _log.info("no attestation: %s answers %s", url, answer.status)
                        return None
                    path, method = answer.headers["Location"], "GET"
            except (aiohttp.ClientError, TimeoutError, ValueError, KeyError) as error:
                _log.warning("no attestation: %s: %r", url, error)
                return None
            left -= wait
            await self.sleep(wait)


@dataclass(frozen=True)
class Sidecar:
    """`folders`: where the files are that are served under a prefix of URLs."""

    office: Office
    folders: Mapping[str, Path]

    async def attest(self, document: dict[str, Any]) -> dict[str, Any]:
        """The document, its own media attested as far as the relay does that."""
        about = document["object"] if isinstance(document.get("object"), dict) else document
        media = list(media_of(about))
        found = await asyncio.gather(*(self._properties(medium) for medium in media))
        for medium, properties in zip(media, found, strict=True):
            medium.update(properties)
        if any(found):
            context = document.get("@context", [])
            document["@context"] = [*(context if isinstance(context, list) else [context]), TERMS]
        return document

    async def _properties(self, medium: dict[str, Any]) -> dict[str, str]:
        path = self.file(address_of(medium))
        if path is None:
            return {}
        content = await asyncio.to_thread(path.read_bytes)
        kind = medium.get("mediaType") or "application/octet-stream"
        return await self.office.ask(content, kind) or {}

    def file(self, url: object) -> Path | None:
        """The file behind a URL of this server; None for everybody else's, and for what leads out of the folder."""
        if not isinstance(url, str):
            return None
        for prefix, folder in self.folders.items():
            path = (folder / unquote(url.removeprefix(prefix))).resolve()
            if url.startswith(prefix) and path.is_relative_to(folder.resolve()) and path.is_file():
                return path
        return None

    async def answer(self, request: web.Request) -> web.Response:
        """`POST /`: JSON in, JSON out."""
        try:
            document = json.loads(await request.read())
        except ValueError:
            document = None
        if not isinstance(document, dict):
            raise web.HTTPBadRequest(text="The body is not a JSON object.")
        return web.json_response(await self.attest(document))

    def app(self) -> web.Application:
        """The web application; let nobody but the server reach it."""
        app = web.Application(client_max_size=LARGEST)
        app.router.add_post("/", self.answer)
        return app


def address_of(medium: dict[str, Any]) -> object:
    """The first address in `url`, which is a string, a Link, or an array of these."""
    found = medium.get("url")
    first = found[0] if isinstance(found, list) and found else found
    return first.get("href") if isinstance(first, dict) else first


def media_of(about: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The media of an object, each as the very dictionary that stands in it."""
    candidates: list[Any] = [about]
    for place in PLACES:
        value = about.get(place, [])
        candidates += value if isinstance(value, list) else [value]
    for candidate in candidates:
        if isinstance(candidate, dict) and candidate.get("type") in MEDIA and "attestation" not in candidate:
            yield candidate
