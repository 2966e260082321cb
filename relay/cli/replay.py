"""`assay policy replay` and `assay policy observed`: what another policy, or `enforce`, does with what came."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import click

from relay.cli import replaytables
from relay.cli.command import Command
from relay.cli.output import as_document, note, stamp
from relay.cli.policyfiles import FILE, PATH, read
from relay.cli.progress import progress
from relay.cli.session import Session, pass_session
from relay.cli.times import read_moment

if TYPE_CHECKING:
    from pathlib import Path

    from relay.domain.policy import Policy
    from relay.domain.replay_report import ObserveReport, ReplayReport
    from relay.wiring import Office

_FRAME: Final = {
    "since, until": "what came in between was looked at",
    "reached, complete": "how far back it came, and whether that is all",
    "facts_since": "when the oldest activity came of which there are facts, or null",
    "unreadable": "activities whose facts cannot be read; they are not counted",
    "counted": "activities that were compared",
    "same, moved, changed": "of them: alike; the same action by another rule or for another reason; another action",
    "verbs_before, verbs_after": "activities by action, on each side",
    "transitions[]": "`before`, `after`, `count`: pairs of actions",
    "rules[]": "`rule_before`, `before`, `rule_after`, `after`, `count`: pairs of rules with their actions",
    "other_rules": "activities of pairs of rules that are not listed",
    "servers[]": "`server` of the author, `changed`, `lost` (relayed no longer), `gained` (newly relayed)",
    "other_servers": "`count` of those not listed, and their sums",
    "actors": "accounts that wrote what is changed",
    "at_least": "whether there are more accounts or servers than are told apart",
    "subscribers[]": "`server`, `actor`, `lost`, `gained`: posts that each gets fewer and more",
    "other_subscribers": "`count` of those not listed, and their sums",
    "examples[]": "`object`, `kind`, `server`, `received_at`; `before`, `rule_before`, `reason_before`, and `after`",
}
REPLAYED: Final = {
    "old, new": "`policy` and `mode` of each side; null for what was decided then",
    **_FRAME,
    "in_effect": "the same from `counted` on, by what is really done: `observe` relays what `enforce` would not",
}
OBSERVED: Final = {
    "observing_since": "when the first activity came that was relayed because the policy observed, or null",
    "acted_on": "activities of the same time that are not counted: the decision was carried out",
    **_FRAME,
}
_TIMES: Final = ("since", "until", "reached", "facts_since", "observing_since", "received_at")

_SINCE: Final = click.option(
    "--since",
    metavar="TIME",
    callback=read_moment,
    default="7d",
    show_default=True,
    help="What came from then on: 7d, 36h, 2026-11-20.",
)
_UNTIL: Final = click.option(
    "--until", metavar="TIME", callback=read_moment, help="What came up to then; by default, to now."
)
_SERVER: Final = click.option(
    "--server",
    metavar="NAME",
    callback=lambda _ctx, _param, text: _server(text),
    help='Only what this server sent or wrote, or what is there; "*.example" for all under it.',
)
_EXAMPLES: Final = click.option(
    "--examples",
    type=click.IntRange(min=0, max=1000),
    default=3,
    show_default=True,
    help="Posts to show for each pair of actions.",
)
_LISTED: Final = click.option(
    "--most",
    "listed",
    type=click.IntRange(min=0),
    default=20,
    show_default=True,
    help="Servers and subscribers to list; the rest is summed.",
)


@click.command("replay", cls=Command, answer=REPLAYED)
@FILE
@click.option("--against", metavar="FILE", type=PATH, help="The same as FILE.")
@click.option(
    "--old",
    metavar="FILE",
    type=PATH,
    help="Compare with the policy in this file instead of what was decided then.",
)
@click.option(
    "--current",
    is_flag=True,
    help="Compare with the policy of the configuration instead of what was decided.",
)
@_SINCE
@_UNTIL
@_SERVER
@_EXAMPLES
@_LISTED
@pass_session
def replay(
    session: Session,
    /,
    file: Path | None,
    against: Path | None,
    old: Path | None,
    current: bool,  # noqa: FBT001 - click gives flags by name
    **scope: Any,
) -> None:
    """Try a policy on what came: what would be done differently, to whose posts, and for whom.

    FILE is a policy in a file of its own; without it the policy of the configuration is tried. It reads stored facts
    only, no media and no text, and changes nothing.
    """
    if file is not None and against is not None:
        raise click.UsageError("Name the policy once: as FILE, or with --against.")
    if old is not None and current:
        raise click.UsageError("Compare with one policy: --old FILE, or --current.")
    report, now = session.run(_replay(session, file or against, old, scope, current=current))
    if session.as_json:
        as_document(stamped(report.as_json()))
    else:
        replaytables.show_replay(report, now)


@click.command("observed", cls=Command, answer=OBSERVED)
@_SINCE
@_UNTIL
@_SERVER
@_EXAMPLES
@_LISTED
@pass_session
def observed(session: Session, /, **scope: Any) -> None:
    """Tell what `enforce` would have held while the policy only observed.

    By rule, by server and by subscriber; it reads stored facts only.
    """
    report, now = session.run(_observed(session, scope))
    if session.as_json:
        as_document(stamped(report.as_json()))
    else:
        replaytables.show_observed(report, now)


async def _replay(
    session: Session, file: Path | None, old: Path | None, scope: dict[str, Any], *, current: bool
) -> tuple[ReplayReport, float]:
    async with session.office() as office:
        new = await _policy(session, office, file)
        before = (
            office.decider.policy if current else None if old is None else await _policy(session, office, old)
        )
        with progress("replaying") as told:
            report = await office.replay.run(new, old=before, progress=told, **scope)
        return report, office.clock.now()


async def _observed(session: Session, scope: dict[str, Any]) -> tuple[ObserveReport, float]:
    async with session.office() as office:
        with progress("replaying") as told:
            report = await office.replay.observed(progress=told, **scope)
        return report, office.clock.now()


async def _policy(session: Session, office: Office, file: Path | None) -> Policy:
    """Return the policy of a file, or that of the configuration, with what its lists hold now."""
    from relay.domain.blocklist import POLICY_PREFIX
    from relay.services.policy_lists import filled

    if file is None:
        return office.decider.policy
    reading, draft = read(session, file, whole=True)
    policy = await filled(office.store, draft, reading.sources)
    held = dict(policy.lists)
    for name in (one.name.removeprefix(POLICY_PREFIX) for one in reading.sources):
        if not held.get(name):
            note(f'Nothing is known yet of what the list "{name}" holds: it counts as empty.')
    return policy


def _server(text: str | None) -> str | None:
    from relay.domain.errors import Malformed
    from relay.domain.hosts import parse_pattern

    try:
        return None if text is None else parse_pattern(text)
    except Malformed as error:
        raise click.BadParameter(str(error)) from error


def stamped(document: Any) -> Any:
    """Return the document with its times as RFC 3339."""
    if isinstance(document, list):
        return [stamped(one) for one in document]
    if not isinstance(document, dict):
        return document
    return {name: stamp(value) if name in _TIMES else stamped(value) for name, value in document.items()}
