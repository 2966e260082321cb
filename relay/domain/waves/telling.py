"""Brakes in words: for the operator, and for alerts, which name no server, account or text of others."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from relay.domain.alerts import Alert, AlertKind
from relay.domain.policy_rules import Verb
from relay.domain.waves.brake import Kind

if TYPE_CHECKING:
    from relay.domain.waves.brake import Brake
    from relay.domain.waves.waiting import Stopped


def noticed(brake: Brake) -> str:
    """What a brake goes by, without names: `the same text from 10 new accounts on 7 servers`."""
    found, cover = brake.evidence, brake.cover
    accounts = f"{found.get('accounts', 0)} new accounts on {found.get('servers', 0)} servers"
    people = f"{found.get('people', 0)} different people in ten minutes"
    return {
        Kind.TEXT: f"the same text from {accounts}",
        Kind.PICTURE: f"the same picture from {accounts}",
        Kind.MENTIONS: f"{'a new account' if cover.account else 'new accounts of a server'} mentioned {people}",
        Kind.RATE: f"{found.get('posts', 0)} posts of a server in ten minutes, {found.get('usual', 0)} an hour is usual",
        Kind.MEDIA: "everything with media",
        Kind.SERVER: "everything from a server",
        Kind.NEWCOMERS: "everything by new accounts",
        Kind.SINCE: "everything from servers that do not subscribe for long",
    }[cover.kind]


def covered(brake: Brake) -> str:
    """The same for the operator: with the names of the server or account, or the time since when."""
    cover = brake.cover
    name = cover.account or cover.server
    if name is not None:
        return f"{noticed(brake)}: {name}"
    if cover.since is not None:
        return f"{noticed(brake)}: not before {written(cover.since)}"
    return noticed(brake)


def written(at: float) -> str:
    """A time in minutes, UTC: `2026-11-22 10:40 UTC`."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M UTC")


def does(brake: Brake) -> str:
    """What happens to posts that a brake covers."""
    if brake.observed:
        return "recorded only"
    return "deferred" if brake.verb is Verb.DEFER else "held"


def begun(brake: Brake) -> Alert:
    """The alert that a brake was put on."""
    gone = f" {len(brake.before)} of them had been decided before." if brake.before else ""
    return Alert(
        _kind(brake),
        f"{brake.name}: {noticed(brake)}",
        f"Posts like these are {does(brake)} until {written(brake.until)}.{gone} "
        f"See: {_command(brake)} show {brake.id}",
        about=brake.name,
        once=f"{brake.name} began",
    )


def over(brake: Brake, stopped: Stopped) -> Alert:
    """The alert that a brake has ended by itself."""
    waits = f"{stopped.held:,} held posts wait for you; {stopped.deferred:,} go through the policy again now."
    return Alert(
        _kind(brake),
        f"{brake.name} is over",
        f"{waits} See: {_command(brake)} show {brake.id}",
        about=brake.name,
        once=f"{brake.name} is over",
    )


def _kind(brake: Brake) -> AlertKind:
    return AlertKind.WAVE if brake.wave else AlertKind.INCIDENT


def _command(brake: Brake) -> str:
    return "assay waves" if brake.wave else "assay incident"
