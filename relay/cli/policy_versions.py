"""`assay policy history` and `diff`: which policies were in force, and what is different between them."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import click

from relay.cli.command import Command, answered
from relay.cli.output import as_document, clean, moment, pairs, say, stamp, table
from relay.cli.session import Session, pass_session

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from relay.domain.policy_changes import Change
    from relay.domain.policy_record import Record
    from relay.domain.policy_version import PolicyVersion
    from relay.services.policy_history import Fault
    from relay.wiring.saving import Desk

HISTORY: Final = {
    "versions[]": "one object each, oldest first:",
    "number": "the number of the version, from 1 on",
    "policy": "id of the policy, as decisions name it",
    "at": "since when it was in force",
    "why": "`start`, `reload`, `apply` or `undo`",
    "who": "who gave the command; `relay` for none",
    "note": "what was said of it",
    "place": "where it was written",
    "changes": "with a VERSION: the differences from the version before: kind, what, old, new",
    "text": "with a VERSION: the policy as it was written",
    "statement": "with a VERSION: what the relay signed, a compact JWS",
    "faults": "with --verify: what is not as it was signed: number, cause",
}
DIFF: Final = {
    "old, new": "what was compared: number of a version, or a file",
    "changes[]": "one object each:",
    "kind": "`added`, `removed`, `changed` or `moved`",
    "what": "what it is about",
    "before, after": "as sentences; empty where there was or is nothing",
    "text": "the difference of the texts, as `diff -u` writes it",
}
_MARKS: Final = {
    "added": ("+", "green"),
    "removed": ("-", "red"),
    "changed": ("~", "yellow"),
    "moved": ("^", "cyan"),
}


class _Side(NamedTuple):
    """One side of a comparison."""

    name: str
    record: Record
    text: str


@click.command("history", cls=Command, answer=HISTORY)
@click.argument("version", type=int, required=False)
@click.option(
    "--verify", is_flag=True, help="Check every version against what was signed; exit status 1 if one is not."
)
@pass_session
def history(session: Session, version: int | None, *, verify: bool) -> None:
    """List the policies that were in force, or show one VERSION with its text.

    Each version is signed with the relay's main key and names the one before, so a change of the record shows: --verify
    looks for one.
    """
    versions, faults = session.run(_history(session, verify=verify))
    if version is not None:
        chosen = [one for one in versions if one.number == version]
        if not chosen:
            from relay.domain.errors import NotFound

            raise NotFound(f"there is no version {version} of the policy")
        _show_one(session, chosen[0], versions)
    elif session.as_json:
        found: dict[str, Any] = {"versions": [_row(one) for one in versions]}
        if verify:
            found["faults"] = [{"number": one.number, "cause": one.cause} for one in faults]
        as_document(found)
    else:
        _show_all(versions, faults, verify=verify)
    answered(yes=not faults)


@click.command("diff", cls=Command, answer=DIFF)
@click.argument("old", required=False)
@click.argument("new", required=False)
@pass_session
def diff(session: Session, old: str | None, new: str | None) -> None:
    """Show what is different between two policies, in sentences and line by line.

    OLD and NEW are numbers of versions or files. With one of them it is compared with the version in force; without,
    the last change is shown.
    """
    before, after, found = session.run(_diff(session, old, new))
    lines = list(
        difflib.unified_diff(
            before.text.splitlines(), after.text.splitlines(), before.name, after.name, lineterm=""
        )
    )
    if session.as_json:
        rows = [
            {"kind": one.kind.value, "what": one.what, "before": one.old, "after": one.new} for one in found
        ]
        as_document({"old": before.name, "new": after.name, "changes": rows, "text": "\n".join(lines)})
        return
    say(f"From {before.name} to {after.name}:", bold=True)
    tell_changes(found)
    if lines:
        say()
        _show_lines(lines)


def tell_changes(found: Sequence[Change]) -> None:
    """Print differences in sentences; colours on a terminal only."""
    if not found:
        say("  Nothing: both decide alike.")
    for one in found:
        mark, colour = _MARKS[one.kind]
        _styled(f"  {mark} {one.what} {one.kind}", colour)
        if one.old:
            say(f"      {'before: ' if one.new else ''}{one.old}")
        if one.new:
            say(f"      {'now:    ' if one.old else ''}{one.new}")


def _show_lines(lines: Iterable[str]) -> None:
    for line in lines:
        colour = {"+": "green", "-": "red", "@": "cyan"}.get(line[:1])
        _styled(line, colour)


def _styled(line: str, colour: str | None) -> None:
    click.echo(click.style(clean(line), fg=colour))


async def _history(session: Session, *, verify: bool) -> tuple[list[PolicyVersion], list[Fault]]:
    async with session.desk() as desk:
        kept = desk.office.policy_history
        return await kept.all(), await kept.verify() if verify else []


def _row(version: PolicyVersion) -> dict[str, Any]:
    return {
        "number": version.number,
        "policy": version.policy,
        "at": stamp(version.at),
        "why": version.why.value,
        "who": version.who,
        "note": version.note,
        "place": version.written.place,
    }


def _show_all(versions: Sequence[PolicyVersion], faults: Sequence[Fault], *, verify: bool) -> None:
    from relay.adapters.system import SystemClock

    now = SystemClock().now()
    if not versions:
        say("No policy was in force yet: the first start makes the first version.")
        return
    rows = [(one.number, moment(one.at, now), one.why, one.who, one.policy, one.note) for one in versions]
    table(
        ("version", "in force since", "why", "who", "policy", "note"), rows, right=["version"], folds=["note"]
    )
    for fault in faults:
        _styled(f"version {fault.number}: {fault.cause}", "red")
    if verify and not faults:
        say(f"All {len(versions)} are as they were signed, and follow on each other.")


def _show_one(session: Session, version: PolicyVersion, versions: Sequence[PolicyVersion]) -> None:
    from relay.adapters.system import SystemClock
    from relay.domain.policy_changes import changes

    before = next((one for one in versions if one.number == version.number - 1), None)
    found = changes(before.record, version.record) if before else ()
    if session.as_json:
        more = {
            "changes": [one.as_json() for one in found],
            "text": version.written.text,
            "statement": version.statement,
        }
        as_document(_row(version) | more)
        return
    told = {
        "Version": version.number,
        "Policy": version.policy,
        "Since": moment(version.at, SystemClock().now()),
        "By": f"{version.who} ({version.why})",
        "Written in": version.written.place,
        "Note": version.note or "none",
    }
    pairs(told)
    if before is not None:
        say()
        say(f"Against version {before.number}:", bold=True)
        tell_changes(found)
    say()
    say(version.written.text.rstrip("\n"))
    if version.written.expanded is not None:
        say()
        say(f"Preset {version.written.preset} said then:", bold=True)
        say(version.written.expanded.rstrip("\n"))


async def _diff(
    session: Session, old: str | None, new: str | None
) -> tuple[_Side, _Side, tuple[Change, ...]]:
    from relay.domain.errors import NotFound
    from relay.domain.policy_changes import changes

    async with session.desk() as desk:
        versions = await desk.office.policy_history.all()
        if old is None and len(versions) < 2:
            raise NotFound(f"there is nothing to compare: versions of the policy so far: {len(versions)}")
        if old is None:
            before, after = (_of_version(one) for one in versions[-2:])
        elif new is None and _number(old) is None:
            before, after = await _in_force(desk, versions), await _side(desk, old, versions)
        elif new is None:
            before, after = await _side(desk, old, versions), await _in_force(desk, versions)
        else:
            before, after = await _side(desk, old, versions), await _side(desk, new, versions)
    return before, after, changes(before.record, after.record)


def _number(text: str) -> int | None:
    return int(text) if text.isdigit() and not Path(text).is_file() else None


async def _side(desk: Desk, name: str, versions: Sequence[PolicyVersion]) -> _Side:
    from relay.domain.errors import NotFound

    number = _number(name)
    if number is None:
        draft = await desk.draft_of(Path(name))
        return _Side(name, draft.record, draft.written.text)
    found = next((one for one in versions if one.number == number), None)
    if found is None:
        raise NotFound(f"there is no version {number} of the policy")
    return _of_version(found)


async def _in_force(desk: Desk, versions: Sequence[PolicyVersion]) -> _Side:
    if versions:
        return _of_version(versions[-1])
    return _Side("configuration", await desk.in_force(), desk.text)


def _of_version(version: PolicyVersion) -> _Side:
    return _Side(f"version {version.number}", version.record, version.written.text)
