"""The page where people hand in hashes of their own pictures."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING

from relay.domain.helplines import read_helplines
from relay.web.submit import SubmitPages

if TYPE_CHECKING:
    from aiohttp import web

    from relay.wiring.assembly import Relay


def submit_routes(relay: Relay) -> list[web.RouteDef]:
    """Return the routes of the page; none when it is not served."""
    settings = relay.office.settings
    if not settings.submit.pages:
        return []
    own = settings.submit.helplines
    content = (
        files("relay.config").joinpath("helplines.json").read_bytes() if own is None else own.read_bytes()
    )
    return SubmitPages(
        identity=relay.office.identity,
        submissions=relay.office.hash_submissions,
        helplines=read_helplines(content),
        leave=settings.submit.exit,
        contact=lambda: relay.live.settings.relay.contact,
    ).routes()
