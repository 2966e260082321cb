"""Loads the configuration: file, environment, policy; everything that is wrong at once, nothing executed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from pydantic import ValidationError

from relay.config.default_policy import DEFAULT_POLICY
from relay.config.diagnostics import Findings, Source, Span, guess, in_order, render
from relay.config.document import Mapping, Scalar, parse, plain, read_text
from relay.config.fields import Place
from relay.config.overrides import PREFIX, overlay
from relay.config.policy import read_policy
from relay.config.problems import report, span_at
from relay.config.settings import Settings
from relay.domain.errors import Malformed

if TYPE_CHECKING:
    from collections.abc import Mapping as Dict

    from relay.config.diagnostics import Diagnostic
    from relay.config.document import Node
    from relay.domain.policy import Policy


class InvalidConfiguration(Malformed):
    """The configuration has errors."""

    code = "invalid-configuration"

    def __init__(self, diagnostics: tuple[Diagnostic, ...]) -> None:
        """`str` of it is what people are shown."""
        super().__init__(render(diagnostics))
        self.diagnostics = diagnostics


@dataclass(frozen=True, slots=True)
class Configuration:
    """A configuration without errors."""

    settings: Settings
    policy: Policy


@dataclass(frozen=True, slots=True)
class Loaded:
    """What came of loading. `settings` and `policy` are None where they have errors; warnings do not count.

    `diagnostics` are in the order of their places.
    """

    settings: Settings | None
    policy: Policy | None
    diagnostics: tuple[Diagnostic, ...]

    def render(self) -> str:
        """All diagnostics for people; empty when there is nothing to say."""
        return render(self.diagnostics)

    def require(self) -> Configuration:
        """The configuration. Raises `InvalidConfiguration` when there are errors."""
        if self.settings is None or self.policy is None:
            raise InvalidConfiguration(self.diagnostics)
        return Configuration(self.settings, self.policy)


def load(path: Path | None, environ: Dict[str, str], now: float) -> Loaded:
    """Load the configuration at `path`; without a path all keys have their defaults.

    `environ` gives overrides (`ASSAY_<SECTION>__<KEY>`) and secrets (`env:NAME`). `now` is in seconds since
    the epoch. Relative paths start at the file. Never raises for what the file says.
    """
    findings = Findings()
    directory = path.resolve().parent if path else Path.cwd()
    root = _document(path, findings)
    if root is not None:
        root = overlay(root, environ, findings)
    if root is None:
        return Loaded(None, None, tuple(findings.found))
    syntax = findings.errors
    settings = _settings(root, Place(directory, environ), findings)
    policy = _policy(root.get("policy"), directory, now, findings)
    if not _check_profile(settings, policy, root, findings):
        settings = None
    return Loaded(None if syntax else settings, None if syntax else policy, tuple(in_order(findings.found)))


def _document(path: Path | None, findings: Findings) -> Mapping | None:
    if path is None:
        return Mapping((), Span(Source("defaults", ())))
    source = read_text(path, str(path), findings)
    root = None if source is None else parse(source, findings)
    if root is None or isinstance(root, Mapping):
        return root
    if isinstance(root, Scalar) and root.value is None:
        return Mapping((), root.span)
    findings.error("C104", "", root.span, "a configuration is made of sections with keys")
    return None


def _settings(root: Mapping, place: Place, findings: Findings) -> Settings | None:
    # Every section is there, so that its defaults are read with `place`; one whose keys are all commented out
    # is as if it were empty.
    sections: dict[str, object] = {name: {} for name in Settings.model_fields if name != "scanners"}
    data = sections | {
        key.text: plain(node)
        for key, node in root.entries
        if key.text != "policy" and not (isinstance(node, Scalar) and node.value is None)
    }
    try:
        settings = Settings.model_validate(data, context=place)
    except ValidationError as problem:
        for error in problem.errors(include_url=False):
            report(error, root, findings)
        return None
    before = findings.errors
    _check_scanners(settings, root, findings)
    _check_blocklists(settings, root, findings)
    _check_addresses(settings, root, findings)
    return settings if findings.errors == before else None


def _check_scanners(settings: Settings, root: Mapping, findings: Findings) -> None:
    names = set[str]()
    for place, scanner in enumerate(settings.scanners):
        if scanner.name in names:
            span = span_at(root, "scanners", place, "name")
            cause = f'there is another scanner "{scanner.name}" above'
            findings.error("C305", f"scanners.{place}.name", span, cause, fix="Give each its own name.")
        names.add(scanner.name)
        if scanner.file is not None and not scanner.file.is_file():
            span = span_at(root, "scanners", place, "file")
            cause = f'list file of scanner "{scanner.name}" is not there'
            fix = "Paths start at the configuration file."
            findings.error("C302", f"scanners.{place}.file", span, cause, fix=fix)


def _check_blocklists(settings: Settings, root: Mapping, findings: Findings) -> None:
    names = set[str]()
    for place, listed in enumerate(settings.federation.blocklists):
        where = ("federation", "blocklists", place)
        if listed.label in names:
            cause = f'there is another blocklist "{listed.label}" above'
            span = span_at(root, *where, "name")
            path = f"federation.blocklists.{place}.name"
            findings.error("C305", path, span, cause, fix="Give each its own name.")
        names.add(listed.label)
        if listed.file is not None and not listed.file.is_file():
            cause = f'file of blocklist "{listed.label}" is not there'
            path = f"federation.blocklists.{place}.file"
            fix = "Paths start at the configuration file."
            findings.error("C302", path, span_at(root, *where, "file"), cause, fix=fix)


def _check_addresses(settings: Settings, root: Mapping, findings: Findings) -> None:
    public, admin = settings.relay.listen, settings.admin.listen
    if public == admin and public.port:
        fix = "The admin side must not be public: give it a port of its own."
        cause = f"public and admin side both listen at {public}"
        findings.error("C306", "admin.listen", span_at(root, "admin", "listen"), cause, fix=fix)
    url = urlsplit(settings.relay.url)
    host = url.hostname or ""
    private = host == "localhost" or host.startswith("127.") or host == "::1" or host.endswith(".onion")
    if url.scheme == "http" and not private:
        cause = "other servers will refuse a relay without TLS"
        findings.warn(
            "C401", "relay.url", span_at(root, "relay", "url"), cause, fix=f"Write https://{url.netloc}"
        )


def _check_profile(
    settings: Settings | None, policy: Policy | None, root: Mapping, findings: Findings
) -> bool:
    name = settings.federation.profile if settings is not None else None
    if policy is None or name is None or name in dict(policy.profiles):
        return True
    path, names = "federation.profile", [known for known, _ in policy.profiles]
    span, close = span_at(root, "federation", "profile"), guess(name, names)
    fix = "" if close else f"The policy has {', '.join(names)}."
    findings.error("C309", path, span, f'the policy has no profile "{name}"', fix=fix, guess=close)
    return False


def _policy(node: Node | None, directory: Path, now: float, findings: Findings) -> Policy | None:
    if node is None or (isinstance(node, Scalar) and node.value is None):
        node = parse(Source("built-in policy", tuple(DEFAULT_POLICY.split("\n"))), findings, prefix="policy")
    named = node.get("file") if isinstance(node, Mapping) else None
    if isinstance(node, Mapping) and named is not None:
        return _policy_file(node, named, directory, now, findings)
    return None if node is None else read_policy(node, directory=directory, now=now, findings=findings)


def _policy_file(
    node: Mapping, named: Node, directory: Path, now: float, findings: Findings
) -> Policy | None:
    """The policy of a file of its own, where its lists start; the environment may still override keys."""
    if not isinstance(named, Scalar) or not isinstance(named.value, str):
        findings.error("P104", "policy.file", named.span, "a file name is needed")
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
        findings.error(problem.code, "policy.file", named.span, cause)
    root = parse(source, findings, prefix="policy") if source else None
    # Either the policy alone, or under its key as in the configuration.
    if isinstance(root, Mapping) and [key.text for key, _ in root.entries] == ["policy"]:
        root = root.get("policy")
    if root is None or not isinstance(root, Mapping) or findings.errors > before:
        if findings.errors == before:
            findings.error("P104", "policy.file", named.span, "this file holds no policy")
        return None
    merged = [entry for entry in root.entries if entry[0].text not in {key.text for key, _ in others}]
    whole = Mapping((*merged, *others), root.span)
    return read_policy(whole, directory=path.parent, now=now, findings=findings)
