"""Finds the policy of a configuration: in it, in a file of its own, or the built-in one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from relay.config.default_policy import DEFAULT_POLICY
from relay.config.diagnostics import Findings, Source, in_order
from relay.config.document import Mapping, Scalar, parse, read_text
from relay.config.overrides import PREFIX
from relay.config.policy import read_policy

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from relay.config.diagnostics import Diagnostic
    from relay.config.document import Node
    from relay.config.policy import PolicyReading


@dataclass(frozen=True, slots=True)
class LoadedPolicy:
    """What came of loading a policy from a file of its own; `reading` is None when the file holds none."""

    reading: PolicyReading | None
    diagnostics: tuple[Diagnostic, ...]


def load_policy(path: Path, now: float) -> LoadedPolicy:
    """Load the policy in a file of its own, without a configuration around it; never raises for what it says.

    `now` is in seconds since the epoch. Lists start at the file.
    """
    findings = Findings()
    source = read_text(path, str(path), findings)
    root = _root(None if source is None else parse(source, findings, prefix="policy"))
    reading = None
    if root is not None and not findings.errors:
        reading = read_policy(root, directory=path.resolve().parent, now=now, findings=findings)
    return LoadedPolicy(reading, tuple(in_order(findings.found)))


def policy_in(
    node: Node | None,
    directory: Path,
    now: float,
    findings: Findings,
    scanners: Collection[str] | None,
    channels: Collection[str] | None,
) -> PolicyReading | None:
    """The policy that a configuration's `policy` is or names; the built-in one when `node` says nothing.

    `directory` is where relative paths start, `scanners` and `channels` the names of the configured ones, None when
    not known.
    """
    if node is None or (isinstance(node, Scalar) and node.value is None):
        node = parse(Source("built-in policy", tuple(DEFAULT_POLICY.split("\n"))), findings, prefix="policy")
    named = node.get("file") if isinstance(node, Mapping) else None
    if isinstance(node, Mapping) and named is not None:
        found = _in_file(node, named, directory, findings)
        if found is None:
            return None
        node, directory = found
    if node is None:
        return None
    return read_policy(
        node, directory=directory, now=now, findings=findings, scanners=scanners, channels=channels
    )


def _root(node: Node | None) -> Node | None:
    """The policy in a document: either alone, or under its key as in the configuration."""
    if isinstance(node, Mapping) and [key.text for key, _ in node.entries] == ["policy"]:
        return node.get("policy")
    return node


def _in_file(node: Mapping, named: Node, directory: Path, findings: Findings) -> tuple[Mapping, Path] | None:
    """The policy of a file of its own, where its lists start; the environment may still override keys."""
    if not isinstance(named, Scalar) or not isinstance(named.value, str):
        fix = "Write for example policy: {file: policy.yaml}"
        findings.error("P104", "policy.file", named.span, "a file name is needed", fix=fix)
        return None
    before = findings.errors
    others = [(key, value) for key, value in node.entries if key.text != "file"]
    for key, _ in others:
        if not key.span.source.name.startswith(PREFIX):
            cause = f'"{key.text}" beside "file"'
            fix = "Write the policy here, or name a file, not both."
            findings.error("P102", f"policy.{key.text}", key.span, cause, fix=fix)
    path = directory / named.text
    problems = Findings()
    source = read_text(path, named.text, problems)
    for problem in problems.found:
        cause = f'policy file "{named.text}" {problem.cause}'
        fix = "Paths start at the configuration file."
        findings.error(problem.code, "policy.file", named.span, cause, fix=fix)
    root = _root(parse(source, findings, prefix="policy") if source else None)
    if not isinstance(root, Mapping) or findings.errors > before:
        if findings.errors == before:
            fix = "Write for example preset: small-instance"
            findings.error("P104", "policy.file", named.span, "this file holds no policy", fix=fix)
        return None
    names = {key.text for key, _ in others}
    merged = [entry for entry in root.entries if entry[0].text not in names]
    return Mapping((*merged, *others), root.span), path.parent
