"""`assay reload`: let the running relay read its configuration again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import click

from relay.cli.command import Command
from relay.cli.output import as_document, note, say
from relay.cli.problems import Problem, Status
from relay.cli.session import Session, operator, pass_session

if TYPE_CHECKING:
    from relay.domain.reload import ReloadAnswer

ANSWER: Final = {
    "outcome": "`applied`, or `unchanged` when nothing changes at once",
    "changed": "keys that have another value now, such as `federation.rate`; `policy` for all of it",
    "restart": "keys whose new value waits for a restart",
    "version": "number of the version of the policy in force",
    "new_version": "whether that is a new one",
}


@click.command(cls=Command, answer=ANSWER)
@pass_session
def reload(session: Session) -> None:
    """Let the running relay read its configuration again, and say what changed.

    What can change at once does; keys that need a restart are named. When anything is wrong everything stays as it
    was: all errors are shown, exit status 78. SIGHUP does the same, with the answer in the log.
    """
    answer = session.run(_reload(session))
    if answer is None:
        message = "no relay runs here; it reads its configuration when it starts"
        raise Problem(message, code="not-running", status=Status.UNAVAILABLE)
    if session.as_json:
        found = answer.as_json()
        as_document({key: found[key] for key in ANSWER})
    else:
        tell(answer)


def tell(answer: ReloadAnswer) -> None:
    """Say what a reload changed."""
    if answer.changed:
        say(f"The relay took it up. Changed: {', '.join(answer.changed)}.")
    else:
        say("Nothing changed: the relay works by this configuration already.")
    if answer.new_version:
        say(f"Version {answer.version} of the policy is in force.")
    if answer.restart:
        note(f"These keys wait for a restart: {', '.join(answer.restart)}")


async def _reload(session: Session) -> ReloadAnswer | None:
    from relay.domain.policy_version import Why
    from relay.wiring.saving import accepted, hear

    async with session.desk() as desk:
        if not await desk.office.store.is_served():
            return None
        number = await desk.office.reloads.ask(who=operator(), why=Why.RELOAD)
        answer = await hear(desk.office, number)
        if answer is None:  # it stopped meanwhile
            await desk.office.reloads.withdraw(number)
        return accepted(answer)
