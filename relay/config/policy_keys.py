"""Reads the keys of a policy beside its rules: version, mode, profiles and what is done with the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from relay.config.actions import read_action
from relay.config.diagnostics import guess
from relay.config.document import Mapping, Scalar, Sequence
from relay.config.rules import CODE
from relay.domain.policy import BACK_OFF, DEFAULT_PROFILES, QUARANTINE, RELAYING, Mode, Policy, Verb

if TYPE_CHECKING:
    from relay.config.diagnostics import Findings
    from relay.config.document import Node
    from relay.domain.policy import Action, Rule

POLICY_KEYS: Final = (
    "preset",
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
"""What `on_scanner_error` can be."""


class KeyReader:
    """Reads the keys of one policy; what is wrong is added to `findings` and has its default."""

    def __init__(self, findings: Findings) -> None:
        self._findings = findings

    def policy(self, node: Mapping, always: tuple[Rule, ...], rules: tuple[Rule, ...]) -> Policy:
        """The policy that `node` and its rules make, still without its lists."""
        return Policy(
            version=self._version(node.get("version")),
            mode=self._mode(node.get("mode")),
            always=always,
            rules=rules,
            otherwise=self._otherwise(node.get("otherwise")),
            on_scanner_error=self._on_scanner_error(node.get("on_scanner_error")),
            observe_known_matches=self._flag(node.get("observe_known_matches")),
            profiles=self._profiles(node.get("profiles")),
        )

    def _version(self, node: Node | None) -> int:
        value = node.value if isinstance(node, Scalar) else None
        if node is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
            cause = "version must be a whole number from 1 on"
            self._findings.error("P104", "policy.version", node.span, cause, fix="Write version: 1")
        return value if isinstance(value, int) else 1

    def _mode(self, node: Node | None) -> Mode:
        text = node.text if isinstance(node, Scalar) else ""
        if text in list(Mode):
            return Mode(text)
        if node is not None:
            close = guess(text, Mode)
            fix = "" if close else "Write observe or enforce."
            cause = f'unknown mode "{text}"'
            self._findings.error("P104", "policy.mode", node.span, cause, fix=fix, guess=close)
        return Mode.ENFORCE

    def _flag(self, node: Node | None) -> bool:
        value = node.value if isinstance(node, Scalar) else None
        if node is not None and not isinstance(value, bool):
            path, cause = "policy.observe_known_matches", "this must be true or false"
            self._findings.error("P104", path, node.span, cause, fix="Write false, or remove the line.")
        return value is True

    def _otherwise(self, node: Node | None) -> Action:
        action = None if node is None else read_action(node, "policy.otherwise", self._findings)
        return action or QUARANTINE

    def _on_scanner_error(self, node: Node | None) -> Action:
        if node is None or (isinstance(node, Scalar) and node.text == Verb.DEFER):
            return BACK_OFF
        path = "policy.on_scanner_error"
        action = read_action(node, path, self._findings)
        if action is not None and action.verb not in SCANNER_ERROR_VERBS:
            cause = f'"{action.verb}" is not possible here'
            self._findings.error("P105", path, node.span, cause, fix="Write defer, quarantine or relay.")
        return action or BACK_OFF

    def _profiles(self, node: Node | None) -> tuple[tuple[str, frozenset[Verb]], ...]:
        if node is None:
            return DEFAULT_PROFILES
        if not isinstance(node, Mapping) or not node.entries:
            cause = "profiles are names, each with a list of actions"
            fix = "Write for example profiles: {strict: [relay, relay-and-attest]}"
            self._findings.error("P104", "policy.profiles", node.span, cause, fix=fix)
            return DEFAULT_PROFILES
        return tuple((key.text, self._profile(key, value)) for key, value in node.entries)

    def _profile(self, key: Scalar, node: Node) -> frozenset[Verb]:
        path = f"policy.profiles.{key.text}"
        if not CODE.fullmatch(key.text):
            fix = "Write lower-case letters, digits and hyphens."
            cause = f'"{key.text}" cannot be the name of a profile'
            self._findings.error("P104", path, key.span, cause, fix=fix)
        verbs = set[Verb]()
        for item in node.items if isinstance(node, Sequence) else (node,):
            action = read_action(item, path, self._findings)
            if action is not None and action.verb not in RELAYING:
                cause = f'after "{action.verb}" nothing is sent, so it cannot be in a profile'
                fix = f"Choose from: {', '.join(sorted(RELAYING))}."
                self._findings.error("P105", path, item.span, cause, fix=fix)
            elif action is not None:
                verbs.add(action.verb)
        return frozenset(verbs)
