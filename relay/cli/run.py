"""`assay serve`: the relay itself."""

from __future__ import annotations

import asyncio
import errno
import sys
from typing import TYPE_CHECKING, Final

import click

from relay.cli.command import Command
from relay.cli.output import as_document, note, pairs
from relay.cli.problems import Problem, Status, sole
from relay.cli.session import Session, pass_session
from relay.cli.setup import make_keys
from relay.domain.errors import RelayError

if TYPE_CHECKING:
    from relay.config.load import Configuration
    from relay.config.settings import Settings

ANSWER: Final = {
    "url": "public page",
    "actor": "what admins paste into Pleroma, Akkoma, GoToSocial",
    "inbox": "what admins paste into Mastodon",
    "listen": "address of the public side",
    "admin": "address of the admin side: pages, /healthz, /readyz, /metrics",
    "sign_in": "link that signs a browser in to the admin pages, once, within 15 minutes; else null",
}

_SOCKET_ERRORS: Final = {
    errno.EADDRINUSE: ("address-in-use", "something else listens there already"),
    errno.EACCES: ("address-forbidden", "this user may not listen there; ports below 1024 are root's"),
    errno.EADDRNOTAVAIL: ("address-unknown", "this machine has no such address"),
}


@click.command(cls=Command, answer=ANSWER)
@click.option(
    "--role",
    type=click.Choice(["all", "web", "worker"]),
    default="all",
    show_default=True,
    help="What this process does. `web` and `worker` come with PostgreSQL, in a later version.",
)
@pass_session
def serve(session: Session, role: str) -> None:
    """Run the relay until SIGTERM or Ctrl-C; requests under way are finished.

    Prints its addresses when it runs; the log goes to standard error, JSON lines unless that is a terminal.
    """
    import uvloop

    from relay.telemetry import set_up_logging

    if role != "all":
        message = f"`--role {role}` comes with PostgreSQL in a later version; leave --role out"
        raise Problem(message, code="later-version", status=Status.CONFIGURATION)
    loaded = session.load()
    configuration = loaded.require()
    if loaded.diagnostics:
        note(loaded.render().rstrip())
    set_up_logging(verbose=session.verbose)
    make_keys(configuration.settings)
    try:
        uvloop.run(_serve(session, configuration))
    except BaseExceptionGroup as group:
        raise _told(group, configuration.settings) from group


async def _serve(session: Session, configuration: Configuration) -> None:
    from relay.cli import serving

    running = asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        announcing = tasks.create_task(_announce(session, configuration, running))
        await serving.serve(configuration, running)
        announcing.cancel()


async def _announce(session: Session, configuration: Configuration, running: asyncio.Event) -> None:
    from relay.wiring import identity_of

    await running.wait()
    settings, identity = configuration.settings, identity_of(configuration.settings)
    admin = f"http://{settings.admin.listen}"
    sign_in = await _sign_in(session)
    if session.as_json:
        listen = str(settings.relay.listen)
        as_document(
            {
                "url": f"{identity.url}/",
                "actor": identity.actor,
                "inbox": identity.inbox,
                "listen": listen,
                "admin": admin,
                "sign_in": sign_in,
            }
        )
        return
    pairs(
        {
            "Public page": f"{identity.url}/",
            "For Mastodon": identity.inbox,
            "For Pleroma, Akkoma, GoToSocial": identity.actor,
            "Listens at": f"{settings.relay.listen} (public), {settings.admin.listen} (admin)",
            "Admin pages": sign_in or f"{settings.admin.url or admin}/  (sign in: assay admin link)",
            "Health": f"{admin}/healthz",
            "Stop": "Ctrl-C",
        }
    )


async def _sign_in(session: Session) -> str | None:
    """Make a sign-in link for who starts the relay by hand, and at the first start: a log keeps what is printed."""
    from relay.cli.session import operator
    from relay.services.admins import Admins
    from relay.wiring.adminpages import sign_in_address

    async with session.office() as office:
        admins = Admins(office.store, office.clock)
        if not sys.stdout.isatty() and await admins.ever():
            return None
        return sign_in_address(office.settings, await admins.link(made_by=operator()))


def _told(group: BaseExceptionGroup[BaseException], settings: Settings) -> BaseException:
    """Return what kept the relay from starting, in a sentence; the group itself when it is anything else."""
    error = sole(group)
    if isinstance(error, RelayError):
        return error
    code, cause = _SOCKET_ERRORS.get(getattr(error, "errno", None) or 0, ("", ""))
    if not code:
        return group
    message = f"{cause}: {settings.relay.listen} (relay.listen) or {settings.admin.listen} (admin.listen)"
    return Problem(message, code=code, status=Status.UNAVAILABLE)
