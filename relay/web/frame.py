"""What all pages for people have in common: templates, static files, the headers that keep browsers in check."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final

from aiohttp import web
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup, escape

if TYPE_CHECKING:
    from collections.abc import Mapping

STYLE: Final = "/static/style.css"
_TYPES: Final = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}
_POLICY: Final = (
    "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action {}; "
    "frame-ancestors 'none'"
)
_MARKDOWN: Final = re.compile(r"`([^`]+)`|\[([^\]]+)\]\([^)]*\)")
_HEADERS: Final = {"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"}


def html(
    template: str,
    values: Mapping[str, Any],
    *,
    status: int = 200,
    script: bool = False,
    form: bool = False,
    may: str = "",
) -> web.Response:
    """Make a page.

    `script`: it may run our own scripts; `form`: it may send forms to this origin; `may`: further directives.
    """
    policy = _POLICY.format("'self'" if form else "'none'")
    policy += ("; script-src 'self'" if script else "") + (f"; {may}" if may else "")
    headers = _HEADERS | {"Content-Security-Policy": policy}
    text = environment().get_template(template).render(style=STYLE, **values)
    return web.Response(text=text, status=status, content_type="text/html", headers=headers)


def static(name: str, *, kept: bool = True) -> web.RouteDef:
    """Serve a static file at `/static/` and its name. `kept`: browsers may keep it for an hour."""
    content = files("relay.web").joinpath("static", name).read_bytes()
    kind = _TYPES[name.rpartition(".")[2]]

    async def serve(_request: web.Request) -> web.Response:
        caching = "max-age=3600" if kept else "no-store"
        headers = {"Cache-Control": caching, "X-Content-Type-Options": "nosniff"}
        return web.Response(body=content, content_type=kind, charset="utf-8", headers=headers)

    return web.get(f"/static/{name}", serve)


@cache
def environment() -> Environment:
    """Return the templates: everything is escaped, and a name that is not there is an error."""
    made = Environment(
        loader=PackageLoader("relay.web"),
        autoescape=select_autoescape(),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["moment"] = moment
    made.filters["marked"] = marked
    return made


def moment(at: float) -> str:
    """Write seconds since 1970 for people: `22 November 2026, 10:00 UTC`."""
    found = datetime.fromtimestamp(at, UTC)
    return f"{found.day} {found:%B %Y, %H:%M} UTC"


def marked(text: str) -> Markup:
    """Show the little Markdown that statements and advice have: code, and links by their words."""
    parts, end = [], 0
    for match in _MARKDOWN.finditer(text):
        parts.append(escape(text[end : match.start()]))
        code, words = match.groups()
        parts.append(Markup("<code>{}</code>").format(code) if code is not None else escape(words))
        end = match.end()
    return Markup("").join([*parts, escape(text[end:])])
