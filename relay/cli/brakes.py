"""What `assay waves` and `assay incident` have in common: how brakes are shown and asked about."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Final

import click

from relay.cli.output import ago, moment, pairs, say, stamp, table
from relay.domain.waves.telling import covered, does

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from relay.cli.session import Session
    from relay.domain.waves.waiting import Waiting
    from relay.services.waves import Report

ROW: Final = {
    "number": "number of the brake; waves and incidents share their numbers",
    "kind": "text, picture, mentions, rate; of incidents media, server, newcomers, since",
    "what": "what it goes by, in words",
    "does": "deferred, held, or recorded only: what becomes of posts that it covers",
    "on": "whether it brakes now",
    "state": "active, ended or released",
    "started_at": "since when",
    "until": "until when it lasts, or lasted",
    "by": "who put it on",
    "note": "why, or empty",
    "stopped": "number of posts: held, deferred, released, purged, left, observed",
    "ended_at": "when it ended, or null",
    "ended_by": "who ended or released it, or null",
}
DETAILS: Final = {
    "evidence": "the numbers that it was put on for: accounts, servers, people, posts, usual",
    "before": "ids of posts that had been decided before it was put on, at most 50",
    "waiting": "the oldest 20 that wait: number, state, kind, server, actor, object, received_at",
}
MOVED: Final = {"number": "number of the brake", "moved": "how many posts"}
NUMBER: Final = click.argument("number", type=click.IntRange(min=1))
NOTE: Final = click.option("--note", metavar="TEXT", default="", help="Why; kept on record.")
YES: Final = click.option("--yes", is_flag=True, help="Do not ask.")


def document(report: Report) -> dict[str, Any]:
    """Write a brake for programs."""
    brake, stopped = report.brake, report.stopped
    return {
        "number": brake.id,
        "kind": brake.cover.kind.value,
        "what": covered(brake),
        "does": does(brake),
        "on": report.on,
        "state": brake.state.value,
        "started_at": stamp(brake.started_at),
        "until": stamp(brake.until),
        "by": brake.who,
        "note": brake.note,
        "stopped": {
            name: getattr(stopped, name)
            for name in ("held", "deferred", "released", "purged", "left", "observed")
        },
        "ended_at": stamp(brake.ended_at),
        "ended_by": brake.ended_by,
    }


def details(report: Report, waiting: Sequence[Waiting]) -> dict[str, Any]:
    """Write all about a brake for programs."""
    return document(report) | {
        "evidence": dict(report.brake.evidence),
        "before": list(report.brake.before),
        "waiting": [
            {
                "number": one.seq,
                "state": one.state.value,
                "kind": one.kind,
                "server": one.server,
                "actor": one.actor,
                "object": one.object_id,
                "received_at": stamp(one.received_at),
            }
            for one in waiting
        ],
    }


def show_rows(reports: Sequence[Report], now: float) -> None:
    """Show brakes in a table, newest first."""
    table(
        ("number", "what", "since", "ends", "waiting", "went on"),
        [
            (
                one.brake.id,
                covered(one.brake),
                ago(one.brake.started_at, now),
                ago(one.brake.until, now) if one.on else _over(one),
                f"{one.stopped.waiting:,} {does(one.brake)}",
                f"{one.stopped.all - one.stopped.waiting:,}",
            )
            for one in reports
        ],
        right=("number", "went on"),
        folds=("what",),
    )


def _over(report: Report) -> str:
    """How a brake came to its end: its time may be over before the relay has noticed."""
    return "over, released" if report.brake.state.value == "released" else "over"


def show_details(report: Report, waiting: Sequence[Waiting], command: str, now: float) -> None:
    """Show all about a brake, and what can be done."""
    brake, stopped = report.brake, report.stopped
    ended = brake.until if brake.ended_at is None else brake.ended_at
    on = f"on until {moment(brake.until, now)}" if report.on else f"over since {moment(ended, now)}"
    rows: dict[str, object] = {
        brake.name.capitalize(): on,
        "Covers": covered(brake),
        "Posts are": does(brake),
        "Since": f"{moment(brake.started_at, now)}, by {brake.who}",
        "Waiting": f"{stopped.held:,} held for you, {stopped.deferred:,} deferred",
        "Went on": f"{stopped.released:,} released, {stopped.purged:,} purged, {stopped.left:,} otherwise",
    }
    if brake.observed:
        rows["Met"] = f"{stopped.observed:,} posts that it would have stopped"
    if brake.ended_by is not None:
        rows["Ended by"] = brake.ended_by
    if brake.note:
        rows["Note"] = brake.note
    pairs(rows)
    if brake.before:
        say()
        say(f"{len(brake.before)} posts had been decided before it was noticed:", bold=True)
        for post in brake.before:
            say(f"  {post}")
    if waiting:
        say()
        say("The first that wait" if stopped.waiting > len(waiting) else "What waits", bold=True)
        table(
            ("number", "state", "received", "server", "object"),
            [
                (one.seq, one.state.value, ago(one.received_at, now), one.server, one.object_id)
                for one in waiting
            ],
            right=("number",),
            folds=("object",),
        )
        say()
        say(f"Decide: assay {command} release {brake.id}, or assay {command} purge {brake.id}")


def ask(session: Session, question: str, *, yes: bool) -> None:
    """Ask a person at a terminal before something is moved; programs and pipes are not asked."""
    if not yes and not session.as_json and sys.stdin.isatty():
        click.confirm(question, abort=True, err=True)


def figures(reports: Sequence[Report]) -> Mapping[str, int]:
    """Count what is on, for `assay status`."""
    waves = sum(one.brake.wave for one in reports)
    return {"waves": waves, "incidents": len(reports) - waves}
