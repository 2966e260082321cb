"""`assay why`: why a post was relayed or not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import click

from relay.cli import sentences
from relay.cli.command import Command, answered
from relay.cli.output import as_document, say, stamp, when
from relay.cli.session import Session, pass_session

if TYPE_CHECKING:
    from collections.abc import Mapping

    from relay.domain.policy import Policy

ANSWER: Final = {
    "query": "what was asked about",
    "as": "level of disclosure: public, subscriber or operator",
    "found[]": "one object for each activity about it, newest first; empty (status 1) when nothing is known:",
    "object": "id of the object",
    "kind": "type of the activity",
    "received_at": "when it came",
    "state": "where it stands",
    "decisions": "oldest first: reason, and by level at, verb, effective, rule, policy, facts, trace",
    "media": "from subscriber on: url, kind, attestation; for the operator also digest, outcome, matches",
    "number, activity, actor, server, position": "for the operator",
}


@click.command(cls=Command, answer=ANSWER)
@click.argument("post", metavar="URL|ID")
@click.option(
    "--as",
    "level",
    type=click.Choice(["public", "subscriber", "operator"]),
    default="operator",
    show_default=True,
    help="How much to tell: what anybody, a subscriber, or the operator may know.",
)
@pass_session
def why(session: Session, post: str, level: str) -> None:
    """Explain why a post was relayed or not.

    URL|ID is the id of the post or of the activity, or the activity's number. Exit status 1: nothing is
    known about it.
    """
    found, policy, now = session.run(_why(session, post, level))
    if session.as_json:
        as_document({"query": post, "as": level, "found": found})
    elif not found:
        say(f"Nothing is known about {post}.")
        say("It did not come here, or it is older than what the relay keeps, or its id is another one.")
    for number, told in enumerate([] if session.as_json else found):
        if number:
            say()
        _tell(told, level, policy, now)
    answered(yes=bool(found))


async def _why(session: Session, post: str, level: str) -> tuple[list[dict[str, Any]], Policy, float]:
    from relay.services.explain import Level

    async with session.office() as office:
        found = await office.explainer.why(post, Level(level))
        return [stamped(told) for told in found], office.decider.policy, office.clock.now()


def stamped(told: Mapping[str, Any]) -> dict[str, Any]:
    """Return what an explainer told with its times as programs read them."""
    decisions = [one | {"at": stamp(one["at"])} if "at" in one else dict(one) for one in told["decisions"]]
    return {**told, "received_at": stamp(told["received_at"]), "decisions": decisions}


def _tell(told: Mapping[str, Any], level: str, policy: Policy, now: float) -> None:
    say(told["object"], bold=True)
    by = f" by {told['actor']}" if level == "operator" else ""
    say(f"{told['kind']}{by}, received {when(told['received_at'], now)}, {sentences.STATES[told['state']]}.")
    for item in sentences.media(told.get("media", ())):
        say(f"Media: {item}")
    for decision in told["decisions"]:
        if level == "operator":
            tell_decision(decision, policy, now)
        else:
            rule = f', by rule "{decision["rule"]}"' if "rule" in decision else ""
            say(f"Reason code: {decision['reason']}{rule}.")


def tell_decision(decision: Mapping[str, Any], policy: Policy, now: float) -> None:
    """Print one decision at operator's level."""
    version = f" by policy {decision['policy']}" if decision["policy"] else ""
    say(f"Decided {when(decision['at'], now)}{version}:")
    for sentence in sentences.decision(decision, policy):
        say(f"  {sentence}")
