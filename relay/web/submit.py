"""`/submit`: people hand in hashes of their own pictures. The hashes are made in the browser (static/submit.js).

What may come in is hashes and nothing else, so there is no way in for a picture, its name, or who sent it. Nothing of
these pages is kept by browsers, and no page names another origin to load anything from.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from aiohttp import web

from relay.domain import strictjson
from relay.domain.errors import NotFound, Refused
from relay.domain.hashsubmission import MOST_AT_ONCE, About, SubmissionState, read_hashes
from relay.protocol.documents import dump
from relay.web.asking import client, wants_html
from relay.web.federation import read_body
from relay.web.frame import html, static

if TYPE_CHECKING:
    from collections.abc import Callable

    from relay.domain.hashsubmission import HashSubmission
    from relay.domain.helplines import Helplines
    from relay.services.hashsubmissions import HashSubmissions, Standing
    from relay.services.identity import Identity

PATH: Final = "/submit"
LARGEST: Final = 128 * MOST_AT_ONCE
"""Bytes of a request: `MOST_AT_ONCE` hashes as the page writes them."""
_PATIENCE: Final = 60.0
_FILES: Final = (
    "submit.css",
    "submit.js",
    "submit-worker.js",
    "submit-video.js",
    "pdq.js",
    "sha256.js",
    "leave.js",
)
_PRIVATE: Final = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex",
    "Cross-Origin-Opener-Policy": "same-origin",
}
_MAY: Final = "connect-src 'self'; worker-src 'self'; media-src blob:"
"""What scripts of these pages may: speak to this origin, and show a video that the person chose."""


@dataclass(frozen=True, slots=True)
class SubmitPages:
    """Serves the page, takes hashes, and shows whoever has the link how they stand."""

    identity: Identity
    submissions: HashSubmissions
    helplines: Helplines
    leave: str
    contact: Callable[[], str]

    def routes(self) -> list[web.RouteDef]:
        """Return the route table."""
        return [
            web.get(PATH, self.page),
            web.post(PATH, self.submit),
            web.get(f"{PATH}/{{secret}}", self.show),
            web.post(f"{PATH}/{{secret}}/hashes", self.add),
            web.post(f"{PATH}/{{secret}}/withdraw", self.withdraw),
            *(static(name, kept=False) for name in _FILES),
        ]

    async def page(self, _request: web.Request) -> web.Response:
        """Explain everything, and offer to make hashes."""
        return self._html("submit/page.html", {})

    async def submit(self, request: web.Request) -> web.Response:
        """Take the first hashes of somebody; answer with a number and a link that nobody else gets."""
        about, entries = read_hashes(await _document(request))
        receipt = await self.submissions.submit(client(request), about, entries)
        link = f"{self.identity.url}{PATH}/{receipt.secret}"
        return _answer(201, receipt.submission, link)

    async def add(self, request: web.Request) -> web.Response:
        """Take further hashes."""
        secret = request.match_info["secret"]
        about, entries = read_hashes(await _document(request))
        found = await self.submissions.add(client(request), secret, entries, about=about)
        return _answer(200, found, f"{self.identity.url}{PATH}/{secret}")

    async def show(self, request: web.Request) -> web.Response:
        """Show how a submission stands."""
        secret = request.match_info["secret"]
        try:
            found = await self.submissions.standing(secret)
        except NotFound:
            if not wants_html(request):
                raise
            return self._html("submit/gone.html", {}, status=404)
        if not wants_html(request):
            return _answer(200, found.submission, f"{self.identity.url}{PATH}/{secret}")
        return self._html("submit/standing.html", {"secret": secret, **_told(found)})

    async def withdraw(self, request: web.Request) -> web.Response:
        """Take the hashes back, at once."""
        if request.headers.get("Sec-Fetch-Site") == "cross-site":
            raise Refused("This form has to be sent from its own page.", code="cross-site")
        secret = request.match_info["secret"]
        await self.submissions.withdraw(secret)
        raise web.HTTPSeeOther(f"{PATH}/{secret}")

    def _html(self, template: str, values: dict[str, Any], *, status: int = 200) -> web.Response:
        lists = self.submissions.rules.lists
        about = {
            "me": self.identity,
            "helplines": self.helplines,
            "leave": self.leave,
            "contact": self.contact(),
            "abouts": [one.value for one in About if one in lists],
            "review_first": self.submissions.rules.review_first,
        }
        response = html(template, about | values, status=status, script=True, form=True, may=_MAY)
        response.headers.update(_PRIVATE)
        return response


async def _document(request: web.Request) -> object:
    """Read a bounded JSON body. Raises `HTTPUnsupportedMediaType` before anything else is read."""
    if request.content_type != "application/json":
        raise web.HTTPUnsupportedMediaType
    if request.headers.get("Sec-Fetch-Site") == "cross-site":
        raise Refused("This has to be sent from its own page.", code="cross-site")
    return strictjson.loads(await read_body(request, LARGEST, within=_PATIENCE))


def _answer(status: int, found: HashSubmission, link: str) -> web.Response:
    body = {"number": found.number, "state": found.state.value, "hashes": found.hashes, "link": link}
    return web.Response(status=status, body=dump(body), content_type="application/json", headers=_PRIVATE)


def _told(found: Standing) -> dict[str, Any]:
    one = found.submission
    return {
        "one": one,
        "in_force": found.in_force,
        "is_minor": one.about is About.MINOR,
        "accepted": one.state is SubmissionState.ACCEPTED,
        "refused": one.state is SubmissionState.REFUSED,
    }
