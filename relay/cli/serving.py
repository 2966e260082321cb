"""Running the relay: both listeners, all workers, signals."""

from __future__ import annotations

import asyncio
import logging
import signal
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Final

from aiohttp import web

from relay import __version__
from relay.adapters.system import SystemClock, settle
from relay.services.enduring import attempted
from relay.services.figures import Figures
from relay.services.lab.kit import Kit
from relay.services.policy_publication import PolicyPublication
from relay.telemetry import Metrics
from relay.web.admin import Operations
from relay.web.app import make_app
from relay.web.federation import BODY_TIMEOUT, Federation
from relay.web.lab.canary import CanaryPages
from relay.web.lab.inboxes import InboxPages
from relay.web.lab.reference import ReferencePages
from relay.web.lab.reports import ReportPages
from relay.web.lab.verify import VerifyPages
from relay.web.pages import ListLine, Pages, Rules
from relay.web.policy import PolicyPages
from relay.web.scan import ScanPages
from relay.web.status_lists import StatusListPages
from relay.web.submissions import SubmissionPages
from relay.web.subscriber import SubscriberPages
from relay.web.webhooks import WebhookPages
from relay.web.why import WhyPages
from relay.wiring import REPOSITORY, Outside, Relay, open_relay
from relay.wiring.adminpages import admin_pages
from relay.wiring.processes import Role
from relay.wiring.scanapi import file_checks
from relay.wiring.submitpages import submit_routes

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator

    from relay.config.load import Configuration

GRACE: Final = 10.0
"""Seconds that requests under way may take when the relay stops."""
LINGER: Final = 2.0
"""Seconds for which the rest of a refused body is thrown away, so that the sender reads why."""
DRAIN: Final = 0.5
"""Seconds for which requests on open connections are still taken when the relay stops; the answer is the last."""
IDLE: Final = 75.0
"""Seconds for which a connection may bring no whole request: aiohttp allows an hour, the first request included."""
_log: Final = logging.getLogger(__name__)


def public_app(relay: Relay, *, body_timeout: float = BODY_TIMEOUT) -> web.Application:
    """Make the public application of a relay. `body_timeout`: seconds that the body of a request may take."""
    office = relay.office
    settings = office.settings
    federation = Federation(
        identity=office.identity,
        profile=relay.profile,
        receiver=relay.receiver,
        authenticator=relay.authenticator,
        peers=office.peers,
        attestor=relay.attestor,
        misses=relay.misses,
        tally=relay.tally,
        max_body=settings.federation.max_body,
        lookup=lambda: relay.live.settings.attestation.lookup,
        is_open=lambda: relay.live.settings.federation.subscriptions == "open",
        repository=REPOSITORY,
        accounts=relay.lab.inboxes.webfinger if relay.lab.offered else None,
        body_timeout=body_timeout,
    )
    pages = Pages(office.identity, lambda: _rules(relay), Figures(office.store, office.clock), office.waves)
    submissions = SubmissionPages(relay.service.submissions, relay.authenticator)
    subscriber = SubscriberPages(
        identity=office.identity,
        logins=relay.logins,
        profiles=office.profiles,
        subscribers=office.subscribers,
        authenticator=relay.authenticator,
    )
    lists = StatusListPages(relay.attestor)
    why = WhyPages(office.identity, relay.inquiries, settings.relay.contact)
    publication = PolicyPublication(office.policy_history, lambda: relay.live.settings.transparency.policy)
    policy = PolicyPages(office.identity, publication, lambda: _rules(relay).lists)
    optional = [
        *WebhookPages(relay.hooks.webhooks, settings.federation.max_body, body_timeout).routes(),
        *ScanPages(file_checks(relay)).routes(),
        *lab_routes(relay),
        *submit_routes(relay),
    ]
    return make_app(federation, submissions, lists, pages, subscriber, why, policy, optional)


def lab_routes(relay: Relay) -> list[web.RouteDef]:
    """Return the routes of the interop lab: none when its pages are not served."""
    lab, identity = relay.lab, relay.office.identity
    if not lab.offered:
        return []
    return [
        *VerifyPages(lab.desk, identity).routes(),
        *ReferencePages(identity).routes(),
        *InboxPages(lab.inboxes, lab.reports, identity).routes(),
        *ReportPages(lab.reports, identity).routes(),
        *CanaryPages(canary_kit(), identity).routes(),
    ]


def canary_kit() -> Kit:
    """Make the canary kit's service; its files are made when somebody asks for them."""
    from relay.adapters.kit.making import make, plans
    from relay.adapters.scanners.canary import canary_entries

    return Kit(plans(), make, canary_entries(), made_by=f"assay {__version__}")


