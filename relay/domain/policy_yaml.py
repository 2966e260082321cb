"""A recorded policy written out in the policy language, presets and all, for the public.

Without comments, without what lists hold, and without how alike pictures must be to match.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from relay.domain.english import comparison
from relay.domain.facts import Fact
from relay.domain.policy import OneOf
from relay.domain.policy_record import read_record, sizes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from relay.domain.policy import Condition, Rule
    from relay.domain.policy_record import Record

SECRET: Final = "not published"  # noqa: S105


def written_out(record: Record) -> str:
    """The policy as text of the policy language; reads back as the same policy where nothing was left out."""
    policy = read_record(record)
    lines = [
        f"version: {policy.version}",
        f"mode: {policy.mode}",
        f"on_scanner_error: {policy.on_scanner_error}",
        f"observe_known_matches: {json.dumps(policy.observe_known_matches)}",
        "profiles:",
        *(f"  {name}: {_flow(sorted(verbs))}" for name, verbs in policy.profiles),
        *_lists(record),
        *_phase("always", policy.always),
        *_phase("rules", policy.rules),
        f"otherwise: {policy.otherwise}",
    ]
    return "\n".join(lines) + "\n"


def _lists(record: Record) -> Iterator[str]:
    held = sizes(record)
    if held:
        yield "lists:"
    for name, count in held.items():
        told = "kept by somebody else" if count is None else f"{count} members"
        yield f"  {name}: []  # {told}, {SECRET}"


def _phase(name: str, rules: tuple[Rule, ...]) -> Iterator[str]:
    if rules:
        yield f"{name}:"
    for rule in rules:
        yield f"  - name: {_text(rule.name)}"
        if rule.when:
            yield f"    when: {{{', '.join(map(_condition, rule.when))}}}"
        yield f"    then: {rule.then}"
        if rule.reason is not None:
            yield f"    reason: {rule.reason}"
        if rule.until is not None:
            yield f"    until: {datetime.fromtimestamp(rule.until - 1, UTC).date()}"
        if rule.tell:
            yield f"    tell: {_flow(rule.tell)}"


def _condition(condition: Condition) -> str:
    if isinstance(condition, OneOf):
        words = [*sorted(condition.values), *(f"list:{name}" for name in condition.lists)]
        return f"{condition.fact}: {_flow(words)}"
    if condition.fact is Fact.MATCH_DISTANCE:
        return f"{condition.fact}: {SECRET}"
    # Numbers are told with commas to people only.
    said = comparison(condition).replace(",", "")
    return f"{condition.fact}: {said}{f' per {condition.per}' if condition.per else ''}"


def _flow(words: list[str] | tuple[str, ...]) -> str:
    return f"[{', '.join(map(_text, words))}]"


def _text(word: str) -> str:
    return json.dumps(str(word), ensure_ascii=False)
