"""`assay policy apply` and `undo`: another policy, shown with what it changes before it is in force."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import click

from relay.cli.command import Command, answered
from relay.cli.output import as_document, say
from relay.cli.output import note as warn
from relay.cli.policy_versions import tell_changes
from relay.cli.progress import progress
from relay.cli.reload import tell
from relay.cli.replay import stamped
from relay.cli.session import Session, operator, pass_session

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from relay.domain.policy_changes import Change
    from relay.domain.policy_version import Why
    from relay.domain.replay_report import ReplayReport
    from relay.wiring.saving import Desk, Draft, Saved

SAVED: Final = {
    "changes": "the differences from the policy in force: kind, what, old, new",
    "preview": "what it would have done with the activities of the last days, as `assay policy replay` answers",
    "saved": "whether it was written; false with --dry-run, and when nothing was to be written",
    "path": "the file that it is written in, or null",
    "backup": "that file as it was before, or null",
    "running": "whether a relay runs and took it up; otherwise the next start does",
    "version": "number of the version of the policy in force, or null",
}

_NOTE = click.option("--note", default="", help="Why, for the history; the public reads it too.")
_YES = click.option("--yes", is_flag=True, help="Do not ask.")
_DRY = click.option("--dry-run", is_flag=True, help="Show what would change, and change nothing.")


class _Order(NamedTuple):
    """What was asked for."""

    why: Why
    yes: bool
    dry: bool


@click.command("apply", cls=Command, answer=SAVED)
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@_NOTE
@_YES
@_DRY
@pass_session
def apply(session: Session, file: Path, note: str, *, yes: bool, dry_run: bool) -> None:
    """Put the policy in FILE in force.

    Shows what is wrong with it (exit status 78), else what it changes and what it would have done with the posts of the
    last days, and asks. Then it is written where the policy lives, in its file or the `policy:` of the configuration,
    whose other lines stay as they are, and the running relay takes it up. Lists in files are looked for from there.
    """
    from relay.domain.policy_version import Why

    async def draft(desk: Desk) -> tuple[Draft, str]:
        return await desk.draft_of(file), note

    _change(session, draft, _Order(Why.APPLY, yes, dry_run))


@click.command("undo", cls=Command, answer=SAVED)
@click.argument("version", type=int, required=False)
@_NOTE
@_YES
@_DRY
@pass_session
def undo(session: Session, version: int | None, note: str, *, yes: bool, dry_run: bool) -> None:
    """Put an older VERSION of the policy in force again, by default the last but one.

    The same as `assay policy apply` with the text of that version. It makes a new version: nothing is ever removed from
    the history, and an undo can be undone.
    """
    from relay.domain.policy_version import Why

    async def draft(desk: Desk) -> tuple[Draft, str]:
        return await _of_version(desk, version, note)

    _change(session, draft, _Order(Why.UNDO, yes, dry_run))


async def _of_version(desk: Desk, version: int | None, note: str) -> tuple[Draft, str]:
    from relay.domain.errors import NotFound

    history = desk.office.policy_history
    if version is None:
        last = await history.last()
        version = 0 if last is None else last.number - 1
        if version < 1:
            raise NotFound("there is no older version of the policy")
    found = await history.get(version)
    draft = await desk.draft(found.written.text, shown=f"version {version}")
    if draft.record != found.record:
        warn("It does not come back as it was: a preset or a list that it names is another one now.")
    return draft, f"Version {version} again.{f' {note}' if note else ''}"


def _change(
    session: Session, draft_in: Callable[[Desk], Awaitable[tuple[Draft, str]]], order: _Order
) -> None:
    if session.as_json and not (order.yes or order.dry):
        raise click.UsageError("with --json it cannot ask: add --yes or --dry-run")
    found, saved = session.run(_changed(session, draft_in, order))
    if session.as_json:
        as_document(found | _outcome(saved))
    elif saved is not None:
        _tell(saved)
    elif not order.dry:
        say("Nothing was changed.")
    answered(yes=saved is not None or order.dry)


async def _changed(
    session: Session, draft_in: Callable[[Desk], Awaitable[tuple[Draft, str]]], order: _Order
) -> tuple[dict[str, Any], Saved | None]:
    async with session.desk() as desk:
        draft, about = await draft_in(desk)
        report = None
        if draft.changes:
            with progress("replaying") as told:
                report = await desk.preview(draft, told)
        if not session.as_json:
            _show(draft, report)
        if order.dry or not (order.yes or click.confirm("Put it in force?", err=True)):
            return _document(draft.changes, report), None
        saved = await desk.save(draft, who=operator(), why=order.why, note=about)
        return _document(draft.changes, report), saved


def _show(draft: Draft, report: ReplayReport | None) -> None:
    from relay.adapters.system import SystemClock
    from relay.cli.replaytables import show_replay
    from relay.config.diagnostics import render

    if draft.warnings:
        warn(render(draft.warnings).rstrip())
    say("What changes:", bold=True)
    tell_changes(draft.changes)
    say()
    if report is not None:
        say("What it would have done with what came lately:", bold=True)
        show_replay(report, SystemClock().now())
        say()


def _tell(saved: Saved) -> None:
    if saved.backup is None:
        say(f"{saved.path} says so already.")
    else:
        say(f"Written to {saved.path}; as it was before: {saved.backup}")
    if saved.answer is None:
        say("No relay runs here: it is in force from the next start.")
    else:
        tell(saved.answer)


def _document(changes: Sequence[Change], report: ReplayReport | None) -> dict[str, Any]:
    return {
        "changes": [one.as_json() for one in changes],
        "preview": None if report is None else stamped(report.as_json()),
    }


def _outcome(saved: Saved | None) -> dict[str, Any]:
    answer = None if saved is None else saved.answer
    return {
        "saved": saved is not None,
        "path": None if saved is None else saved.path,
        "backup": None if saved is None else saved.backup,
        "running": answer is not None,
        "version": None if answer is None else answer.version,
    }
