"""Media that is submitted to be attested: `POST /media-attestations`, and the address of an answer that comes later.

Who asks is known before the body is read: the signature covers the digest that the body has to have. Room for the body
is taken before it is read, too.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from aiohttp import web

from relay.domain import strictjson
from relay.domain.errors import Malformed, TooLarge, Unauthorized
from relay.protocol.documents import dump
from relay.services.submissions import Attested, Pending
from relay.web.federation import BODY_TIMEOUT, read_body, signed_request

if TYPE_CHECKING:
    from relay.services.authenticate import Authenticator, Sender
    from relay.services.submissions import Submissions

PATH: Final = "/media-attestations"
ASK_AGAIN: Final = 5
"""Seconds after which to ask for an answer again: one number for all, so that it tells nothing."""
LONGEST_REQUEST: Final = 4096
"""Bytes of a request that names a URL."""
SLOWEST: Final = 256 * 1024
"""Bytes per second that a sender of a large file has to reach on average."""
_JSON: Final = "application/json"
_MEDIA: Final = re.compile(r"(?:image|video|audio)/[a-z0-9.+-]{1,80}|application/octet-stream")
_HEADERS: Final = {"Cache-Control": "no-store"}


@dataclass(frozen=True, slots=True)
class SubmissionPages:
    """The two addresses."""

    submissions: Submissions
    authenticator: Authenticator

    def routes(self) -> list[web.RouteDef]:
        """Return the route table."""
        return [web.post(PATH, self.submit), web.get(f"{PATH}/jobs/{{id}}", self.answer)]

    async def submit(self, request: web.Request) -> web.Response:
        """Take media, or a URL of it: 200 with the attestation, or 202 with the address of the answer."""
        self.submissions.check_offered()
        kind = request.content_type
        if kind != _JSON and not _MEDIA.fullmatch(kind):
            raise Malformed("Send media with its type, or application/json.", code="bad-content-type")
        sender = await self.authenticator.authenticate(signed_request(request, b"", deferred=True))
        await self.submissions.check_sender(sender)
        await self.submissions.admit(sender)
        if kind == _JSON:
            return _told(await self.submissions.submit_url(sender, await self._url(request, sender)))
        return _told(await self._media(request, sender))

    async def answer(self, request: web.Request) -> web.Response:
        """Say what came of a submission: 200, 202 while there is no answer, 404 for none and for "no" alike."""
        self.submissions.check_offered()
        sender = await self.authenticator.authenticate(signed_request(request, b""))
        await self.submissions.check_sender(sender)
        return _told(await self.submissions.answer(sender, request.match_info["id"]))

    async def _media(self, request: web.Request, sender: Sender) -> Attested | Pending:
        largest = self.submissions.rules.largest
        announced = request.content_length
        promised = (sender.promised or b"").hex()
        if announced is not None and announced > largest:
            return await self.submissions.submit_unfit(sender, promised, "too-large")
        size = largest if announced is None else announced
        with self.submissions.room.take(sender.server, size) as place:
            try:
                content = await read_body(request, size, within=BODY_TIMEOUT + size / SLOWEST)
            except TooLarge:
                return await self.submissions.submit_unfit(sender, promised, "too-large")
            await _check_promised(content, sender)
            return await self.submissions.submit_bytes(sender, promised, content, place)

    async def _url(self, request: web.Request, sender: Sender) -> str:
        body = await read_body(request, LONGEST_REQUEST)
        await _check_promised(body, sender)
        document = strictjson.loads(body)
        url = document.get("url") if isinstance(document, dict) else None
        if not isinstance(url, str):
            raise Malformed('Send {"url": "https://…"}.', code="no-url")
        return url


async def _check_promised(body: bytes, sender: Sender) -> None:
    """Raise `Unauthorized` for another body than the signature covers."""
    digest = await asyncio.to_thread(hashlib.sha256, body)  # of the largest file it takes a tenth of a second
    if digest.digest() != sender.promised:
        raise Unauthorized("The body is not the one that the signature covers.", code="digest-mismatch")


def _told(answer: Attested | Pending) -> web.Response:
    if isinstance(answer, Attested):
        body = dump({"hash": answer.hash, "attestation": answer.attestation})
        return web.Response(body=body, content_type=_JSON, headers=_HEADERS)
    headers = _HEADERS | {"Location": f"{PATH}/jobs/{answer.id}", "Retry-After": str(ASK_AGAIN)}
    return web.Response(status=202, headers=headers)
