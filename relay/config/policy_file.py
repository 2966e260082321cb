"""Finds the policy of a configuration: in it, in a file of its own, or the built-in one."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from relay.config.default_policy import DEFAULT_POLICY
from relay.config.diagnostics import Findings, Source, in_order
from relay.config.document import Mapping, Scalar, lines_of, parse, plain, read_text
from relay.config.overrides import PREFIX
from relay.config.policy import read_policy
from relay.config.policy_home import PolicyHome, policy_text, text_in
from relay.config.presets import preset_text
from relay.domain.policy_version import WrittenPolicy

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from relay.config.diagnostics import Diagnostic
    from relay.config.document import Node
    from relay.config.policy import PolicyReading

BUILT_IN: Final = "built-in policy"
"""How the policy is called that is used when none is given."""


@dataclass(frozen=True, slots=True)
class LoadedPolicy:
    """What came of loading a policy from a file of its own; `reading` is None when the file holds none."""

    reading: PolicyReading | None
    diagnostics: tuple[Diagnostic, ...]


def load_policy(
    path: Path,
    now: float,
    *,
    directory: Path | None = None,
    scanners: Collection[str] | None = None,
    channels: Collection[str] | None = None,
) -> LoadedPolicy:
    """Load the policy in a file of its own, without a configuration around it; never raises for what it says.

    `now` is in seconds since the epoch. Lists start at the file, unless a `directory` is given; `scanners` and
    `channels` are the names that rules can give for hash lists and for whom to tell, None when they are not known.
    """
    findings = Findings()
    source = read_text(path, str(path), findings)
    return _loaded(source, findings, directory or path.resolve().parent, now, scanners, channels)


def load_policy_text(
    text: str,
    now: float,
    *,
    shown: str,
    directory: Path,
    scanners: Collection[str] | None = None,
    channels: Collection[str] | None = None,
) -> LoadedPolicy:
    """Load a policy from its text; `shown` is what people see as its name."""
    return _loaded(Source(shown, tuple(lines_of(text))), Findings(), directory, now, scanners, channels)


def _loaded(
    source: Source | None,
    findings: Findings,
    directory: Path,
    now: float,
    scanners: Collection[str] | None,
    channels: Collection[str] | None,
) -> LoadedPolicy:
    root = _root(None if source is None else parse(source, findings, prefix="policy"))
    reading = None
    if source is not None and root is not None and not findings.errors:
        reading = read_policy(
            root, directory=directory, now=now, findings=findings, scanners=scanners, channels=channels
        )
        reading = _placed(reading, root, source, block=False)
    return LoadedPolicy(reading, tuple(in_order(findings.found)))


def home_of(root: Mapping, path: Path | None, directory: Path) -> PolicyHome | None:
    """Where the policy of a configuration is written, or would be; None when that is no file.

    `path` is the configuration's own and `directory` where relative paths start.
    """
    node = root.get("policy")
    named = node.get("file") if isinstance(node, Mapping) else None
    if isinstance(named, Scalar) and isinstance(named.value, str):
        return PolicyHome(directory / named.text, block=False)
    return None if path is None else PolicyHome(path, block=True)


def policy_in(
    root: Mapping,
    directory: Path,
    now: float,
    findings: Findings,
    scanners: Collection[str] | None,
    channels: Collection[str] | None,
) -> PolicyReading | None:
    """The policy that a configuration's `policy` is or names; the built-in one when that says nothing.

    `directory` is where relative paths start, `scanners` and `channels` the names of the configured ones, None when
    not known.
    """
    node, source, block = root.get("policy"), root.span.source, True
    if node is None or (isinstance(node, Scalar) and node.value is None):
        source, block = Source(BUILT_IN, tuple(DEFAULT_POLICY.split("\n"))), False
        node = parse(source, findings, prefix="policy")
    named = node.get("file") if isinstance(node, Mapping) else None
    if isinstance(node, Mapping) and named is not None:
        found = _in_file(node, named, directory, findings)
        if found is None:
            return None
        node, directory = found
        source, block = node.span.source, False
    if node is None:
        return None
    reading = read_policy(
        node, directory=directory, now=now, findings=findings, scanners=scanners, channels=channels
    )
    return _placed(reading, node, source, block=block)


def _placed(
    reading: PolicyReading | None, node: Node, source: Source, *, block: bool
) -> PolicyReading | None:
    """A reading with its text; `block`: that is a part of the source."""
    if reading is None or not isinstance(node, Mapping):
        return reading
    text = "\n".join(source.lines)
    # A policy that stands in the environment, or in a configuration in braces, is written out: JSON is YAML.
    own = text_in(text) or json.dumps(plain(node)) if block else policy_text(text)
    named = node.get("preset")
    preset = named.text if isinstance(named, Scalar) else None
    expanded = None if preset is None else preset_text(preset)
    return replace(reading, written=WrittenPolicy(source.name, own, preset, expanded))


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
