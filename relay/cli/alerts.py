"""`assay alerts`: who is told of what, a trial of each way to reach people, and another attempt at what failed."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final

import click

from relay.cli.command import Command, answered
from relay.cli.output import as_document, moment, say, span, stamp, table
from relay.cli.session import Session, check_made, pass_session

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from relay.domain.alerts import Answer, MessageRecord
    from relay.wiring.office import Office

MESSAGE: Final = {
    "id": "what the receiver knows it by",
    "channel": "name of the channel",
    "kind": "what it is about",
    "state": "open (takes further alerts), sealed (on its way), sent or given-up",
    "count": "number of alerts in it",
    "title": "title of the first of them",
    "since": "when it was begun",
    "attempts": "number of attempts",
    "next_at": "when it is tried next, or null",
    "ended_at": "when it was sent or given up, or null",
    "error": "what went wrong at the last attempt, or null",
}
LISTED: Final = {
    "channels[]": "one object each, as configured: name, kind, events, quiet (seconds), messages (number by state)",
    "messages[]": "one object each, newest first:",
    **MESSAGE,
}
_PEOPLE: Final = {"open": "collecting", "sealed": "on its way", "sent": "sent", "given-up": "given up"}


@click.group()
def alerts() -> None:
    """Show who is told of what, try a channel, send again what failed."""


@alerts.command("list", cls=Command, answer=LISTED)
@click.option(
    "--most", type=click.IntRange(min=1), default=20, show_default=True, help="At most so many messages."
)
@pass_session
def list_(session: Session, most: int) -> None:
    """List the channels and the newest messages to them."""
    found, records, now = session.run(_list(session, most))
    if session.as_json:
        as_document({"channels": found, "messages": [_document(one) for one in records]})
    elif not found:
        say("Nobody is told anything: there are no channels under `alerts` in the configuration.")
    else:
        _show(found, records, now)


@alerts.command(
    cls=Command,
    answer={
        "channel": "name of the channel",
        "accepted": "whether the message was taken",
        "answer": "what was answered",
    },
)
@click.argument("channel")
@pass_session
def test(session: Session, channel: str) -> None:
    """Send a harmless alert to a channel at once and show what was answered.

    The exit status is 0 when it was taken, 1 when it was refused, 69 when nobody answered.
    """
    answer = session.run(_test(session, channel))
    if session.as_json:
        as_document({"channel": channel, "accepted": answer.accepted, "answer": answer.detail})
    elif answer.accepted:
        say(f"{channel} took a test alert: {answer.detail}")
    else:
        say(f"{channel} refused a test alert: {answer.detail}")
    answered(yes=answer.accepted)


@alerts.command(cls=Command, answer={"messages": "number of messages that are tried again"})
@click.argument("channel", required=False)
@pass_session
def retry(session: Session, channel: str | None) -> None:
    """Try everything now that waits or was given up, of one channel or of all."""
    number = session.run(_retry(session, channel))
    if session.as_json:
        as_document({"messages": number})
    elif number:
        say(f"{number:,} {'message is' if number == 1 else 'messages are'} tried again by the running relay.")
    else:
        say("Nothing waits.")


def summed(counts: Mapping[str, Mapping[str, int]]) -> Counter[str]:
    """Count messages by state, of all channels together."""
    return sum((Counter(states) for states in counts.values()), Counter[str]())


async def _list(session: Session, most: int) -> tuple[list[dict[str, Any]], Sequence[MessageRecord], float]:
    async with session.office() as office:
        return await _channels(office), await office.alerts.recent(most), office.clock.now()


async def _channels(office: Office) -> list[dict[str, Any]]:
    counts = await office.alerts.counts()
    return [
        {
            "name": one.name,
            "kind": one.kind,
            "events": sorted(one.events),
            "quiet": one.quiet,
            "messages": dict(counts.get(one.name, {})),
        }
        for one in office.alerts.channels
    ]


async def _test(session: Session, channel: str) -> Answer:
    from relay.adapters.system import SystemClock
    from relay.wiring.alerts import send_trial
    from relay.wiring.parts import Outside, identity_of

    settings = session.configuration().settings
    check_made(settings, quiet=session.as_json)
    return await send_trial(settings, identity_of(settings), Outside(SystemClock()), channel)


async def _retry(session: Session, channel: str | None) -> int:
    async with session.office() as office:
        return await office.alerts.retry(channel)


def _document(one: MessageRecord) -> dict[str, Any]:
    return {
        "id": one.key,
        "channel": one.channel,
        "kind": one.kind.value,
        "state": one.state.value,
        "count": one.count,
        "title": one.title,
        "since": stamp(one.created_at),
        "attempts": one.attempts,
        "next_at": stamp(one.due_at) if one.at is None else None,
        "ended_at": stamp(one.at),
        "error": one.error,
    }


def _show(channels: Sequence[Mapping[str, Any]], records: Sequence[MessageRecord], now: float) -> None:
    from relay.domain.alerts import EVENTS

    everything = {kind.value for kind in EVENTS}
    table(
        ("channel", "kind", "told of", "quiet for", "messages"),
        [
            (
                one["name"],
                one["kind"],
                "everything"
                if set(one["events"]) == everything
                else ", ".join(one["events"]) or "only what names it",
                span(one["quiet"]),
                _counted(one["messages"]),
            )
            for one in channels
        ],
        folds=("told of", "messages"),
    )
    if records:
        say()
        table(
            ("channel", "kind", "alerts", "state", "when", "title"),
            [
                (
                    one.channel,
                    one.kind.value,
                    one.count,
                    _state(one, now),
                    moment(one.created_at, now),
                    one.title,
                )
                for one in records
            ],
            right=("alerts",),
            folds=("state", "title"),
        )


def _state(one: MessageRecord, now: float) -> str:
    if one.error is None:
        return _PEOPLE[one.state.value]
    if one.at is not None:
        return f"{_PEOPLE[one.state.value]}: {one.error}"
    return f"failed: {one.error}; again in {span(max(0.0, one.due_at - now))}"


def _counted(states: Mapping[str, int]) -> str:
    return (
        ", ".join(f"{count:,} {_PEOPLE[state]}" for state, count in sorted(states.items())) or "none so far"
    )
