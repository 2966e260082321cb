"""`assay holds`: what waits for a person. Facts only: no picture and no text of a post is ever shown here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import click

from relay.cli import sentences
from relay.cli.command import Command
from relay.cli.output import as_document, pairs, say, span, stamp, table, when
from relay.cli.session import Session, operator, pass_session
from relay.cli.why import TIMES, stamped
from relay.cli.whytext import tell_decision
from relay.domain.log import HoldState

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from relay.domain.intake import Hold
    from relay.domain.policy import Policy

ROW: Final = {
    "number": "number of the hold",
    "state": "open, released, dropped or withdrawn",
    "since": "when it was held",
    "reason": "reason code",
    "rule": "rule that held it",
    "kind": "type of the activity",
    "server": "server that sent it",
    "actor": "its actor",
    "object": "id of what it is about",
    "activity": "id of the activity, or null",
    "decided_at": "when a person decided, or null",
    "decided_by": "who, or null",
    "note": "note of the decision, or null",
}
DETAILS: Final = {
    "media": "facts of each item: url, kind, digest, outcome, reason, matches, type, width, height, size",
    "decisions": "oldest first: at, verb, effective, rule, reason, policy, facts, trace",
}
_NUMBER: Final = click.argument("number", type=click.IntRange(min=1))
_NOTE: Final = click.option("--note", metavar="TEXT", help="Why; kept on record.")


@click.group()
def holds() -> None:
    """List, show, release and drop what waits for a person."""


@holds.command("list", cls=Command, answer={"holds[]": "one object each, newest first:", **ROW})
@click.option(
    "--state",
    type=click.Choice([state.value for state in HoldState]),
    default=HoldState.OPEN.value,
    show_default=True,
    help="Those in this state.",
)
@click.option(
    "--most", type=click.IntRange(min=1), default=200, show_default=True, help="At most so many, the newest."
)
@pass_session
def list_(session: Session, state: str, most: int) -> None:
    """List holds, newest first."""
    found, now = session.run(_all(session, HoldState(state), most))
    if session.as_json:
        as_document({"holds": [_document(hold) for hold in found]})
    elif found:
        _show_rows(found, now)
    else:
        say("Nothing is held." if state == HoldState.OPEN else f"No hold is {state}.")


@holds.command(cls=Command, answer={**ROW, **DETAILS})
@_NUMBER
@pass_session
def show(session: Session, number: int) -> None:
    """Show the facts about a hold and how it was decided; never a picture."""
    found, policy, now = session.run(_details(session, number))
    if session.as_json:
        as_document(found)
    else:
        _show_details(found, policy, now)


@holds.command(cls=Command, answer=ROW)
@_NUMBER
@_NOTE
@pass_session
def release(session: Session, number: int, note: str | None) -> None:
    """Relay what is held, as if it came now."""
    found = session.run(_release(session, number, note))
    if session.as_json:
        as_document(found)
    else:
        say(f"Hold {number} is released: {found['object']} goes to the subscribers.")


@holds.command(cls=Command, answer=ROW)
@_NUMBER
@_NOTE
@pass_session
def drop(session: Session, number: int, note: str | None) -> None:
    """Never relay what is held."""
    found = session.run(_drop(session, number, note))
    if session.as_json:
        as_document(found)
    else:
        say(f"Hold {number} is dropped: {found['object']} will not be relayed.")


async def _all(session: Session, state: HoldState, most: int) -> tuple[list[Hold], float]:
    async with session.office() as office:
        return await office.holds.all(state, most), office.clock.now()


async def _details(session: Session, number: int) -> tuple[dict[str, Any], Policy, float]:
    async with session.office() as office:
        hold = await office.holds.find(number)
        told: Mapping[str, Any] = next(
            (one for one in await office.explainer.why(str(hold.seq)) if one["number"] == hold.seq),
            {"decisions": [], "media": [], "hold": None} | dict.fromkeys(TIMES),
        )
        facts = stamped(told)
        found = _document(hold) | {"media": facts["media"], "decisions": facts["decisions"]}
        return found, office.decider.policy, office.clock.now()


async def _release(session: Session, number: int, note: str | None) -> dict[str, Any]:
    async with session.office() as office:
        await office.holds.release(number, who=operator(), note=note)
        return _document(await office.holds.find(number))


async def _drop(session: Session, number: int, note: str | None) -> dict[str, Any]:
    async with session.office() as office:
        await office.holds.drop(number, who=operator(), note=note)
        return _document(await office.holds.find(number))


def _document(hold: Hold) -> dict[str, Any]:
    return {
        "number": hold.id,
        "state": hold.state.value,
        "since": stamp(hold.created_at),
        "reason": hold.reason,
        "rule": hold.rule,
        "kind": hold.kind,
        "server": hold.server,
        "actor": hold.actor,
        "object": hold.object_id,
        "activity": hold.activity_id,
        "decided_at": stamp(hold.decided_at),
        "decided_by": hold.decided_by,
        "note": hold.note,
    }


def _show_rows(found: Sequence[Hold], now: float) -> None:
    table(
        ("number", "held for", "kind", "server", "reason", "rule"),
        [
            (hold.id, span(now - hold.created_at), hold.kind, hold.server, hold.reason, hold.rule)
            for hold in found
        ],
        right=("number",),
        folds=("server", "reason", "rule"),
    )
    if found[0].state is HoldState.OPEN:
        say()
        say(f"Facts about one: assay holds show {found[0].id}")


def _show_details(found: Mapping[str, Any], policy: Policy, now: float) -> None:
    rows = {
        "Hold": f"{found['number']}, {found['state']}",
        "Since": when(found["since"], now),
        "Reason": f'{found["reason"]}, by rule "{found["rule"]}"',
        "Activity": f"{found['kind']} {found['activity'] or ''}",
        "Object": found["object"],
        "Actor": found["actor"],
        "Server": found["server"],
    }
    if found["decided_at"]:
        rows["Decided"] = f"{when(found['decided_at'], now)} by {found['decided_by']}"
    if found["note"]:
        rows["Note"] = found["note"]
    for place, item in enumerate(sentences.media(found["media"]), 1):
        rows[f"Media {place}"] = item
    pairs(rows)
    for decision in found["decisions"]:
        say()
        tell_decision(decision, policy, now)
    if found["state"] == HoldState.OPEN:
        say()
        say(f"Decide: assay holds release {found['number']}, or assay holds drop {found['number']}")
