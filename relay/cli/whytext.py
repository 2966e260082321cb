"""What `assay why` prints for people."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from relay.cli import sentences
from relay.cli.output import moment, say, table, when
from relay.domain.disclosure import LATE, STATES, Outside
from relay.domain.fate import PARTS, SENTENCES, Fate

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from relay.domain.fate import Passage
    from relay.domain.policy import Policy
    from relay.services.explain import Answer, Telling

_TROUBLE: Final = (
    Fate.RETRYING,
    Fate.MISSED,
    Fate.COMING,
    Fate.UNSERVED,
    Fate.UNWANTED,
    Fate.CANNOT,
    Fate.TAKEN_BACK,
    Fate.BEFORE,
    Fate.OWN,
    Fate.SETTLED,
)
"""Fates, those that an operator looks for first."""


def tell(told: Mapping[str, Any], policy: Policy, now: float) -> None:
    """Print one activity for the operator."""
    say(told["object"], bold=True)
    state = sentences.STATES[told["state"]]
    say(f"{told['kind']} by {told['actor']}, received {when(told['received_at'], now)}, {state}.")
    for item in sentences.media(told["media"]):
        say(f"Media: {item}")
    for decision in told["decisions"]:
        tell_decision(decision, policy, now, facts=True)
    _tell_hold(told["hold"], now)
    _tell_public(told, now)
    if told["position"] is not None:
        say(f"Published {when(told['published_at'], now)} as number {told['position']} of the log.")


def tell_decision(decision: Mapping[str, Any], policy: Policy, now: float, *, facts: bool = False) -> None:
    """Print one decision at operator's level."""
    version = f" by policy {decision['policy']}" if decision["policy"] else ""
    say(f"Decided {when(decision['at'], now)}{version}:")
    for sentence in sentences.decision(decision, policy):
        say(f"  {sentence}")
    if facts and decision["facts"]:
        say(f"  The facts: {sentences.facts(decision['facts'])}.")


def _tell_hold(hold: Mapping[str, Any] | None, now: float) -> None:
    if hold is None:
        return
    if hold["decided_at"] is None:
        say(f"Held since {when(hold['since'], now)}: assay holds show {hold['number']}")
        return
    noted = f": {hold['note']}" if hold["note"] else ""
    by = {"origin": "its own server"}.get(hold["decided_by"], hold["decided_by"])
    say(f"Was held; {hold['state']} {when(hold['decided_at'], now)} by {by}{noted}.")


def _tell_public(told: Mapping[str, Any], now: float) -> None:
    public = told["public"]
    if public is None:
        say("Outside nothing is told of it.")
        return
    late = f"; that it is not relayed is told from {when(told['told_at'], now)} on" if told["told_at"] else ""
    say(f"Outside it is told as {public['state']}, reason code {public['reason']}{late}.")


def tell_passages(passages: Sequence[Passage], most: int, now: float) -> None:
    """Print what became of an activity for subscribers: how many by fate, and `most` of them one by one."""
    if not passages:
        say("There are no subscribers.")
        return
    say("Deliveries, by how far each subscriber has come (single ones are not recorded):")
    counts = Counter(one.fate for one in passages)
    for fate in sorted(counts, key=_TROUBLE.index):
        say(f"  {counts[fate]} {SENTENCES[fate]}")
    shown = by_trouble(passages)[:most]
    if shown:
        say()
        table(
            ("number", "server", "what", "more"),
            [
                (one.subscription.id, one.subscription.server, one.fate.value, _more(one, now))
                for one in shown
            ],
            right=("number",),
            folds=("server", "more"),
        )
    left = len(passages) - len(shown)
    if left and shown:
        say(f"And {left} more: --deliveries {len(passages)}")


def by_trouble(passages: Sequence[Passage]) -> list[Passage]:
    """Return what became of an activity for subscribers, that with trouble first."""
    return sorted(passages, key=lambda one: (_TROUBLE.index(one.fate), one.error is None))


def tell_answer(answer: Answer) -> None:
    """Print what is told outside, as it is told there now."""
    say(answer.object_id, bold=True)
    _tell_outside(answer.post)
    for edit in answer.edits:
        say("An edit of it:")
        _tell_outside(edit)


def _tell_outside(told: Telling) -> None:
    said = told.disclosure
    rule = f', by rule "{said.rule}"' if said.rule else ""
    say(f"{STATES[said.state]} Reason code: {said.reason}{rule}.")
    if said.state in {Outside.WAITING, Outside.NOT_RELAYED}:
        say(LATE)
    for item in sentences.media([one.as_json() for one in told.media]):
        say(f"Media: {item}")
    for one in told.passages:
        more = PARTS[one.part] if one.part else one.error
        say(f"For {one.subscription.server}: {SENTENCES[one.fate]}" + (f" ({more})." if more else "."))


def _more(found: Passage, now: float) -> str:
    if found.part is not None:
        return PARTS[found.part]
    if found.error is None or found.retry_at is None:
        return ""
    return f"{found.attempts} failed: {found.error}; next attempt {moment(found.retry_at, now)}"
