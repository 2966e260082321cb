"""`assay serve`: the relay itself."""

from __future__ import annotations

import asyncio
import errno
import os
import signal
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
    from collections.abc import Awaitable

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
_DISK_ERRORS: Final = frozenset({errno.EROFS, errno.ENOSPC, errno.EDQUOT})
"""No room, or nothing may be written: the sentence of the system names the file."""


@click.command(cls=Command, answer=ANSWER)
@click.option(
    "--role",
    type=click.Choice(["all", "web", "worker"]),
    default="all",
    show_default=True,
    help="What this process does, with PostgreSQL: everything, answer requests, or the work behind them.",
)
@pass_session
def serve(session: Session, role: str) -> None:
    """Run the relay until SIGTERM or Ctrl-C; requests under way are finished.

    Prints its addresses when it runs; the log goes to standard error, JSON lines unless that is a terminal.
    """
    import uvloop

    from relay.telemetry import set_up_logging

    loaded = session.load()
    configuration = loaded.require()
    more = _more_workers(configuration.settings, role)
    if loaded.diagnostics:
        note(loaded.render().rstrip())
    set_up_logging(verbose=session.verbose)
    make_keys(configuration.settings)
    try:
        uvloop.run(_serve(session, configuration, role, more))
    except BaseExceptionGroup as group:
        raise _told(group, configuration.settings) from group


def _more_workers(settings: Settings, role: str) -> int:
    """Return how many workers are to be started beside this process. Raises `Problem` on a file, which is for one."""
    from relay.config.settings import database_path
    from relay.config.values import processes

    on_file = database_path(settings) is not None
    if on_file and role != "all":
        message = f"`--role {role}` needs PostgreSQL (relay.database): on a file the relay is one process"
        raise Problem(message, code="one-process", status=Status.CONFIGURATION)
    if on_file and settings.relay.workers != 1:
        note("relay.workers needs PostgreSQL (relay.database): on a file the relay is one process")
    return 0 if role != "all" else processes(settings, os.cpu_count() or 1) - 1


async def _serve(session: Session, configuration: Configuration, role: str, more: int) -> None:
    from relay.adapters.system import SystemClock
    from relay.cli import serving
    from relay.cli.workers import keep_workers, orphaned
    from relay.wiring.processes import Role

    running, clock = asyncio.Event(), SystemClock()
    async with asyncio.TaskGroup() as tasks:
        beside = [
            tasks.create_task(_announce(session, configuration, running, role)),
            tasks.create_task(keep_workers(more, _worker_command(session), clock)),
        ]
        served = tasks.create_task(serving.serve(configuration, running, Role(role)))
        beside.append(tasks.create_task(_stop_when(orphaned(clock))))
        await served
        for one in beside:
            one.cancel()


async def _stop_when(over: Awaitable[None]) -> None:
    await over
    os.kill(os.getpid(), signal.SIGTERM)


def _worker_command(session: Session) -> list[str]:
    """Return how a worker like this process is started."""
    options = ["--config", str(session.config)] if session.config else []
    options += ["--verbose"] if session.verbose else []
    return [sys.executable, "-m", "relay", *options, "--json", "serve", "--role", "worker"]


async def _announce(
    session: Session, configuration: Configuration, running: asyncio.Event, role: str
) -> None:
    from relay.wiring import identity_of

    await running.wait()
    if role == "worker":
        if not session.as_json:
            pairs({"Works for": identity_of(configuration.settings).url, "Stop": "Ctrl-C"})
        return
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
    if isinstance(error, RelayError) or getattr(error, "errno", None) in _DISK_ERRORS:
        return error
    code, cause = _SOCKET_ERRORS.get(getattr(error, "errno", None) or 0, ("", ""))
    if not code:
        return group
    message = f"{cause}: {settings.relay.listen} (relay.listen) or {settings.admin.listen} (admin.listen)"
    return Problem(message, code=code, status=Status.UNAVAILABLE)
