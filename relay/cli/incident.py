"""`assay incident`: hold all media, a server, new accounts or new subscribers for a while; it ends by itself."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import click

from relay.cli import brakemoves, brakes
from relay.cli.command import Command
from relay.cli.output import as_document, moment, say
from relay.cli.problems import Problem, Status
from relay.cli.session import Session, operator, pass_session
from relay.cli.times import Length
from relay.domain import hosts
from relay.domain.errors import Malformed
from relay.domain.waves.telling import covered, does

if TYPE_CHECKING:
    from collections.abc import Sequence

    from relay.domain.policy_rules import Verb
    from relay.domain.waves.brake import Cover
    from relay.services.waves import Report

COMMAND: Final = "incident"
_FOR: Final = click.option(
    "--for",
    "seconds",
    type=Length(),
    required=True,
    metavar="TIME",
    help="How long, such as 2h; at most 7d.",
)


@click.group()
def incident() -> None:
    """Hold everything of a sort for a while: the switch for bad days."""


@incident.command(cls=Command, answer=brakes.ROW)
@click.option("--media", is_flag=True, help="Hold everything with media.")
@click.option("--server", metavar="NAME", help="Hold everything from a server and its subdomains.")
@click.option("--new-accounts", is_flag=True, help="Hold everything by new accounts (`brake.new_account`).")
@click.option(
    "--only-subscribers-before",
    "since",
    metavar="DATE",
    type=click.DateTime(["%Y-%m-%d"]),
    help="Hold everything from servers that subscribed on this day or later, or do not subscribe.",
)
@_FOR
@click.option(
    "--defer", is_flag=True, help="Let it go through the policy again at the end, instead of holding it."
)
@brakes.NOTE
@pass_session
def start(
    session: Session,
    *,
    media: bool,
    server: str | None,
    new_accounts: bool,
    since: datetime | None,
    seconds: float,
    defer: bool,
    note: str,
) -> None:
    """Start an incident. It works in every mode of the policy, and ends by itself."""
    from relay.domain.policy_rules import Verb
    from relay.domain.waves.brake import Cover, Kind

    covers: list[Cover] = []
    if media:
        covers.append(Cover(Kind.MEDIA))
    if server is not None:
        covers.append(Cover(Kind.SERVER, server=_server(server)))
    if new_accounts:
        covers.append(Cover(Kind.NEWCOMERS))
    if since is not None:
        covers.append(Cover(Kind.SINCE, since=since.replace(tzinfo=UTC).timestamp()))
    if len(covers) != 1:
        raise click.UsageError(
            "Say what to hold: one of --media, --server, --new-accounts, --only-subscribers-before."
        )
    verb = Verb.DEFER if defer else Verb.QUARANTINE
    report, now = session.run(_started(session, covers[0], seconds, verb, note))
    if session.as_json:
        as_document(brakes.document(report))
        return
    brake = report.brake
    say(f"Incident {brake.id} is on until {moment(brake.until, now)}.")
    say(f"{covered(brake).capitalize()}: {does(brake)}.")
    say(f"To end it before: assay incident end {brake.id}")


@incident.command("list", cls=Command, answer={"incidents[]": "one object each, newest first:", **brakes.ROW})
@click.option("--most", type=click.IntRange(min=1), default=50, show_default=True, help="At most so many.")
@pass_session
def list_(session: Session, most: int) -> None:
    """List incidents, newest first."""
    found, now = session.run(_all(session, most))
    if session.as_json:
        as_document({"incidents": [brakes.document(one) for one in found]})
    elif found:
        brakes.show_rows(found, now)
    else:
        say("There was no incident.")


@incident.command(cls=Command, answer={**brakes.ROW, **brakes.DETAILS})
@brakes.NUMBER
@pass_session
def show(session: Session, number: int) -> None:
    """Show an incident and what it stopped."""
    brakemoves.show_one(session, number, COMMAND)


@incident.command(cls=Command, answer=brakes.ROW)
@brakes.NUMBER
@brakes.NOTE
@pass_session
def end(session: Session, number: int, note: str) -> None:
    """End an incident now. What was deferred goes through the policy again, what is held waits for you."""
    brakemoves.end_one(session, number, note)


@incident.command(cls=Command, answer=brakes.ROW)
@brakes.NUMBER
@_FOR
@pass_session
def extend(session: Session, number: int, seconds: float) -> None:
    """Let an incident last for so long from now."""
    brakemoves.extend_one(session, number, seconds)


@incident.command(cls=Command, answer=brakes.MOVED)
@brakes.NUMBER
@brakes.NOTE
@brakes.YES
@pass_session
def release(session: Session, number: int, note: str, *, yes: bool) -> None:
    """End an incident and let everything that it stopped go through the policy again, spread over up to an hour."""
    brakemoves.release_all(session, number, note, yes=yes)


@incident.command(cls=Command, answer=brakes.MOVED)
@brakes.NUMBER
@brakes.NOTE
@brakes.YES
@pass_session
def purge(session: Session, number: int, note: str, *, yes: bool) -> None:
    """Drop everything that an incident stopped so far; `restore` takes it back."""
    brakemoves.purge_all(session, number, note, COMMAND, yes=yes)


@incident.command(cls=Command, answer=brakes.MOVED)
@brakes.NUMBER
@brakes.NOTE
@pass_session
def restore(session: Session, number: int, note: str) -> None:
    """Take a purge back: let what it dropped go through the policy again."""
    brakemoves.restore_all(session, number, note)


async def _started(
    session: Session, cover: Cover, seconds: float, verb: Verb, note: str
) -> tuple[Report, float]:
    async with session.office() as office:
        report = await office.waves.start_incident(
            cover, seconds=seconds, verb=verb, who=operator(), note=note
        )
        return report, office.clock.now()


async def _all(session: Session, most: int) -> tuple[Sequence[Report], float]:
    async with session.office() as office:
        return await office.waves.all(waves=False, most=most), office.clock.now()


def _server(text: str) -> str:
    try:
        return hosts.parse_pattern(text).removeprefix("*.")
    except Malformed as error:
        raise Problem(f"{text}: {error}", code=error.code, status=Status.NO) from error
