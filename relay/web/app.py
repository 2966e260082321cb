"""The public application: federation and the pages for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from relay.web.problems import errors

if TYPE_CHECKING:
    from collections.abc import Iterable

    from relay.web.federation import Federation
    from relay.web.pages import Pages
    from relay.web.policy import PolicyPages
    from relay.web.status_lists import StatusListPages
    from relay.web.submissions import SubmissionPages
    from relay.web.subscriber import SubscriberPages
    from relay.web.why import WhyPages


def make_app(
    federation: Federation,
    submissions: SubmissionPages,
    lists: StatusListPages,
    pages: Pages,
    subscriber: SubscriberPages,
    why: WhyPages,
    policy: PolicyPages,
    optional: Iterable[web.RouteDef],
) -> web.Application:
    """Put the routes together, `optional` being those that can be off; the errors middleware answers for all."""
    app = web.Application(middlewares=[errors], client_max_size=federation.max_body)
    parts = (federation, submissions, lists, pages, subscriber, why, policy)
    app.add_routes([*(route for part in parts for route in part.routes()), *optional])
    return app
