"""The command `assay demo`."""

from __future__ import annotations

import asyncio
import sys
from contextlib import AsyncExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final, Protocol

import click

from relay.cli.command import Command, answered
from relay.cli.demo.ending import end_on_sigterm, interruption
from relay.cli.problems import Problem, Status
from relay.cli.session import Session, pass_session

if TYPE_CHECKING:
    from relay.cli.demo.results import Report, Result, Totals
    from relay.cli.demo.scenario import Act
    from relay.cli.demo.server import DemoServer
    from relay.cli.demo.world import World
    from relay.ports import Clock

SECONDS: Final = 30.0
SERVICES_SECONDS: Final = 120.0

ANSWER: Final = {
    "relay": "url, actor, inbox, admin",
    "servers[]": "name, url, actor, dialect, accepted, followed_back",
    "steps[]": "number, by, what, status, decision, why, reason, outcome, attestation, saw, scans, received, verified, "
    "voucher, faults",
    "totals": "posts, media, scans, attested, deliveries, verified, held, dropped, refused",
    "faults": "every expectation that did not hold, as text; empty when all did",
    "ok": "whether all expectations held",
    "seconds": "how long it took",
    "folder": "where everything is kept until the demo ends",
}


OF_SERVICES: Final = {
    "services[]": "name, kind, url, questions, state, answers, answered_at, error, error_at",
    "lists[]": "lists that are fetched, as `assay lists status` shows `syncs`",
    "tools": "tools by name, as `assay status` shows them",
    "steps[]": "number, what, outcome, reason, decision, rule, asked, left, matched, told, faults",
}
"""What is said in other words, or besides, with --services."""
_ANSWERS: Final = {**ANSWER, **{f"{name}, with --services": text for name, text in OF_SERVICES.items()}}


class Stage(Protocol):
    """What shows the demo: the audience of the story, and before and after."""

    def opening(self) -> None:
        """Begin: everything is being made."""

    def opened(self, world: World) -> None:
        """Everything runs, nobody has subscribed."""

    async def subscribed(self, server: DemoServer) -> None:
        """A server's Follow was accepted."""

    async def begins(self, number: int, act: Act) -> None:
        """A step begins."""

    async def ends(self, result: Result, totals: Totals) -> None:
        """A step has ended."""

    def closing(self, report: Report, world: World, seconds: float) -> None:
        """The story has ended, everything still runs."""

    def stop(self) -> None:
        """Leave the terminal as it should be, however far it came. May be called again."""


@click.command(cls=Command, answer=_ANSWERS)
@click.option(
    "--keep", is_flag=True, help="Keep everything running afterwards, to look around, until Ctrl-C."
)
@click.option(
    "--seconds",
    type=click.FloatRange(min=1),
    help=f"Time limit; what has not ended by then has failed. {SECONDS:g} by default, {SERVICES_SECONDS:g} with "
    "--services.",
)
@click.option(
    "--services",
    is_flag=True,
    help="Show hash services and keepers of hash lists in place of servers: a fake of each, and how it is asked.",
)
@pass_session
def demo(session: Session, *, keep: bool, seconds: float | None, services: bool) -> None:
    """Show what becomes of posts: a relay and three small servers on this machine, and what they post.

    Clean, canary, attested, falsely attested and broken pictures; what the relay did with each and why, and who
    received what. Everything is made for the demo, stays on loopback and is removed at its end; no configuration is
    read. The demo checks itself: exit status 1 when something came out otherwise than it should.

    With --services: a fake of each hash service and of each keeper of a hash list that the relay knows, and of
    Cloudflare's scanning tool; a relay that asks them all; what becomes of clean pictures, matches, broken answers,
    services that are down, and entries that are taken back. With --keep your own relay can ask the fakes.
    """
    running = _services if services else _demo
    limit = seconds or (SERVICES_SECONDS if services else SECONDS)
    try:
        held = session.run(running(session, keep=keep, seconds=limit))
    except asyncio.CancelledError:  # SIGTERM
        raise click.Abort from None
    answered(yes=held)


async def _services(session: Session, *, keep: bool, seconds: float) -> bool:
    from relay.cli.demo.services.run import run  # it takes a second

    return await run(as_json=session.as_json, keep=keep, seconds=seconds)


async def _demo(session: Session, *, keep: bool, seconds: float) -> bool:
    from relay.adapters.system import SystemClock

    clock = SystemClock()
    began = clock.monotonic()
    stage = _stage(session, clock, keep=keep)
    end_on_sigterm()
    async with AsyncExitStack() as stack:
        folder = stack.enter_context(TemporaryDirectory(prefix="assay-demo-"))
        stack.callback(stage.stop)
        stage.opening()
        from relay.cli.demo.story import Story  # from here on it takes seconds
        from relay.cli.demo.world import open_world

        try:
            async with asyncio.timeout(seconds):
                world = await stack.enter_async_context(open_world(Path(folder), clock))
        except TimeoutError:
            message = f"relay and servers did not start within {seconds:g} seconds; give --seconds more"
            raise Problem(message, code="too-slow", status=Status.UNAVAILABLE) from None
        stage.opened(world)
        left = max(seconds - (clock.monotonic() - began), 1.0)
        report = await Story(world, stage).play(left)
        stop = interruption() if keep else None  # first: people may be quick
        stage.closing(report, world, clock.monotonic() - began)
        if stop is not None:
            sys.stdout.flush()
            await stop.wait()
    return report.held


def _stage(session: Session, clock: Clock, *, keep: bool) -> Stage:
    from relay.cli.demo.lines import Document, Lines
    from relay.cli.demo.screen import Screen

    if session.as_json:
        return Document()
    return Screen(clock, keep=keep) if sys.stdout.isatty() else Lines(keep=keep)
