"""What `assay waves` and `assay incident` do to a brake: show it, end it, and move the posts that it stopped."""

from __future__ import annotations

from typing import TYPE_CHECKING

from relay.cli import brakes
from relay.cli.output import as_document, counted, moment, say
from relay.cli.progress import progress
from relay.cli.session import Session, operator

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from relay.domain.waves.waiting import Waiting
    from relay.services.waves import Report, Waves

    Move = Callable[..., Awaitable[int]]


def show_one(session: Session, number: int, command: str) -> None:
    """Show all about a brake."""
    report, waiting, now = session.run(_one(session, number))
    if session.as_json:
        as_document(brakes.details(report, waiting))
    else:
        brakes.show_details(report, waiting, command, now)


def release_all(session: Session, number: int, note: str, *, yes: bool) -> None:
    """Release what a brake stopped."""
    report, _, _ = session.run(_one(session, number))
    posts = counted(report.stopped.waiting, "post")
    brakes.ask(session, f"Let {posts} go through the policy again?", yes=yes)
    moved = _move(session, number, note, "releasing", lambda waves: waves.release)
    if not session.as_json:
        name = report.brake.name.capitalize()
        say(f"{name} is over; {moved} go through the policy again, not all at once.")


def purge_all(session: Session, number: int, note: str, command: str, *, yes: bool) -> None:
    """Purge what a brake stopped."""
    report, _, _ = session.run(_one(session, number))
    brakes.ask(session, f"Drop {counted(report.stopped.waiting, 'post')}?", yes=yes)
    moved = _move(session, number, note, "purging", lambda waves: waves.purge)
    if session.as_json:
        return
    back = f"assay {command} restore {number}"
    say(f"{moved} of {report.brake.name} will not be relayed. To take it back: {back}")
    if report.on:
        say(f"It goes on: what comes after is held for you. To end it: assay {command} end {number}")


def restore_all(session: Session, number: int, note: str) -> None:
    """Take back what was purged of a brake."""
    moved = _move(session, number, note, "restoring", lambda waves: waves.restore)
    if not session.as_json:
        say(f"{moved} go through the policy again, not all at once.")


def end_one(session: Session, number: int, note: str) -> None:
    """End a brake."""

    async def ended() -> Report:
        async with session.office() as office:
            return await office.waves.end(number, who=operator(), note=note)

    report = session.run(ended())
    if session.as_json:
        as_document(brakes.document(report))
        return
    say(f"{report.brake.name.capitalize()} is over; what it deferred goes through the policy again.")
    if report.stopped.held:
        say(f"{counted(report.stopped.held, 'post')} held for you: assay holds list --wave {number}")


def extend_one(session: Session, number: int, seconds: float) -> None:
    """Set anew how long a brake lasts."""

    async def extended() -> tuple[Report, float]:
        async with session.office() as office:
            return await office.waves.extend(number, seconds, who=operator()), office.clock.now()

    report, now = session.run(extended())
    if session.as_json:
        as_document(brakes.document(report))
    else:
        say(f"{report.brake.name.capitalize()} lasts until {moment(report.brake.until, now)}.")


def _move(session: Session, number: int, note: str, doing: str, of: Callable[[Waves], Move]) -> str:
    """Move what a brake stopped, with a bar on a terminal; answer programs, and return the number of posts in words."""

    async def moved() -> int:
        async with session.office() as office:
            with progress(doing) as told:
                return await of(office.waves)(number, who=operator(), note=note, progress=told)

    count = session.run(moved())
    if session.as_json:
        as_document({"number": number, "moved": count})
    return counted(count, "post")


async def _one(session: Session, number: int) -> tuple[Report, Sequence[Waiting], float]:
    async with session.office() as office:
        return await office.waves.show(number), await office.waves.waiting(number), office.clock.now()
