"""`assay subscribers`: who follows the relay, and what the operator decides about it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import click

from relay.cli.command import Command
from relay.cli.output import as_document, pairs, say, stamp, table, when, width
from relay.cli.profiles import set_, skipped_line
from relay.cli.session import Session, operator, pass_session
from relay.cli.subscriberhealth import HEALTH, health_document, show_health, show_notes
from relay.cli.subscriberrows import ROW, document, named, row_of
from relay.domain.condition import Condition
from relay.domain.subscriber_profile import SubscriberProfile
from relay.domain.subscription import Command as Order
from relay.domain.subscription import Dialect, State

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from relay.domain.condition import Health


DETAILS: Final = {
    "cursor": "log position up to which it was served",
    **HEALTH,
    "letters": "Accept, Reject, Follow, Undo on their way: kind, created_at, due_at, attempts, error",
}
_TIMES: Final = ("created_at", "due_at")
_ANYTHING: Final = SubscriberProfile().as_json()
_AILING: Final = frozenset({Condition.RESTING, Condition.CATCHING_UP})
"""How an accepted subscriber can be doing that the table should say."""
_WIDE: Final = 120
"""Columns from which errors have room in the table."""

_WHO: Final = click.argument("subscriber")
_REASON: Final = click.option("--reason", metavar="TEXT", help="Why; kept on record and shown here.")


@click.group()
def subscribers() -> None:
    """List, approve, suspend and remove subscribers, and choose what they are sent.

    SUBSCRIBER is a server name, an actor id, or a number of the list.
    """


@subscribers.command("list", cls=Command, answer={"subscribers[]": "one object each:", **ROW})
@click.option(
    "--state", type=click.Choice([state.value for state in State]), help="Only those in this state."
)
@pass_session
def list_(session: Session, state: str | None) -> None:
    """List the subscribers, oldest first."""
    rows = session.run(_rows(session, state))
    if session.as_json:
        as_document({"subscribers": rows})
    elif rows:
        _show_rows(rows)
    else:
        say(f"No subscriber is {state}." if state else "There are no subscribers yet.")


@subscribers.command(cls=Command, answer={**ROW, **DETAILS})
@_WHO
@pass_session
def show(session: Session, subscriber: str) -> None:
    """Show one subscriber: counters, what it misses, how its server does."""
    found, health = session.run(_details(session, subscriber))
    if session.as_json:
        as_document(found)
    else:
        _show_details(found, health)


@subscribers.command(cls=Command, answer=ROW)
@_WHO
@_REASON
@pass_session
def approve(session: Session, subscriber: str, reason: str | None) -> None:
    """Accept a subscriber that waits or was rejected; it is served from now on."""
    _order(session, subscriber, Order.APPROVE, reason)


@subscribers.command(cls=Command, answer=ROW)
@_WHO
@_REASON
@pass_session
def reject(session: Session, subscriber: str, reason: str | None) -> None:
    """Refuse a subscriber and tell its server so."""
    _order(session, subscriber, Order.REJECT, reason)


@subscribers.command(cls=Command, answer=ROW)
@_WHO
@_REASON
@pass_session
def suspend(session: Session, subscriber: str, reason: str | None) -> None:
    """Stop serving a subscriber until `resume`; its server is not told."""
    _order(session, subscriber, Order.SUSPEND, reason)


@subscribers.command(cls=Command, answer=ROW)
@_WHO
@_REASON
@pass_session
def resume(session: Session, subscriber: str, reason: str | None) -> None:
    """Serve a suspended or unreachable subscriber again, from now on."""
    _order(session, subscriber, Order.RESUME, reason)


subscribers.add_command(set_)


@subscribers.command(cls=Command, answer=ROW)
@_WHO
@_REASON
@pass_session
def remove(session: Session, subscriber: str, reason: str | None) -> None:
    """Forget a subscriber and tell its server so; it may follow again."""
    row = session.run(_remove(session, subscriber, reason))
    if session.as_json:
        as_document(row)
    else:
        say(f"{row['server']} is no longer a subscriber. Its server is told so; it may follow again.")


def _order(session: Session, subscriber: str, order: Order, reason: str | None) -> None:
    row = session.run(_command(session, subscriber, order, reason))
    if session.as_json:
        as_document(row)
        return
    told = "" if order is Order.SUSPEND else " Its server is told within seconds while the relay runs."
    say(f"{row['server']} (number {row['number']}) is {row['state']} now.{told}")


async def _rows(session: Session, state: str | None) -> list[dict[str, Any]]:
    async with session.office() as office:
        found = [one for one in await office.subscribers.all() if state in {None, one.state.value}]
        conditions = await office.health.all()
        return [await row_of(office, one, conditions.get(one.id)) for one in found]


async def _details(session: Session, text: str) -> tuple[dict[str, Any], Health]:
    async with session.office() as office:
        chosen = await office.subscribers.find(await named(office, text))
        details: Mapping[str, Any] = await office.subscribers.details(chosen)
        health = await office.health.of(chosen)
        letters = [_timed(row) for row in details["letters"]]
        more = {"cursor": details["cursor"], **health_document(health), "letters": letters}
        gets = office.profiles.sentence(chosen.profile)
        software = await office.subscribers.software(chosen)
        return document(chosen, details, software, gets, health.condition) | more, health


async def _command(session: Session, text: str, order: Order, reason: str | None) -> dict[str, Any]:
    async with session.office() as office:
        name = await named(office, text)
        return await row_of(
            office, await office.subscribers.command(name, order, who=operator(), reason=reason)
        )


async def _remove(session: Session, text: str, reason: str | None) -> dict[str, Any]:
    async with session.office() as office:
        name = await named(office, text)
        row = await row_of(office, await office.subscribers.find(name))
        await office.subscribers.remove(name, who=operator(), reason=reason)
        return row


def _timed(row: Mapping[str, Any]) -> dict[str, Any]:
    kept = {key: value for key, value in row.items() if key != "id"}
    return kept | {key: stamp(kept[key]) for key in _TIMES if key in kept}


def _show_rows(rows: Sequence[Mapping[str, Any]]) -> None:
    known = any(row["software"] for row in rows)
    software = ["software"] if known else []
    columns = ["number", "server", "dialect", *software, "state", "since", "delivered", "behind"]
    failing = [row for row in rows if row["last_error"]]
    roomy = width() >= _WIDE
    table(
        [*columns, "last error"] if roomy and failing else columns,
        [_cells(row, [row["last_error"] or ""] if roomy and failing else [], software=known) for row in rows],
        right=("number", "delivered", "behind"),
        folds=("server", "software", "last error"),
    )
    if failing and not roomy:
        say()
        say("Last errors", bold=True)
        pairs({row["server"]: row["last_error"] for row in failing})
    choosy = {row["server"]: row["gets"] for row in rows if row["wants"] != _ANYTHING or row["locked"]}
    if choosy:
        say()
        say("What they get", bold=True)
        pairs(choosy)
    waiting = [row for row in rows if row["state"] == State.PENDING]
    if waiting:
        say()
        say(f"{len(waiting)} waiting for you: assay subscribers approve {waiting[0]['number']}")


def _cells(row: Mapping[str, Any], more: list[str], *, software: bool) -> list[str]:
    counts = [f"{row['delivered']:,}", _behind(row)]
    return [
        str(row["number"]),
        row["server"],
        row["dialect"],
        *([row["software"] or "-"] if software else []),
        row["condition"] if row["condition"] in _AILING else row["state"],
        row["since"][:10],
        *counts,
        *more,
    ]


def _behind(row: Mapping[str, Any]) -> str:
    return "-" if row["behind"] is None else f"{row['behind']:,}"


def _show_details(found: Mapping[str, Any], health: Health) -> None:
    dialect = "follows as:Public" if found["dialect"] == Dialect.MASTODON else "follows the actor"
    reason = f" ({found['reason']})" if found["reason"] else ""
    pairs(
        {
            "Number": found["number"],
            "Server": found["server"],
            "Actor": found["actor"],
            "Inbox": found["inbox"],
            "Dialect": f"{found['dialect']}, {dialect}",
            "Software": found["software"] or "not known",
            "State": f"{found['state']}{reason}",
            "Since": when(found["since"], health.at),
            "Delivered": f"{found['delivered']:,}",
            "Refused": f"{found['refused']:,}",
            "Given up": f"{found['failed']:,}",
            "Gets": f"{found['gets']}{' (locked)' if found['locked'] else ''}",
            "Not wanted": skipped_line(found["skipped"]),
            "Behind": f"{_behind(found)} (at position {found['cursor']:,})",
            **dict(show_health(health)),
        }
    )
    for label, text in show_notes(health):
        say(f"{label}: {text}")
    for letter in found["letters"]:
        failed = f": {letter['error']}" if letter["error"] else ""
        say(
            f"On its way: {letter['kind']}, attempt {letter['attempts'] + 1} "
            f"{when(letter['due_at'], health.at)}{failed}"
        )
