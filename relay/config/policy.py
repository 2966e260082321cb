"""Reads a policy document into a `relay.domain.policy.Policy`, with every mistake at once.

`relay.config.codes` lists the codes of what can be wrong.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from relay.config.checks import check_rules
from relay.config.conditions import ConditionReader
from relay.config.diagnostics import Severity
from relay.config.document import Mapping
from relay.config.examples import ExampleReader
from relay.config.lists import ListReader
from relay.config.policy_keys import POLICY_KEYS, KeyReader
from relay.config.presets import is_from_preset, with_preset
from relay.config.risks import check_risks
from relay.config.rules import RuleReader, check_keys
from relay.domain.policy_version import WrittenPolicy

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from relay.config.diagnostics import Findings
    from relay.config.document import Node
    from relay.config.examples import ExampleRun
    from relay.domain.blocklist import Blocklist
    from relay.domain.policy import Policy

NOWHERE: Final = WrittenPolicy("", "")
"""Stands for the text of a policy that was given as nodes."""


@dataclass(frozen=True, slots=True)
class PolicyReading:
    """What came of reading a policy.

    `policy` is None when there is an error in it; `draft` is there also when only an example failed. `sources` are
    the lists of others that it names. `examples` are those that were decided, and `reader` reads further ones.
    `written` is its text.
    """

    policy: Policy | None
    draft: Policy | None
    sources: tuple[Blocklist, ...]
    examples: tuple[ExampleRun, ...]
    reader: ExampleReader
    written: WrittenPolicy = NOWHERE


def read_policy(
    node: Node,
    *,
    directory: Path,
    now: float,
    findings: Findings,
    scanners: Collection[str] | None = None,
    channels: Collection[str] | None = None,
) -> PolicyReading | None:
    """The policy in `node`; None when it is none at all.

    Relative list files start at `directory`; `now` (seconds since the epoch) tells which rules have ended;
    `scanners` are the names that rules can give for lists, `channels` those that they can tell, None when they are
    not known. Everything that is wrong is added to `findings`, warnings too.
    """
    if not isinstance(node, Mapping):
        fix = "Write for example policy: {preset: small-instance}"
        findings.error("P104", "policy", node.span, "a policy is made of keys and their values", fix=fix)
        return None
    before, first = findings.errors, len(findings.found)
    check_keys(node, POLICY_KEYS, "policy", findings)
    node = with_preset(node, findings)
    lists = ListReader(directory, findings).read(node.get("lists"))
    conditions = ConditionReader(lists, findings, scanners)
    reader = RuleReader(conditions, findings, channels)
    always, rules = reader.read(node.get("always"), "always"), reader.read(node.get("rules"), "rules")
    examples = ExampleReader(conditions, lists, findings)
    policy = KeyReader(findings).policy(
        node, tuple(placed.rule for placed in always), tuple(placed.rule for placed in rules)
    )
    held = {name: members for name, members in lists.used if lists.members(name) is not None}
    idle = check_rules(always, rules, lists=held, now=now, findings=findings)
    check_risks(policy, always, rules, node, idle=idle, findings=findings)
    _forgive_presets(findings, first)
    policy = replace(policy, lists=lists.used)
    # Against a policy that is not what was meant, examples would fail for reasons that are already listed.
    draft = policy if findings.errors == before else None
    tried = examples.run(node.get("examples"), draft, now)
    sound = draft if findings.errors == before else None
    if sound is not None:  # a condition with a mistake may have meant one that seems not to be used
        lists.check_used()
    return PolicyReading(sound, draft, lists.sources, tried, examples)


def _forgive_presets(findings: Findings, first: int) -> None:
    """Drop warnings about rules of a preset: that one's own rules leave some of them nothing is meant so."""
    findings.found[first:] = [
        one
        for one in findings.found[first:]
        if one.severity is Severity.ERROR or not is_from_preset(one.span)
    ]
