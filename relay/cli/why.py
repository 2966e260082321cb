"""`assay why`: why a post was relayed or not."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import click

from relay.cli import whytext
from relay.cli.command import Command, answered
from relay.cli.output import as_document, say, stamp
from relay.cli.session import Session, pass_session
from relay.cli.subscriberrows import named

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from relay.domain.fate import Passage
    from relay.domain.policy import Policy
    from relay.domain.subscription import Subscription
    from relay.services.explain import Answer
    from relay.wiring import Office

ANSWER: Final = {
    "query": "what was asked about",
    "as": "level of disclosure: public, subscriber or operator",
    "found[]": (
        "for the operator one object for each activity about it, newest first, else one about the post; "
        "empty (status 1) when nothing is known:"
    ),
    "object": "id of the object",
    "kind": "type of the activity",
    "received_at": "when it came",
    "state": "where it stands; outside the operator only waiting, relayed, not-relayed or withdrawn",
    "decisions": "oldest first: at, verb, effective, rule, reason, policy, facts, trace",
    "media": "what came of each item; for a subscriber only url, kind, attestation, issuer",
    "number, activity, actor, server": "of the activity",
    "hold": "null, or number, state, since, decided_at, decided_by and note of its hold",
    "position, published_at": "where it stands in the log and since when, or null",
    "public": "state and reason as anybody is told them now; null for what nobody is told of",
    "told_at": "when it is told that it is not relayed, or null: at once, or it was told, or never",
    "deliveries": (
        "null, or counts of subscribers by fate and shown[]: subscriber, server, fate, part, attempts, error, "
        "retry_at of those with trouble first"
    ),
    "level, reason, rule, own, you[], edits[]": "outside the operator: what `GET /why` answers, see docs/why.md",
}
TIMES: Final = ("received_at", "published_at", "told_at")
"""Times of what an explainer tells."""
_FEW: Final = 20


@dataclass(frozen=True, slots=True)
class _Found:
    """What came of a question: activities with their deliveries for the operator, else the answer."""

    policy: Policy
    now: float
    told: Sequence[dict[str, Any]] = ()
    passages: Mapping[int, list[Passage]] = field(default_factory=dict)
    answer: Answer | None = None


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
@click.option(
    "--for",
    "subscriber",
    metavar="SUBSCRIBER",
    help="What became of it for one subscriber: a name or a number.",
)
@click.option(
    "--deliveries",
    type=click.IntRange(0),
    metavar="NUMBER",
    default=_FEW,
    show_default=True,
    help="How many subscribers to show, those with trouble first; all are counted.",
)
@pass_session
def why(session: Session, post: str, level: str, subscriber: str | None, deliveries: int) -> None:
    """Explain why a post was relayed or not.

    URL|ID is the id of the post or of the activity, the address that Mastodon or GoToSocial shows for it, or
    the activity's number. Exit status 1: nothing is known about it that this level may know.
    """
    found = session.run(_why(session, post, level, subscriber))
    if session.as_json:
        as_document({"query": post, "as": level, "found": _documents(found, deliveries)})
    elif found.answer is not None:
        whytext.tell_answer(found.answer)
    elif not found.told:
        say(f"Nothing is known about {post}.")
        say("It did not come here, or it is older than what the relay keeps, or its id is another one.")
    for place, told in enumerate([] if session.as_json else found.told):
        if place:
            say()
        whytext.tell(told, found.policy, found.now)
        if told["number"] in found.passages:
            whytext.tell_passages(found.passages[told["number"]], deliveries, found.now)
    answered(yes=bool(found.told or found.answer))


async def _why(session: Session, post: str, level: str, name: str | None) -> _Found:
    from relay.domain.disclosure import Level

    async with session.office() as office:
        only = None if name is None else await office.subscribers.find(await named(office, name))
        found = _Found(office.decider.policy, office.clock.now())
        if level != Level.OPERATOR:
            return await _outside(office, post, Level(level), only, found)
        told = [stamped(one) for one in await office.explainer.why(post)]
        passages = {
            one["number"]: [
                passage
                for passage in await office.explainer.passages(one["number"])
                if only is None or passage.subscription.id == only.id
            ]
            for one in told
            if one["position"] is not None
        }
        return _Found(found.policy, found.now, told, passages)


async def _outside(office: Office, post: str, level: Any, only: Subscription | None, found: _Found) -> _Found:
    from relay.services.explain import Asker

    asker = Asker(level) if only is None else Asker.speaking(only.server, [only])
    return _Found(found.policy, found.now, answer=await office.explainer.answer(post, asker))


def _documents(found: _Found, most: int) -> list[dict[str, Any]]:
    if found.answer is not None:
        return [found.answer.as_json()]
    return [
        told | {"deliveries": _deliveries(found.passages.get(told["number"]), most)} for told in found.told
    ]


def _deliveries(passages: Sequence[Passage] | None, most: int) -> dict[str, Any] | None:
    if passages is None:
        return None
    counts = Counter(one.fate.value for one in passages)
    shown = [
        one.as_json() | {"server": one.subscription.server, "retry_at": stamp(one.retry_at)}
        for one in whytext.by_trouble(passages)[:most]
    ]
    return {"counts": dict(counts), "shown": shown}


def stamped(told: Mapping[str, Any]) -> dict[str, Any]:
    """Return what an explainer told with its times as programs read them."""
    hold = told["hold"]
    if hold is not None:
        hold = {
            "number": hold["id"],
            "state": hold["state"],
            "since": stamp(hold["created_at"]),
            "decided_at": stamp(hold["decided_at"]),
            "decided_by": hold["decided_by"],
            "note": hold["note"],
        }
    times = {name: stamp(told[name]) for name in TIMES}
    decisions = [one | {"at": stamp(one["at"])} for one in told["decisions"]]
    return {**told, **times, "decisions": decisions, "hold": hold}
