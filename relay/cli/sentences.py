"""What the relay decided and found, in sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from relay.cli.output import size, span
from relay.domain import vocabulary
from relay.domain.rates import WINDOWS
from relay.domain.waves.brake import PHASE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from relay.domain.policy import Policy

VERBS: Final = {info.verb.value: info.phrase for info in vocabulary.VERBS}
STATES: Final = {
    "screening": "waits for its media to be checked",
    "deferred": "waits to be decided again",
    "held": "is held for a person",
    "published": "was relayed",
    "dropped": "was not relayed",
    "withdrawn": "was deleted by its own server",
}
OUTCOMES: Final = {
    "no-known-match": "checked, no known match",
    "match": "matches a known entry",
    "vendor-test-match": "matches a test entry, which harms nobody",
    "unscannable": "could not be checked",
    "unavailable": "could not be checked for now",
    "not-attempted": "not checked by us",
}
ATTESTATIONS: Final = vocabulary.BY_NAME["attestation"].words
_AGES: Final = frozenset(info.fact.value for info in vocabulary.FACTS if info.kind is vocabulary.FactKind.AGE)
_PHASES: Final = {
    "on_scanner_error": "A scanner did not answer and nothing matched, so `on_scanner_error` decided.",
    "otherwise": "No rule fitted, so `otherwise` decided.",
}


def decision(found: Mapping[str, Any], policy: Policy) -> list[str]:
    """Tell a decision at operator's level, the rules in the order in which they were tried.

    `policy` is the one in force now; it gives the conditions of the rule that fitted if it is the same one.
    """
    lines = [_tried(step, found, policy) for step in found["trace"]]
    if not lines:
        lines = [f'Decided by "{found["rule"]}", not by the policy.']
    lines.append(f"So the decision was to {VERBS[found['verb']]}; reason code {found['reason']}.")
    if found["verb"] != found["effective"]:
        braked = found["trace"] and found["trace"][-1]["phase"] == PHASE
        who = (
            "The brake, or the policy, only observes"
            if braked
            else "The policy only observes (`mode: observe`)"
        )
        lines.append(f"{who}, so what was done was to {VERBS[found['effective']]}.")
    return lines


def _tried(step: Mapping[str, Any], found: Mapping[str, Any], policy: Policy) -> str:
    phase, name, unmet = step["phase"], step["rule"], step["unmet"]
    if phase == "floor":
        return f'The safety floor that no policy can lower decided: "{name}".'
    if phase == PHASE:
        return f'After the policy a brake decided: "{name}".'
    if phase in _PHASES:
        return _PHASES[phase]
    rule = f'Rule "{name}"' + (" of `always`" if phase == "always" else "")
    if unmet == "until":
        return f"{rule} did not fit because it has ended."
    if unmet is not None:
        return f"{rule} did not fit because {_fact(unmet, found['facts'])}."
    if found["policy"] != policy.id:
        return f"{rule} fitted (of policy {found['policy']}; today's is {policy.id})."
    rules = policy.always if phase == "always" else policy.rules
    conditions = next((rule.when for rule in rules if rule.name == name), ())
    because = " and ".join(_fact(condition.fact.value, found["facts"]) for condition in conditions)
    return f"{rule} fitted because {because}." if because else f"{rule} fitted because it has no conditions."


def facts(found: Mapping[str, Any]) -> str:
    """Tell the facts that a decision rests on, without those that there are none of."""
    empty: tuple[object, ...] = (None, [], 0, ["none"], dict.fromkeys(WINDOWS, 0))
    return "; ".join(_fact(name, found) for name, value in found.items() if value not in empty)


def _fact(name: str, facts: Mapping[str, Any]) -> str:
    value = facts.get(name)
    if name in _AGES and isinstance(value, int):
        return f"{name} is {span(value)}"
    if name == "media size" and isinstance(value, int):
        return f"{name} is {size(value)}"
    if isinstance(value, dict):
        counts = [f"{value[window]} in the last {window}" for window in WINDOWS if window in value]
        return f"{name} is {', '.join(counts)}"
    if isinstance(value, list):
        return f"{name} is {', '.join(value) or 'none'}"
    return f"{name} is {'none' if value is None else value}"


def media(items: Sequence[Mapping[str, Any]]) -> list[str]:
    """Tell what came of each media item, as much of it as the level of disclosure gave."""
    return [_medium(item) for item in items]


def _medium(item: Mapping[str, Any]) -> str:
    parts = [f"{item['kind']} {item['url'] or '(more than can be looked at)'}"]
    measures = [str(item["type"])] if item.get("type") else []
    if item.get("width") and item.get("height"):
        measures.append(f"{item['width']}x{item['height']}")
    if item.get("size"):
        measures.append(size(item["size"]))
    if measures:
        parts.append("  " + ", ".join(measures))
    if "outcome" in item:
        why = f" ({item['reason']})" if item.get("reason") else ""
        parts.append(f"  {OUTCOMES[item['outcome']]}{why}")
    if "attestation" in item:
        by = f" by {item['issuer']}" if item.get("issuer") else ""
        parts.append(f"  carries {ATTESTATIONS[item['attestation']]}{by}")
    parts += [f"  {match(one)}" for one in item.get("matches", ())]
    if item.get("digest"):
        parts.append(f"  sha256:{item['digest']}")
    return "\n".join(parts)


def match(found: Mapping[str, Any]) -> str:
    """Tell one match; for the operator only."""
    near = f" at {found['distance']} bits" if found["algorithm"] in {"pdq", "phash"} else ""
    if found.get("of", 1) > 1:
        near += f", {found['frames']} of {found['of']} frames"
    return (
        f'{found["kind"]} match: list "{found["scanner"]}", category {found["category"]}, '
        f"{found['algorithm']}{near}"
    )
