"""`assay waves`: waves of spam that the relay noticed, and what it stopped of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import click

from relay.cli import brakes
from relay.cli.command import Command
from relay.cli.output import as_document, moment, say
from relay.cli.session import Session, operator, pass_session

if TYPE_CHECKING:
    from collections.abc import Sequence

    from relay.domain.waves.waiting import Waiting
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
    show_one(session, number, COMMAND)


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
    release_all(session, number, note, yes=yes)


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
    purge_all(session, number, note, COMMAND, yes=yes)


@waves.command(cls=Command, answer=brakes.MOVED)
@brakes.NUMBER
@brakes.NOTE
@pass_session
def restore(session: Session, number: int, note: str) -> None:
    """Take a purge back: let what it dropped go through the policy again."""
    restore_all(session, number, note)


@waves.command(cls=Command, answer=brakes.ROW)
@brakes.NUMBER
@brakes.NOTE
@pass_session
def end(session: Session, number: int, note: str) -> None:
    """Stop nothing more for this wave; nothing like it is stopped for a week.

    What was deferred goes through the policy again now, what is held waits for you.
    """
    end_one(session, number, note)


@waves.command(cls=Command, answer=brakes.ROW)
@brakes.NUMBER
@click.option(
    "--for",
    "seconds",
    type=brakes.Span(),
    required=True,
    metavar="TIME",
    help="From now on, such as 6h; at most 7d.",
)
@pass_session
def extend(session: Session, number: int, seconds: float) -> None:
    """Let a wave be stopped for longer, or for a shorter time."""
    extend_one(session, number, seconds)


# -------------------------------------------------------------------- shared with incidents


def show_one(session: Session, number: int, command: str) -> None:
    """Show all about a brake."""
    report, waiting, now = session.run(_one(session, number))
    if session.as_json:
        as_document(brakes.details(report, waiting))
    else:
        brakes.show_details(report, waiting, command, now)


def release_all(session: Session, number: int, note: str, *, yes: bool) -> None:
    """Release what a brake stopped."""
    report, _, _ = session.run(_one(session, number))
    posts = _posts(report.stopped.waiting)
    brakes.ask(session, f"Let {posts} go through the policy again?", yes=yes)
    moved = session.run(
        brakes.move(
            session,
            lambda waves, progress: waves.release(number, who=operator(), note=note, progress=progress),
            "releasing",
        )
    )
    if session.as_json:
        as_document({"number": number, "moved": moved})
    else:
        say(
            f"{report.brake.name.capitalize()} is over; {_posts(moved)} go through the policy again, not all at once."
        )


def purge_all(session: Session, number: int, note: str, command: str, *, yes: bool) -> None:
    """Purge what a brake stopped."""
    report, _, _ = session.run(_one(session, number))
    brakes.ask(session, f"Drop {_posts(report.stopped.waiting)}?", yes=yes)
    moved = session.run(
        brakes.move(
            session,
            lambda waves, progress: waves.purge(number, who=operator(), note=note, progress=progress),
            "purging",
        )
    )
    if session.as_json:
        as_document({"number": number, "moved": moved})
        return
    say(
        f"{_posts(moved)} of {report.brake.name} will not be relayed. To take it back: assay {command} restore {number}"
    )
    if report.on:
        say(f"It goes on: what comes after is held for you. To end it: assay {command} end {number}")


def restore_all(session: Session, number: int, note: str) -> None:
    """Take back what was purged of a brake."""
    moved = session.run(
        brakes.move(
            session,
            lambda waves, progress: waves.restore(number, who=operator(), note=note, progress=progress),
            "restoring",
        )
    )
    if session.as_json:
        as_document({"number": number, "moved": moved})
    else:
        say(f"{_posts(moved)} go through the policy again, not all at once.")


def end_one(session: Session, number: int, note: str) -> None:
    """End a brake."""

    async def ended() -> Report:
        async with session.office() as office:
            return await office.waves.end(number, who=operator(), note=note)

    report = session.run(ended())
    if session.as_json:
        as_document(brakes.document(report))
        return
    say(f"{report.brake.name.capitalize()} is over; what it deferred goes through the policy again.")
    if report.stopped.held:
        say(f"{_posts(report.stopped.held)} held for you: assay holds list --wave {number}")


def extend_one(session: Session, number: int, seconds: float) -> None:
    """Set anew how long a brake lasts."""

    async def extended() -> tuple[Report, float]:
        async with session.office() as office:
            return await office.waves.extend(number, seconds, who=operator()), office.clock.now()

    report, now = session.run(extended())
    if session.as_json:
        as_document(brakes.document(report))
    else:
        say(f"{report.brake.name.capitalize()} lasts until {moment(report.brake.until, now)}.")


async def _all(session: Session, most: int) -> tuple[Sequence[Report], float]:
    async with session.office() as office:
        return await office.waves.all(incidents=False, most=most), office.clock.now()


async def _one(session: Session, number: int) -> tuple[Report, Sequence[Waiting], float]:
    async with session.office() as office:
        return await office.waves.show(number), await office.waves.waiting(number), office.clock.now()


def _posts(count: int) -> str:
    return "1 post" if count == 1 else f"{count:,} posts"
