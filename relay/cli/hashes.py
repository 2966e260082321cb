"""`assay hashes`: what people handed in of their own pictures at `/submit`. No hash is ever printed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import click

from relay.cli.command import Command
from relay.cli.output import as_document, pairs, say, span, stamp, table, when
from relay.cli.session import Session, operator, pass_session
from relay.domain.hashsubmission import SubmissionState

if TYPE_CHECKING:
    from collections.abc import Mapping

    from relay.services.hashsubmissions import Standing

ROW: Final = {
    "number": "number of the submission",
    "state": "received (you have not reviewed all of it), accepted, refused, or withdrawn",
    "about": "adult, or minor: somebody who was under 18 in at least one picture",
    "list": "name of the hash list",
    "hashes": "hashes that are kept of it",
    "in_force": "hashes that media is compared with",
    "received_at": "when it came",
    "changed_at": "when something was added to it or decided about it last",
    "who": "who decided, or null",
    "note": "what the submitter reads about it, or null",
}
_WORDS: Final = {
    SubmissionState.ACCEPTED: "is accepted: the policy decides about what it matches",
    SubmissionState.REFUSED: "is refused; its hashes are out of force and deleted",
    SubmissionState.WITHDRAWN: "is withdrawn; its hashes are out of force and deleted",
}


@click.group()
def hashes() -> None:
    """List what people handed in of their own pictures; accept, refuse, withdraw it."""


@hashes.command("list", cls=Command, answer={"submissions[]": "one object each, newest first:", **ROW})
@click.option("--all", "every", is_flag=True, help="Not only those that wait for your review.")
@click.option(
    "--most", type=click.IntRange(min=1), default=200, show_default=True, help="At most so many, the newest."
)
@pass_session
def list_(session: Session, *, every: bool, most: int) -> None:
    """List submissions of hashes that wait for your review, newest first.

    Until you accept one, what its hashes match is held for a person, whatever the policy says about such matches.
    """
    state = None if every else SubmissionState.RECEIVED
    found, now = session.run(_all(session, state, most))
    if session.as_json:
        as_document({"submissions": [_document(one) for one in found]})
    elif found:
        rows = [
            (row["number"], row["state"], row["about"], row["list"], f"{row['hashes']:,}")
            for row in map(_document, found)
        ]
        ages = [f"{span(now - one.submission.changed_at)} ago" for one in found]
        table(
            ("number", "state", "about", "list", "hashes", "changed"),
            [(*row, age) for row, age in zip(rows, ages, strict=True)],
            right=("number", "hashes"),
            folds=("list",),
        )
    else:
        say("Nobody handed in hashes." if every else "No submission waits for your review.")


@hashes.command(cls=Command, answer=ROW)
@click.argument("number", type=click.IntRange(min=1))
@pass_session
def show(session: Session, number: int) -> None:
    """Show one submission: how much it is and how it stands, not what is in it."""
    found, now = session.run(_one(session, number))
    row = _document(found)
    if session.as_json:
        as_document(row)
    else:
        pairs(_facts(row, now))


@hashes.command(cls=Command, answer=ROW)
@click.argument("number", type=click.IntRange(min=1))
@click.option("--note", metavar="TEXT", help="What the submitter reads about it.")
@pass_session
def accept(session: Session, number: int, note: str | None) -> None:
    """Let the policy decide about what the hashes match, as with any list.

    Do so when you have seen that they match what they should, such as after looking at a held post.
    """
    _decide(session, number, SubmissionState.ACCEPTED, note)


@hashes.command(cls=Command, answer=ROW)
@click.argument("number", type=click.IntRange(min=1))
@click.option("--note", metavar="TEXT", help="What the submitter reads about it.")
@pass_session
def refuse(session: Session, number: int, note: str | None) -> None:
    """Do not use the hashes, and delete them: they match what harms nobody."""
    _decide(session, number, SubmissionState.REFUSED, note)


@hashes.command(cls=Command, answer=ROW)
@click.argument("number", type=click.IntRange(min=1))
@click.option("--note", metavar="TEXT", help="What the submitter reads about it.")
@pass_session
def withdraw(session: Session, number: int, note: str | None) -> None:
    """Take hashes back for somebody who asks for it and has lost the link."""
    _decide(session, number, SubmissionState.WITHDRAWN, note)


def _decide(session: Session, number: int, state: SubmissionState, note: str | None) -> None:
    row = _document(session.run(_decided(session, number, state, note)))
    if session.as_json:
        as_document(row)
    else:
        say(f"Submission {number} {_WORDS[state]}.")


async def _all(session: Session, state: SubmissionState | None, most: int) -> tuple[list[Standing], float]:
    async with session.office() as office:
        return await office.hash_submissions.all(state, most=most), office.clock.now()


async def _one(session: Session, number: int) -> tuple[Standing, float]:
    async with session.office() as office:
        return await office.hash_submissions.get(number), office.clock.now()


async def _decided(session: Session, number: int, state: SubmissionState, note: str | None) -> Standing:
    async with session.office() as office:
        submissions = office.hash_submissions
        decide = {
            SubmissionState.ACCEPTED: submissions.accept,
            SubmissionState.REFUSED: submissions.refuse,
            SubmissionState.WITHDRAWN: submissions.withdraw_for,
        }[state]
        return await decide(number, who=operator(), note=note)


def _document(found: Standing) -> dict[str, Any]:
    one = found.submission
    return {
        "number": one.number,
        "state": one.state.value,
        "about": one.about.value,
        "list": one.list,
        "hashes": one.hashes,
        "in_force": found.in_force,
        "received_at": stamp(one.received_at),
        "changed_at": stamp(one.changed_at),
        "who": one.who,
        "note": one.note,
    }


def _facts(row: Mapping[str, Any], now: float) -> dict[str, str]:
    facts = {
        "Submission": f"{row['number']}, {row['state']}",
        "About": row["about"],
        "List": row["list"],
        "Hashes": f"{row['hashes']:,}, of which {row['in_force']:,} in force",
        "Received": when(row["received_at"], now),
    }
    if row["who"]:
        facts["Decided"] = f"{when(row['changed_at'], now)} by {row['who']}"
    if row["note"]:
        facts["Note"] = row["note"]
    return facts
