"""`assay recall`: what came onto a list after it was relayed, who was told, and what they answered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import click

from relay.cli import brakes
from relay.cli.command import Command
from relay.cli.output import ago, as_document, counted, moment, pairs, say, stamp, table
from relay.cli.session import Session, operator, pass_session
from relay.domain.recall import RecallState
from relay.domain.recallwords import KINDS, NOTICES, SENDING, stage

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from relay.domain.recall import Recall
    from relay.ports.recall import RecallCounts
    from relay.services.recalls import RecallDetails, RecallReport

ROW: Final = {
    "number": "number of the recall",
    "list": "name of the list",
    "purpose": "abuse, ncii or test",
    "category": "category of the entry",
    "entry": "a mark that tells entries apart and does not show them",
    "kind": "known, near, ncii or test: how close the files are",
    "state": "waiting, due, sent, dismissed or undone; in the first three nothing of it goes out",
    "cause": "why it waits for a person: mode, near, test or flood; null when it does not",
    "opened_at": "since when",
    "act_at": "when servers will be told, or null",
    "sent_at": "when they were, or null",
    "closed_at": "when it was dismissed or undone, or null",
    "by": "who decided last, or empty",
    "note": "why, or empty",
    "files": "number of files",
    "posts": "number of posts",
    "deleted": "of these, deleted by their own servers, as far as we were told",
    "servers": "number of servers that may have received one",
    "notices": "number of messages by state: waiting, delivered, refused, given-up, cancelled",
    "answered": "messages that were answered with Accept or Reject",
}
DETAILS: Final = {
    "digests": "SHA-256 of the files",
    "posts_seen": "one object each: object, author, published_at, deleted_at",
    "messages": "one object each, at most 500: server, actor, kind, state, attempts, at, error, answer, answered_at",
}
STATUS: Final = {
    "recalls": "number by state; states without any are missing",
    "notices": "messages that did not arrive yet",
    "open[]": "one object for each recall that stands and was not sent, newest first:",
    **ROW,
}
NUMBER: Final = click.argument("number", type=click.IntRange(min=1))
SHOWN: Final = 1_000
"""Recalls that `status` looks at."""
_OPEN: Final = {RecallState.WAITING, RecallState.DUE}


@click.group()
def recall() -> None:
    """Show, send and dismiss recalls of what came onto a list after it was relayed."""


@recall.command(cls=Command, answer=STATUS)
@pass_session
def status(session: Session) -> None:
    """Show what waits, what is on its way, and what servers answered."""

    async def looked() -> tuple[Mapping[str, int], Sequence[RecallReport], float]:
        async with session.office() as office:
            return await office.recalls.counts(), await office.recalls.all(SHOWN), office.clock.now()

    counts, found, now = session.run(looked())
    waiting = [one for one in found if one.recall.state in _OPEN]
    if session.as_json:
        as_document(
            {
                "recalls": {name: count for name, count in counts.items() if name != "notices"},
                "notices": counts["notices"],
                "open": [document(one.recall, one.counts) for one in waiting],
            }
        )
        return
    pairs(
        {
            "Recalls": told(counts),
            "Messages on their way": f"{counts['notices']:,}",
            **_answers(found),
        }
    )
    if waiting:
        say()
        say("Not told yet", bold=True)
        _rows(waiting, now)
        say()
        first = waiting[0].recall.id
        say(f"Decide: assay recall send {first}, or assay recall dismiss {first} --note WHY")


@recall.command("list", cls=Command, answer={"recalls[]": "one object each, newest first:", **ROW})
@click.option("--most", type=click.IntRange(min=1), default=50, show_default=True, help="At most so many.")
@pass_session
def list_(session: Session, most: int) -> None:
    """List recalls, newest first."""

    async def all_() -> tuple[Sequence[RecallReport], float]:
        async with session.office() as office:
            return await office.recalls.all(most), office.clock.now()

    found, now = session.run(all_())
    if session.as_json:
        as_document({"recalls": [document(one.recall, one.counts) for one in found]})
    elif found:
        _rows(found, now)
        say()
        say(f"All about one: assay recall show {found[0].recall.id}")
    else:
        say("Nothing that was relayed came onto a list.")


@recall.command(cls=Command, answer={**ROW, **DETAILS})
@NUMBER
@pass_session
def show(session: Session, number: int) -> None:
    """Show what a recall is about, who may have received it, and what became of each message."""
    found, now = session.run(_one(session, number))
    if session.as_json:
        as_document(details(found))
    else:
        _show(found, now)


@recall.command(cls=Command, answer={**ROW, **DETAILS})
@NUMBER
@brakes.NOTE
@brakes.YES
@pass_session
def send(session: Session, number: int, note: str, *, yes: bool) -> None:
    """Undo our Announces and tell every server that may have received it. This cannot be taken back unseen.

    Each server gets a report of its posts that nobody else sees. With `recall.notify: false` only our Announces are
    undone.
    """
    before, _ = session.run(_one(session, number))
    brakes.ask(session, f"Tell {counted(before.counts.servers, 'server')}?", yes=yes)

    async def sent() -> tuple[RecallDetails, float]:
        async with session.office() as office:
            notify = office.settings.recall.notify
            found = await office.recalls.send(number, who=operator(), note=note, notify=notify)
            return found, office.clock.now()

    found, _ = session.run(sent())
    if session.as_json:
        as_document(details(found))
        return
    messages = counted(sum(found.counts.notices.values()), "message")
    say(f"{messages} on their way, tried for a week. To see what comes of it: assay recall show {number}")


@recall.command(cls=Command, answer={**ROW, **DETAILS})
@NUMBER
@click.option("--note", metavar="TEXT", required=True, help="Why; kept on record.")
@brakes.YES
@pass_session
def dismiss(session: Session, number: int, note: str, *, yes: bool) -> None:
    """Say that a recall is wrong: its files go out again, and whoever was told is told that it was a mistake.

    The list says nothing about these very files any more; others that match the entry are held as before.
    """
    brakes.ask(session, f"Let the files of recall {number} go out again?", yes=yes)

    async def dismissed() -> RecallDetails:
        async with session.office() as office:
            return await office.recalls.dismiss(number, who=operator(), note=note)

    found = session.run(dismissed())
    if session.as_json:
        as_document(details(found))
        return
    say(f"Recall {number} is dismissed; {counted(found.counts.files, 'file')} may go out again.")
    if found.recall.sent_at is not None:
        say("Whoever was told is told that it was a mistake.")


# -------------------------------------------------------------------- shown


def document(one: Recall, counts: RecallCounts) -> dict[str, Any]:
    """Write a recall for programs."""
    return {
        "number": one.id,
        "list": one.list,
        "purpose": one.purpose.value,
        "category": one.category,
        "entry": one.entry,
        "kind": one.kind.value,
        "state": one.state.value,
        "cause": None if one.cause is None else one.cause.value,
        "opened_at": stamp(one.opened_at),
        "act_at": stamp(one.act_at),
        "sent_at": stamp(one.sent_at),
        "closed_at": stamp(one.closed_at),
        "by": one.who,
        "note": one.note,
        "files": counts.files,
        "posts": counts.posts,
        "deleted": counts.deleted,
        "servers": counts.servers,
        "notices": dict(counts.notices),
        "answered": counts.answered,
    }


def details(found: RecallDetails) -> dict[str, Any]:
    """Write all about a recall for programs."""
    return document(found.recall, found.counts) | {
        "digests": list(found.files),
        "posts_seen": [
            {
                "object": post.object_id,
                "author": post.author,
                "published_at": stamp(post.published_at),
                "deleted_at": stamp(post.deleted_at),
            }
            for post in found.posts
        ],
        "messages": [
            {
                "server": one.server,
                "actor": one.actor,
                "kind": one.kind.value,
                "state": one.state.value,
                "attempts": one.attempts,
                "at": stamp(one.at),
                "error": one.error,
                "answer": one.answer,
                "answered_at": stamp(one.answered_at),
            }
            for one in found.notices
        ],
    }


def told(counts: Mapping[str, int]) -> str:
    """Recalls by state in a line."""
    states = [f"{counts[one]:,} {one}" for one in RecallState if counts.get(one)]
    return ", ".join(states) or "none"


def _rows(found: Sequence[RecallReport], now: float) -> None:
    table(
        ("number", "opened", "list", "files", "posts", "servers", "arrived", "answered", "stands"),
        [
            (
                one.recall.id,
                ago(one.recall.opened_at, now),
                one.recall.list,
                f"{one.counts.files:,}",
                f"{one.counts.posts:,}",
                f"{one.counts.servers:,}",
                _arrived(one.counts),
                f"{one.counts.answered:,}",
                _stage(one.recall, now),
            )
            for one in found
        ],
        right=("number", "files", "posts", "servers", "arrived", "answered"),
        folds=("stands",),
    )


def _arrived(counts: RecallCounts) -> str:
    return f"{counts.notices.get('delivered', 0):,}/{sum(counts.notices.values()):,}"


def _stage(one: Recall, now: float) -> str:
    return stage(one) if one.act_at is None else f"{stage(one)} {ago(one.act_at, now)}"


def _answers(found: Sequence[RecallReport]) -> dict[str, str]:
    """What came of all that was sent."""
    states: dict[str, int] = {}
    for one in found:
        for state, count in one.counts.notices.items():
            states[state] = states.get(state, 0) + count
    if not states:
        return {}
    answered = sum(one.counts.answered for one in found)
    deleted = sum(one.counts.deleted for one in found)
    parts = [f"{count:,} {state}" for state, count in sorted(states.items())]
    return {"Messages": f"{', '.join(parts)}; {answered:,} answered", "Deleted posts": f"{deleted:,}"}


def _show(found: RecallDetails, now: float) -> None:
    one, counts = found.recall, found.counts
    rows: dict[str, object] = {
        f"Recall {one.id}": _stage(one, now),
        "List": f"{one.list}, for {one.purpose}, category {one.category}",
        "About": KINDS[one.kind],
        "Opened": moment(one.opened_at, now),
        "Files": "\n".join(found.files) or "none",
        "Posts": f"{counts.posts:,}, of these {counts.deleted:,} deleted by their own servers",
        "May have it": counted(counts.servers, "server"),
    }
    if one.sent_at is not None:
        rows["Told"] = moment(one.sent_at, now)
    if one.closed_at is not None:
        rows["Ended"] = moment(one.closed_at, now)
    if one.who:
        rows["Decided by"] = one.who
    if one.note:
        rows["Note"] = one.note
    pairs(rows)
    if found.posts:
        say()
        say("Posts", bold=True)
        for post in found.posts:
            say(f"  {post.object_id}" + ("" if post.deleted_at is None else "  (deleted)"))
    if found.notices:
        say()
        say("Messages", bold=True)
        table(
            ("server", "what", "state", "answer", "error"),
            [
                (n.server, NOTICES[n.kind], SENDING[n.state], n.answer or "-", n.error or "")
                for n in found.notices
            ],
            folds=("error",),
        )
    if one.state in _OPEN:
        say()
        say(f"Decide: assay recall send {one.id}, or assay recall dismiss {one.id} --note WHY")
    elif one.state is RecallState.SENT:
        say()
        say(f"If it was a mistake: assay recall dismiss {one.id} --note WHY")


async def _one(session: Session, number: int) -> tuple[RecallDetails, float]:
    async with session.office() as office:
        return await office.recalls.show(number), office.clock.now()
