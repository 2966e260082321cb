"""What a policy would have done with the posts of the last days, shown before it is put in force."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from relay.cli.output import say, span, table

if TYPE_CHECKING:
    from relay.domain.replay_report import ReplayReport
    from relay.wiring.saving import Desk, Draft

SHOWN: Final = 5
"""Servers and examples that are shown; `assay policy replay` shows more."""


async def preview(desk: Desk, draft: Draft) -> ReplayReport:
    """Try a draft on the posts of the last days, against what was decided then."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("trying it on past posts", total=None)
        return await desk.office.replay.preview(
            draft.policy, progress=lambda done, total: progress.update(task, completed=done, total=total)
        )


def tell_preview(report: ReplayReport) -> None:
    """Say what would have come out differently."""
    days = span(report.until - report.reached)
    if not report.counted:
        say("There are no posts of the last days to try it on.")
        return
    say(
        f"Of {report.counted:,} posts of the last {days}, {report.changed:,} would have come out differently.",
        bold=True,
    )
    if not report.complete:
        say(f"Time was up: only those of the last {days} were looked at. `assay policy replay` looks at all.")
    if report.unreadable:
        say(f"{report.unreadable:,} could not be compared.")
    if not report.changed:
        return
    table(
        ("before", "now", "posts"),
        [(one.before, one.after, f"{one.count:,}") for one in report.transitions],
        right=["posts"],
    )
    servers = [
        (one.server, f"{one.changed:,}", f"{one.lost:,}", f"{one.gained:,}") for one in report.servers[:SHOWN]
    ]
    say()
    table(
        ("server", "differently", "relayed no longer", "relayed newly"),
        servers,
        right=["differently", "relayed no longer", "relayed newly"],
    )
    say()
    for one in report.examples[:SHOWN]:
        say(f'{one.object}: {one.before} by "{one.rule_before}", now {one.after} by "{one.rule_after}"')
