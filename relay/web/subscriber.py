"""`/subscriber`: where the admin of a subscriber sees how deliveries go, chooses what comes, and leaves.

Pages without scripts. A form changes something only with the secret of the browser, which no other site can send
(`SameSite=Strict`), with a token that is made of it, and from our own origin.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl

from aiohttp import web

from relay.domain.errors import Malformed, NotFound, Refused, RelayError
from relay.domain.login import CODE_LASTS
from relay.domain.profile_text import DEFAULT, READERS, percent, read_choices
from relay.web.federation import read_body, signed_request
from relay.web.frame import html, static
from relay.web.problems import status_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from relay.domain.login import Login
    from relay.domain.subscriber_profile import SubscriberProfile
    from relay.domain.subscription import Subscription
    from relay.services.authenticate import Authenticator
    from relay.services.identity import Identity
    from relay.services.logins import Logins
    from relay.services.profiles import Profiles
    from relay.services.subscribers import Subscribers

PATH: Final = "/subscriber"
PROOF: Final = f"{PATH}/proof"
LONGEST_PROOF: Final = 64 * 1024
"""Bytes of a signed request that shows a code: a Follow has less than a thousand."""
LONGEST_FORM: Final = 128 * 1024
_FORM: Final = "application/x-www-form-urlencoded"
_FIELDS: Final = 64
_HEADERS: Final = {
    # With no-referrer browsers would send `Origin: null` with our own forms.
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}
_DONE: Final = {
    "saved": "Saved. It counts for posts from now on; what you have already still gets its edits and deletions.",
    "left": "Your server has left the relay and is told so. Remove the relay in your software, too.",
    "ended": "You are signed out.",
    "not-signed": "No signed request has come yet. Software may take a minute; look again.",
    "not-there": "The code is not in the description yet. Servers may let others keep an old one for half an hour.",
}


@dataclass(frozen=True, slots=True)
class SubscriberPages:
    """The pages, and the address at which a code is shown by a signature."""

    identity: Identity
    logins: Logins
    profiles: Profiles
    subscribers: Subscribers
    authenticator: Authenticator

    def routes(self) -> list[web.RouteDef]:
        """Return the route table."""
        return [
            web.get(PATH, self._page(self.show)),
            web.post(PATH, self._page(self.begin)),
            web.post(f"{PATH}/look", self._page(self.look)),
            web.post(f"{PATH}/choose", self._page(self.choose)),
            web.post(f"{PATH}/leave", self._page(self.leave)),
            web.post(f"{PATH}/end", self._page(self.end)),
            web.post(f"{PROOF}/{{code}}", self.proof),
            static("subscriber.css"),
        ]

    # ------------------------------------------------------------------ signing in

    async def show(self, request: web.Request) -> web.Response:
        """Show what there is to do next: name a server, show the code, or look after the subscription."""
        login = await self._login(request)
        done = _DONE.get(request.query.get("done", ""), "")
        if login is None:
            return self._render("start", done=done)
        if login.opened:
            return await self._render_session(request, login, done=done)
        if not login.proven:
            return self._render(
                "code",
                done=done,
                login=login,
                address=f"{self.identity.url}{PROOF}/{login.nonce}",
                token=_token(self._secret(request)),
            )
        secret, _ = await self.logins.open(login)
        return self._moved(secret=secret)

    async def begin(self, request: web.Request) -> web.Response:
        """Begin for the server that is named; the answer is the same whether it subscribes or not."""
        form = await _form(request)
        self._check_origin(request)
        secret, _ = await self.logins.begin(form.get("server", ""))
        return self._moved(secret=secret)

    async def look(self, request: web.Request) -> web.Response:
        """Look for the code in the description of the server."""
        login, _ = await self._acting(request)
        return self._moved() if await self.logins.look(login) else self._moved("not-there")

    async def proof(self, request: web.Request) -> web.Response:
        """Take a signed request that shows a code: 202, or a problem document; no page, because servers ask for it."""
        code = request.match_info["code"]
        if not await self.logins.waits(code):  # before any key is fetched
            raise NotFound("Nobody waits for this code.")
        body = await read_body(request, LONGEST_PROOF)
        sender = await self.authenticator.authenticate(signed_request(request, body))
        await self.logins.signed(code, sender)
        self.authenticator.acted_on(sender)
        return web.Response(status=202, headers={"Cache-Control": "no-store"})

    async def end(self, request: web.Request) -> web.Response:
        """Sign out."""
        login, _ = await self._acting(request)
        await self.logins.end(login)
        return self._moved("ended", secret="")

    # ------------------------------------------------------------------ the subscription

    async def choose(self, request: web.Request) -> web.Response:
        """Change what the subscriber wants; a form with mistakes is shown again with all of them."""
        login, form = await self._acting(request)
        chosen = await self._chosen(login, form)
        texts = {key: form[key] for key in READERS if key in form}
        profile, problems = read_choices(chosen.profile, texts, self.profiles.names)
        if problems:
            wrong = (chosen.id, texts, problems)
            return await self._render_session(request, login, wrong=wrong, status=422)
        await self.profiles.choose(chosen, profile, who=chosen.actor)
        return self._moved("saved")

    async def leave(self, request: web.Request) -> web.Response:
        """End the subscription."""
        login, form = await self._acting(request)
        chosen = await self._chosen(login, form)
        if form.get("sure") != "yes":
            raise Malformed("Tick the box to leave.", code="not-sure")
        await self.subscribers.remove(chosen.actor, who=chosen.actor, reason="by its own admin")
        if not await self.logins.subscriptions(login):
            await self.logins.end(login)
        return self._moved("left")

    # ------------------------------------------------------------------ parts

    def _page(
        self, handler: Callable[[web.Request], Awaitable[web.Response]]
    ) -> Callable[[web.Request], Awaitable[web.Response]]:
        """Show what is wrong as a page."""

        async def shown(request: web.Request) -> web.Response:
            try:
                return await handler(request)
            except RelayError as error:
                answer = self._render("problem", problem=str(error), status=status_of(error))
                if answer.status in {429, 503}:
                    answer.headers["Retry-After"] = str(getattr(error, "retry_after", 60))
                return answer

        return shown

    async def _login(self, request: web.Request) -> Login | None:
        return await self.logins.current(self._secret(request))

    async def _acting(self, request: web.Request) -> tuple[Login, Mapping[str, str]]:
        """Return the login of who sent a form, and the form. Raises `Refused` unless it came from our own page."""
        form = await _form(request)
        self._check_origin(request)
        login, secret = await self._login(request), self._secret(request)
        if login is None or not hmac.compare_digest(form.get("token", "").encode(), _token(secret).encode()):
            raise Refused("You are not signed in any more.", code="not-signed-in")
        return login, form

    async def _chosen(self, login: Login, form: Mapping[str, str]) -> Subscription:
        for one in await self.logins.subscriptions(login):
            if str(one.id) == form.get("number"):
                return one
        raise Refused("That is not your subscription.", code="not-yours")

    def _check_origin(self, request: web.Request) -> None:
        """Raise `Refused` for a form that another site sent; what sends no `Origin` is no browser of these years."""
        if request.headers.get("Origin", self.identity.url) != self.identity.url:
            raise Refused("This form came from another site.", code="cross-site")

    def _secret(self, request: web.Request) -> str:
        return session_secret(request, self.identity)

    def _moved(self, done: str = "", *, secret: str | None = None) -> web.Response:
        """Go back to the page, with another secret, or (empty) with none."""
        answer = web.Response(status=303, headers={"Location": f"{PATH}?done={done}" if done else PATH})
        if secret is not None:
            answer.set_cookie(
                _cookie(self.identity),
                secret,
                max_age=int(CODE_LASTS) if secret else 0,
                path="/",
                secure=self.identity.url.startswith("https:"),
                httponly=True,
                samesite="Strict",
            )
        answer.headers["Cache-Control"] = "no-store"
        return answer

    async def _render_session(
        self,
        request: web.Request,
        login: Login,
        *,
        done: str = "",
        wrong: tuple[int, Mapping[str, str], Mapping[str, str]] | None = None,
        status: int = 200,
    ) -> web.Response:
        found = []
        for one in await self.logins.subscriptions(login):
            texts, problems = _texts(one.profile), {}
            if wrong is not None and wrong[0] == one.id:
                texts, problems = texts | dict(wrong[1]), dict(wrong[2])
            details = await self.subscribers.details(one)
            found.append({"it": one, "details": details, "texts": texts, "problems": problems})
        return self._render(
            "session",
            done=done,
            status=status,
            login=login,
            subscriptions=found,
            profiles=self.profiles.known,
            default=self.profiles.default,
            token=_token(self._secret(request)),
        )

    def _render(self, view: str, *, status: int = 200, **values: Any) -> web.Response:
        shown = {"view": view, "me": self.identity, "done": "", **values}
        answer = html("subscriber.html", shown, status=status, form=True)
        answer.headers.update(_HEADERS)
        return answer


def session_secret(request: web.Request, identity: Identity) -> str:
    """Return the secret of a browser in which somebody signs in, or is signed in; empty in others."""
    return request.cookies.get(_cookie(identity), "")


def _cookie(identity: Identity) -> str:
    """`__Host-` binds it to this host and to https; a relay on plain http, for tests, has no such cookie."""
    return "__Host-assay" if identity.url.startswith("https:") else "assay"


def _texts(profile: SubscriberProfile) -> dict[str, str]:
    """A profile as it stands in the form."""
    return {
        "profile": profile.name or DEFAULT,
        "direction": profile.direction.value,
        "languages": ", ".join(sorted(profile.languages)),
        "hashtags": ", ".join(sorted(profile.hashtags)),
        "media": "yes" if profile.media else "no",
        "rate": "" if profile.rate is None else str(profile.rate),
        "sample": percent(profile.sample),
        "recalls": "yes" if profile.recalls else "no",
    }


def _token(secret: str) -> str:
    """What a form of ours holds, and nobody else's can."""
    return hashlib.sha256(f"form {secret}".encode()).hexdigest()


async def _form(request: web.Request) -> Mapping[str, str]:
    """Read a form. Raises `Malformed` for what is none, `TooLarge`."""
    if request.content_type != _FORM:
        raise Malformed("Forms are sent as application/x-www-form-urlencoded.", code="bad-content-type")
    body = await read_body(request, LONGEST_FORM)
    try:
        return dict(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=_FIELDS))
    except ValueError:
        raise Malformed("The form cannot be read.", code="bad-form") from None
