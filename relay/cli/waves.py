"""`assay waves`: waves of spam that the relay noticed, and what it stopped of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import click

from relay.cli import brakemoves, brakes
from relay.cli.command import Command
from relay.cli.output import as_document, say
from relay.cli.session import Session, pass_session
from relay.cli.times import Length

if TYPE_CHECKING:
    from collections.abc import Sequence

    from relay.services.waves import Report

COMMAND: Final = "waves"


@click.group()
def waves() -> None:
    """List, show, release and purge waves of spam."""


@waves.command("list", cls=Command, answer={"waves[]": "one object each, newest first:", **brakes.ROW})
@click.option("--most", type=click.IntRange(min=1), default=50, show_default=True, help="At most so many.")
@pass_session
def list_(session: Session, most: int) -> None:
    """List waves, newest first."""
    found, now = session.run(_all(session, most))
    if session.as_json:
        as_document({"waves": [brakes.document(one) for one in found]})
    elif found:
        brakes.show_rows(found, now)
        say()
        say(f"All about one: assay waves show {found[0].brake.id}")
    else:
        say("No wave was noticed.")


@waves.command(cls=Command, answer={**brakes.ROW, **brakes.DETAILS})
@brakes.NUMBER
@pass_session
def show(session: Session, number: int) -> None:
    """Show what a wave is, what it stopped, and which posts had gone before."""
    brakemoves.show_one(session, number, COMMAND)


@waves.command(cls=Command, answer=brakes.MOVED)
@brakes.NUMBER
@brakes.NOTE
@brakes.YES
@pass_session
def release(session: Session, number: int, note: str, *, yes: bool) -> None:
    """Let everything that a wave stopped go through the policy again; nothing like it is stopped for a week.

    It comes back spread over up to an hour, so that subscribers are not flooded. Give the command again when it was
    interrupted. What subscribers got cannot be taken back.
    """
    brakemoves.release_all(session, number, note, yes=yes)


@waves.command(cls=Command, answer=brakes.MOVED)
@brakes.NUMBER
@brakes.NOTE
@brakes.YES
@pass_session
def purge(session: Session, number: int, note: str, *, yes: bool) -> None:
    """Drop everything that a wave stopped; nothing and nobody is blocked.

    While the wave lasts, what comes after is held for you. `restore` takes it back for as long as the relay keeps
    posts.
    """
    brakemoves.purge_all(session, number, note, COMMAND, yes=yes)


@waves.command(cls=Command, answer=brakes.MOVED)
@brakes.NUMBER
@brakes.NOTE
@pass_session
def restore(session: Session, number: int, note: str) -> None:
    """Take a purge back: let what it dropped go through the policy again."""
    brakemoves.restore_all(session, number, note)


@waves.command(cls=Command, answer=brakes.ROW)
@brakes.NUMBER
@brakes.NOTE
@pass_session
def end(session: Session, number: int, note: str) -> None:
    """Stop nothing more for this wave; nothing like it is stopped for a week.

    What was deferred goes through the policy again now, what is held waits for you.
    """
    brakemoves.end_one(session, number, note)


@waves.command(cls=Command, answer=brakes.ROW)
@brakes.NUMBER
@click.option(
    "--for",
    "seconds",
    type=Length(),
    required=True,
    metavar="TIME",
    help="From now on, such as 6h; at most 7d.",
)
@pass_session
def extend(session: Session, number: int, seconds: float) -> None:
    """Let a wave be stopped for longer, or for a shorter time."""
    brakemoves.extend_one(session, number, seconds)


async def _all(session: Session, most: int) -> tuple[Sequence[Report], float]:
    async with session.office() as office:
        return await office.waves.all(incidents=False, most=most), office.clock.now()