def admin_app(relay: Relay) -> web.Application:
    """Make the application of the admin listener."""

    async def ready() -> None:
        store = relay.office.store
        async with store.reading() as tx:
            await tx.fanout.head()
        if store.failing:  # it may work again, and nobody has tried
            async with store.transaction() as tx:
                await tx.touch()

    def gauges() -> dict[str, float]:
        stats = relay.decoder.stats
        return (
            relay.brakes.gauges()
            | relay.rematching.gauges()
            | relay.fanout.sizes()
            | dict(relay.office.health.figures)
            | {
                "deliveries_delivered": relay.fanout.delivered,
                "shares_held": len(relay.processes.part.mine),
                "store_commits": relay.office.store.commits,
                "store_failing": relay.office.store.failing,
                "tasks": len(asyncio.all_tasks()),
                "media_decoded": stats.decoded,
                "media_undecodable": sum(stats.undecodable.values()),
                "decoders_killed": stats.killed,
                "alerts_waiting": relay.alerting.watch.waiting,
                "decoders_died": stats.died,
                "decoders_replaced": stats.replaced,
                "decoders_busy_seconds": stats.busy,
            }
        )

    metrics = Metrics(relay.tally.counts, gauges)

    async def page() -> tuple[bytes, str]:
        await attempted(relay.office.health.count())
        return metrics.page()

    return Operations(ready, page).app(admin_pages(relay))


@asynccontextmanager
async def listening(
    app: web.Application,
    host: str,
    port: int,
    *,
    tls: ssl.SSLContext | None = None,
    idle: float = IDLE,
    drain: float = 0.0,
) -> AsyncIterator[int]:
    """Serve an application; the value is the port, also when 0 was asked for.

    A connection is closed that brought no whole head of a request for `idle` seconds, however slowly bytes came.
    Leaving takes no new connections, and waits up to `drain` seconds for those that are open: whoever sends something
    over one gets its answer, and is told that it was the last. Closed at once, they would lose what is on its way.
    """
    clock, stopping = SystemClock(), asyncio.Event()

    async def say_last(_: web.Request, response: web.StreamResponse) -> None:
        if stopping.is_set():
            response.headers["Connection"] = "close"  # headers are made before this is asked
            response.force_close()

    app.on_response_prepare.append(say_last)
    runner = web.AppRunner(
        app,
        access_log=None,
        shutdown_timeout=GRACE,
        handler_cancellation=False,
        keepalive_timeout=idle,
        lingering_time=min(idle, LINGER),
    )
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port, ssl_context=tls, reuse_address=True)
        await site.start()
        yield runner.addresses[0][1]
    finally:
        stopping.set()
        for listener in runner.sites:
            await listener.stop()
        end = clock.monotonic() + drain
        while runner.server and runner.server.connections and clock.monotonic() < end:
            await clock.sleep(0.01)
        await runner.cleanup()


@asynccontextmanager
async def running(
    configuration: Configuration,
    *,
    outside: Outside | None = None,
    tls: ssl.SSLContext | None = None,
    role: Role = Role.ALL,
) -> AsyncIterator[Relay]:
    """Run a role of the relay inside the `async with`; leaving drains requests and writes the last checkpoint."""
    settings = configuration.settings
    async with AsyncExitStack() as stack:
        relay = await stack.enter_async_context(open_relay(configuration, outside=outside))
        workers = await stack.enter_async_context(asyncio.TaskGroup())
        working = workers.create_task(relay.work(role))
        stack.callback(working.cancel)
        public, admin = settings.relay.listen, settings.admin.listen
        if role.answers:
            await stack.enter_async_context(
                listening(public_app(relay), public.host, public.port, tls=tls, drain=DRAIN)
            )
            await stack.enter_async_context(listening(admin_app(relay), admin.host, admin.port))
        yield relay


async def serve(
    configuration: Configuration, announce: asyncio.Event | None = None, role: Role = Role.ALL
) -> None:
    """Run until SIGTERM or SIGINT; read the configuration again at SIGHUP. A worker that crashes stops the process."""
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    loop.add_signal_handler(
        signal.SIGHUP, lambda: None
    )  # until the relay runs its configuration is fresh anyway
    async with running(configuration, role=role) as relay:
        loop.add_signal_handler(signal.SIGHUP, relay.live.hang_up)
        settle()
        _log.info("the relay runs at %s", relay.office.identity.url)
        if announce is not None:
            announce.set()
        await stop.wait()
        _log.info("stopping")


def _rules(relay: Relay) -> Rules:
    settings = relay.live.settings
    hours = settings.federation.retention.total_seconds() / 3600
    return Rules(
        subscriptions=settings.federation.subscriptions,
        mode=relay.office.decider.policy.mode.value,
        lists=[
            ListLine(
                scanner.name,
                scanner.shown_purpose,
                scanner.country or "any",
            )
            for scanner in settings.scanners
        ],
        trusted=[str(issuer) for issuer in settings.attestation.trusted],
        contact=settings.relay.contact,
        retention=f"{hours:g} hours",
        lab=settings.lab.pages,
        policy=settings.transparency.policy != "off",
        submit=settings.submit.pages,
    )
