"""The door of the admin pages: who comes in, and what every page and form there has in common.

Four things are looked at, in this order:

- the name in `Host` is ours: else another site could point its own name at this address (DNS rebinding) and read what
  the browser may read. An address in `Host` cannot be such a name;
- a form comes from our own origin, as `Origin` and `Sec-Fetch-Site` tell;
- the browser has the secret of a session, in a cookie that no other site can send (`SameSite=Strict`);
- a form has the token that is made of that secret.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from aiohttp import web

from relay.domain.admin import SESSION_LASTS
from relay.domain.errors import Refused, RelayError, Unauthorized
from relay.web.frame import html
from relay.web.office.forms import Form, read_form
from relay.web.problems import status_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from relay.domain.admin import AdminSession
    from relay.services.admins import Admins
    from relay.services.identity import Identity

    Handler = Callable[["Visit"], Awaitable[web.Response]]

SIGN_IN: Final = "/sign-in"
_HEADERS: Final = {
    # With no-referrer browsers would send `Origin: null` with our own forms.
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_FAMILIAR: Final = frozenset({"same-origin", "none"})
"""Where a form may come from (Fetch Metadata): our own pages, or the person, as by loading again."""


@dataclass(frozen=True, slots=True)
class Visit:
    """One request of somebody who is signed in. `token` goes into each form; `form` is what came, empty for a GET."""

    request: web.Request
    session: AdminSession
    token: str
    form: Form

    @property
    def number(self) -> int:
        """The number in the address."""
        return int(self.request.match_info["number"])

    @property
    def who(self) -> str:
        """The account, for the record."""
        return self.session.who


@dataclass(frozen=True, slots=True)
class Door:
    """Lets people in. `url`: where a proxy offers the pages, None without one."""

    admins: Admins
    identity: Identity
    url: str | None

    def page(self, handler: Handler) -> Callable[[web.Request], Awaitable[web.Response]]:
        """Make a page of a handler: only for those who are signed in, and errors are pages, too."""

        async def shown(request: web.Request) -> web.Response:
            visit = None
            try:
                visit = await self._visit(request)
                return await handler(visit)
            except RelayError as error:
                return self.problem(request, error, visit)

        return shown

    def open_page(
        self, handler: Callable[[web.Request], Awaitable[web.Response]]
    ) -> Callable[[web.Request], Awaitable[web.Response]]:
        """Make a page for those who are not signed in yet."""

        async def shown(request: web.Request) -> web.Response:
            try:
                self._check_host(request)
                self._check_origin(request)
                return await handler(request)
            except RelayError as error:
                return self.problem(request, error, None)

        return shown

    def render(self, visit: Visit | None, view: str, *, status: int = 200, **values: Any) -> web.Response:
        """Show a template of the office."""
        shown = {
            "me": self.identity,
            "visit": visit,
            "token": "" if visit is None else visit.token,
            "done": "",
            **values,
        }
        answer = html(f"office/{view}.html", shown, status=status, form=True)
        answer.headers.update(_HEADERS)
        return answer

    def moved(self, place: str) -> web.Response:
        """Go on to another page, after a form has done something."""
        return web.Response(status=303, headers={"Location": place, "Cache-Control": "no-store"})

    def problem(self, request: web.Request, error: RelayError, visit: Visit | None) -> web.Response:
        """Show what is wrong; who is not signed in is told how to."""
        view = "stranger" if isinstance(error, Unauthorized) else "problem"
        here = request.path_qs if request.method == "GET" else "/"
        answer = self.render(visit, view, status=status_of(error), problem=str(error), here=here, name="")
        if answer.status in {429, 503}:
            answer.headers["Retry-After"] = str(getattr(error, "retry_after", 60))
        return answer

    def secret(self, request: web.Request) -> str:
        """Return what the browser holds; empty for nothing."""
        return request.cookies.get(self._cookie, "")

    def keep(self, answer: web.Response, secret: str) -> None:
        """Let the browser hold a secret, or (empty) none."""
        answer.set_cookie(
            self._cookie,
            secret,
            max_age=int(SESSION_LASTS) if secret else 0,
            path="/",
            secure=self._secure,
            httponly=True,
            samesite="Strict",
        )

    async def _visit(self, request: web.Request) -> Visit:
        self._check_host(request)
        self._check_origin(request)
        secret = self.secret(request)
        session = await self.admins.current(secret)
        if session is None:
            raise Unauthorized("You are not signed in.", code="not-signed-in")
        token = hashlib.sha256(f"admin form {secret}".encode()).hexdigest()
        if request.method in {"GET", "HEAD"}:
            return Visit(request, session, token, Form([]))
        form = await read_form(request)
        if not hmac.compare_digest(form.get("token").encode(), token.encode()):
            raise Refused("This form is of another session: load the page again.", code="bad-token")
        return Visit(request, session, token, form)

    def _check_host(self, request: web.Request) -> None:
        host = request.host
        name = urlsplit(f"//{host}").hostname or ""
        if name == "localhost" or _is_address(name):
            return
        if self.url is None or host != urlsplit(self.url).netloc:
            message = f"The admin pages do not answer to the name {name[:100]!r}: set admin.url to use one."
            raise Refused(message, code="bad-host")

    def _check_origin(self, request: web.Request) -> None:
        if request.method in {"GET", "HEAD"}:
            return
        # What sends neither is no browser, and has no cookie of one.
        origin = request.headers.get("Origin")
        site = request.headers.get("Sec-Fetch-Site", "same-origin")
        if site not in _FAMILIAR or origin not in {None, self.url, f"http://{request.host}"}:
            raise Refused("This form came from another site.", code="cross-site")

    @property
    def _secure(self) -> bool:
        return self.url is not None and self.url.startswith("https:")

    @property
    def _cookie(self) -> str:
        """`__Host-` binds it to this host and to https, which there is only behind a proxy."""
        return "__Host-assay-admin" if self._secure else "assay-admin"


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True
