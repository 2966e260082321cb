"""Reads a policy document into a `relay.domain.policy.Policy`, with every mistake at once.

Codes, stable: P101 duplicate key, P102 unknown key, P103 missing key, P104 wrong structure, P105 unknown
action, P106 media restricted without reason, P107 bad reason code, P108 nobody is told yet, P109 two rules of
one name, P201 unknown condition, P202 unknown value, P203 unknown list, P204 web address, P205 no server
name, P206 no unit or comparison, P207 list file, P208 list column, P209 nothing named, P210 no date, P301
ended, P302 never applies, P303 example fails, P401 known match relayed, P402 relayed unchecked, P403 known
matches relayed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from relay.config.actions import read_action
from relay.config.checks import check_policy, check_rules
from relay.config.conditions import ConditionReader
from relay.config.diagnostics import guess
from relay.config.document import Mapping, Scalar, Sequence
from relay.config.examples import run_examples
from relay.config.lists import ListReader
from relay.config.rules import CODE, RuleReader, check_keys
from relay.domain.policy import BACK_OFF, DEFAULT_PROFILES, QUARANTINE, RELAYING, Mode, Policy, Verb

if TYPE_CHECKING:
    from pathlib import Path

    from relay.config.diagnostics import Findings
    from relay.config.document import Node
    from relay.domain.policy import Action

POLICY_KEYS: Final = (
    "version",
    "mode",
    "on_scanner_error",
    "observe_known_matches",
    "lists",
    "profiles",
    "always",
    "rules",
    "otherwise",
    "examples",
)
SCANNER_ERROR_VERBS: Final = (Verb.DEFER, Verb.QUARANTINE, Verb.RELAY)


def read_policy(node: Node, *, directory: Path, now: float, findings: Findings) -> Policy | None:
    """The policy in `node`, or None when there is an error in it.

    Relative list files start at `directory`; `now` (seconds since the epoch) tells which rules have ended.
    Everything that is wrong is added to `findings`, warnings too.
    """
    if not isinstance(node, Mapping):
        findings.error("P104", "policy", node.span, "a policy is made of keys and their values")
        return None
    before = findings.errors
    check_keys(node, POLICY_KEYS, "policy", findings)
    lists = ListReader(directory, findings).read(node.get("lists"))
    conditions = ConditionReader(lists, findings)
    reader = RuleReader(conditions, findings)
    always, rules = reader.read(node.get("always"), "always"), reader.read(node.get("rules"), "rules")
    check_rules(always, rules, now=now, findings=findings)
    policy = Policy(
        version=_version(node.get("version"), findings),
        mode=_mode(node.get("mode"), findings),
        always=tuple(placed.rule for placed in always),
        rules=tuple(placed.rule for placed in rules),
        otherwise=_otherwise(node.get("otherwise"), findings),
        on_scanner_error=_on_scanner_error(node.get("on_scanner_error"), findings),
        observe_known_matches=_flag(node.get("observe_known_matches"), findings),
        profiles=_profiles(node.get("profiles"), findings),
    )
    check_policy(policy, node, findings)
    # Against a policy that is not what was meant, examples would fail for reasons that are already listed.
    sound = policy if findings.errors == before else None
    run_examples(node.get("examples"), sound, conditions, now=now, findings=findings)
    return policy if findings.errors == before else None


def _version(node: Node | None, findings: Findings) -> int:
    value = node.value if isinstance(node, Scalar) else None
    if node is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
        cause = "version must be a whole number from 1 on"
        findings.error("P104", "policy.version", node.span, cause, fix="Write version: 1")
    return value if isinstance(value, int) else 1


def _mode(node: Node | None, findings: Findings) -> Mode:
    text = node.text if isinstance(node, Scalar) else ""
    if text in list(Mode):
        return Mode(text)
    if node is not None:
        close = guess(text, Mode)
        fix = "" if close else "Write observe or enforce."
        findings.error("P104", "policy.mode", node.span, f'unknown mode "{text}"', fix=fix, guess=close)
    return Mode.ENFORCE


def _flag(node: Node | None, findings: Findings) -> bool:
    value = node.value if isinstance(node, Scalar) else None
    if node is not None and not isinstance(value, bool):
        findings.error("P104", "policy.observe_known_matches", node.span, "this must be true or false")
    return value is True


def _otherwise(node: Node | None, findings: Findings) -> Action:
    action = None if node is None else read_action(node, "policy.otherwise", findings)
    return action or QUARANTINE


def _on_scanner_error(node: Node | None, findings: Findings) -> Action:
    if node is None or (isinstance(node, Scalar) and node.text == Verb.DEFER):
        return BACK_OFF
    path = "policy.on_scanner_error"
    action = read_action(node, path, findings)
    if action is not None and action.verb not in SCANNER_ERROR_VERBS:
        cause = f'"{action.verb}" is not possible here'
        findings.error("P105", path, node.span, cause, fix="Write defer, quarantine or relay.")
    return action or BACK_OFF


def _profiles(node: Node | None, findings: Findings) -> tuple[tuple[str, frozenset[Verb]], ...]:
    if node is None:
        return DEFAULT_PROFILES
    if not isinstance(node, Mapping) or not node.entries:
        cause = "profiles are names, each with a list of actions"
        findings.error("P104", "policy.profiles", node.span, cause)
        return DEFAULT_PROFILES
    return tuple((key.text, _profile(key, value, findings)) for key, value in node.entries)


def _profile(key: Scalar, node: Node, findings: Findings) -> frozenset[Verb]:
    path = f"policy.profiles.{key.text}"
    if not CODE.fullmatch(key.text):
        fix = "Write lower-case letters, digits and hyphens."
        findings.error("P104", path, key.span, f'"{key.text}" cannot be the name of a profile', fix=fix)
    verbs = set[Verb]()
    for item in node.items if isinstance(node, Sequence) else (node,):
        action = read_action(item, path, findings)
        if action is not None and action.verb not in RELAYING:
            cause = f'after "{action.verb}" nothing is sent, so it cannot be in a profile'
            findings.error("P105", path, item.span, cause, fix=f"Choose from: {', '.join(sorted(RELAYING))}.")
        elif action is not None:
            verbs.add(action.verb)
    return frozenset(verbs)
