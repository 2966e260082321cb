"""Loads the configuration: file, environment, policy; everything that is wrong at once, nothing executed."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from pydantic import ValidationError

from relay.config.alert_checks import check_channels
from relay.config.diagnostics import Findings, Source, Span, guess, in_order, render
from relay.config.document import Mapping, Scalar, parse, plain, read_text
from relay.config.fields import Place
from relay.config.overrides import overlay
from relay.config.policy import NOWHERE
from relay.config.policy_file import home_of, policy_in
from relay.config.problems import report, span_at
from relay.config.settings import Settings, names_in
from relay.config.submit_checks import check_submit
from relay.config.webhook_checks import check_webhooks
from relay.domain.errors import Malformed

if TYPE_CHECKING:
    from collections.abc import Callable
    from collections.abc import Mapping as Dict

    from relay.config.diagnostics import Diagnostic
    from relay.config.policy import PolicyReading
    from relay.config.policy_home import PolicyHome
    from relay.domain.blocklist import Blocklist
    from relay.domain.policy import Policy
    from relay.domain.policy_version import WrittenPolicy

LISTS: Final = frozenset({"scanners", "webhooks"})
"""Keys that hold a list instead of keys."""


class InvalidConfiguration(Malformed):
    """The configuration has errors."""

    code = "invalid-configuration"

    def __init__(self, diagnostics: tuple[Diagnostic, ...]) -> None:
        """`str` of it is what people are shown."""
        super().__init__(render(diagnostics))
        self.diagnostics = diagnostics


@dataclass(frozen=True, slots=True)
class Configuration:
    """A configuration without errors. `policy_lists` are the lists of others that the policy names.

    `written` is the policy's text. `again` reads the same places once more; its argument is in seconds since the epoch.
    """

    settings: Settings
    policy: Policy
    policy_lists: tuple[Blocklist, ...] = ()
    written: WrittenPolicy = field(default=NOWHERE, compare=False)
    again: Callable[[float], Loaded] | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Loaded:
    """What came of loading. `settings` and `policy` are None where they have errors; warnings do not count.

    `diagnostics` are in the order of their places. `reading` is more about the policy; None when there was none to
    read. `home` is the file that the policy is written in, also when that cannot be read.
    """

    settings: Settings | None
    policy: Policy | None
    diagnostics: tuple[Diagnostic, ...]
    reading: PolicyReading | None = None
    again: Callable[[float], Loaded] | None = field(default=None, compare=False)
    home: PolicyHome | None = None

    def render(self) -> str:
        """All diagnostics for people; empty when there is nothing to say."""
        return render(self.diagnostics)

    def require(self) -> Configuration:
        """The configuration. Raises `InvalidConfiguration` when there are errors."""
        if self.settings is None or self.policy is None:
            raise InvalidConfiguration(self.diagnostics)
        sources, written = (self.reading.sources, self.reading.written) if self.reading else ((), NOWHERE)
        return Configuration(self.settings, self.policy, sources, written, self.again)


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
    scanners, channels = (None, None) if settings is None else names_in(settings)
    reading = policy_in(root, directory, now, findings, scanners, channels)
    policy = None if reading is None else reading.policy
    if not _check_profile(settings, policy, root, findings):
        settings = None
    if syntax:
        settings, policy = None, None
    again, home = partial(load, path, dict(environ)), home_of(root, path, directory)
    return Loaded(settings, policy, tuple(in_order(findings.found)), reading, again, home)


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
    sections: dict[str, object] = {name: {} for name in Settings.model_fields if name not in LISTS}
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
    check_channels(settings, root, findings)
    check_webhooks(settings, root, findings)
    check_submit(settings, root, findings)
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
    findings.error("C310", path, span, f'the policy has no profile "{name}"', fix=fix, guess=close)
    return False
