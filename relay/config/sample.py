"""Generates, from the types, what documents the configuration: the sample file and the reference."""

from __future__ import annotations

import json
import textwrap
from typing import TYPE_CHECKING, Final, Literal, get_args, get_origin

from relay.config.actions import MAX_DEFER
from relay.config.default_policy import DEFAULT_POLICY
from relay.config.policy import POLICY_KEYS, SCANNER_ERROR_VERBS
from relay.config.rules import RULE_KEYS
from relay.config.schema import schema
from relay.config.section import Section
from relay.config.settings import BlocklistSettings, ScannerSettings, Settings
from relay.domain.facts import CONDITIONS, ConditionKind
from relay.domain.policy import DEFAULT_REASONS, Verb

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo

SCANNERS_SAMPLE: Final = """\
scanners:
  - {name: canary, kind: list, builtin: canary}
# - {name: local, kind: list, file: lists/local.csv, category: csam, purpose: "Why you use it", country: any}
"""

_ACTIONS: Final = {
    Verb.RELAY: "send it to subscribers",
    Verb.RELAY_AND_ATTEST: "send it, and attest its media",
    Verb.RELAY_MARKED: "send it only to subscribers whose profile takes unattested media",
    Verb.DEFER: "decide again later; `defer 10 minutes`",
    Verb.QUARANTINE: "hold it for a person to decide",
    Verb.DROP: "do not send it",
}
_FORMS: Final = {
    ConditionKind.CHOICE: "a word or a list of words",
    ConditionKind.SERVERS: "a server name, `*.example`, `list:NAME`, or a list of these",
    ConditionKind.NUMBER: "`up to 31`, `less than 31`, `at least 1`, `more than 1`, or a number",
    ConditionKind.NAMES: "a name or a list of names",
    ConditionKind.AGE: "`less than 14 days`, `at least 2 hours`, `up to` and `more than` likewise",
    ConditionKind.RATE: "`more than 60 per minute`, `per hour` or `per day`; likewise the other comparisons",
}

_BLOCKLISTS: Final = """\
An entry covers the server, its subdomains and every port. In `mastodon-csv` the severity `suspend` blocks,
also where there is none, as in a list of names only; `silence`, `noop` and words that nobody knows are
observed: they limit what people see on one server and say nothing against relaying. Names that were made
unreadable (`b*d.example`) and names without a dot cannot be matched; they are counted. In `fires` a
Recommendation of `drop` or `reject` blocks; one of `filter` or without a policy, and an Advisory, are
observed; `accept`, a Retraction and a Tombstone end what was said before. What observes only counts what it
would have refused: `assay blocks status`.

Each refresh that changes something is a batch that `assay blocks undo` takes back; it stays away until the
list itself changes its mind. A refresh that fails changes nothing. One that would add or take away more than
half of a list, and more than 20 servers, waits for `assay blocks accept`. `block` and `allow` win over lists.
A subscriber that becomes blocked is suspended and resumes by itself when the block ends."""


def _sections() -> list[tuple[str, FieldInfo, type[Section]]]:
    return [
        (name, field, field.annotation)
        for name, field in Settings.model_fields.items()
        if isinstance(field.annotation, type) and issubclass(field.annotation, Section)
    ]


def _default(field: FieldInfo) -> str:
    """The default as YAML; all defaults are text as people write it, numbers, truth values or empty lists."""
    if field.default == ():
        return "[]"
    if isinstance(field.default, str) and field.default:
        return field.default
    return json.dumps(field.default)


def _comment(text: str, indent: str) -> str:
    return "\n".join(textwrap.wrap(text, 100, initial_indent=f"{indent}# ", subsequent_indent=f"{indent}# "))


def sample() -> str:
    """A valid `config.yaml` with every key at its default and the sentence of each."""
    parts = [
        "# Configuration of the relay. Every key has a default: what is not written is as shown here.",
        "# Sizes are written 16 MiB, times 14 days. ASSAY_<SECTION>__<KEY> in the environment overrides a",
        "# key; secrets may be file:PATH or env:NAME. `assay check-config` shows all errors at once.",
    ]
    for name, section, model in _sections():
        if name == "attestation":
            scanners = Settings.model_fields["scanners"]
            parts += ["", _comment(scanners.description or "", ""), SCANNERS_SAMPLE.rstrip()]
        parts += ["", _comment(section.description or "", ""), f"{name}:"]
        for key, field in model.model_fields.items():
            parts += [_comment(field.description or "", "  "), f"  {key}: {_default(field)}"]
    parts += ["", "# What is done with each activity; or `policy: {file: policy.yaml}`.", "policy:"]
    parts += [f"  {line}" for line in DEFAULT_POLICY.splitlines()]
    return "\n".join(parts) + "\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _kind(field: FieldInfo) -> str:
    """How a value is written, from its example where the type has one."""
    if get_origin(field.annotation) is Literal:
        return ", ".join(f"`{choice}`" for choice in get_args(field.annotation))
    extra = [one.json_schema for one in field.metadata if hasattr(one, "json_schema") and one.json_schema]
    if extra:
        return f"such as `{extra[0]['examples'][0]}`"
    if get_origin(field.annotation) is tuple:
        return "list"
    kinds = {bool: "`true` or `false`", str: "text", int: "number"}
    found = [kinds[kind] for kind in (field.annotation, *get_args(field.annotation)) if kind in kinds]
    return found[0] if found else "text"


def _rows(model: type[Section], prefix: str) -> list[str]:
    rows = ["| key | written | default | meaning |", "|---|---|---|---|"]
    for key, field in model.model_fields.items():
        default = (
            "needed" if field.is_required() else f"`{_default(field)}`" if field.default is not None else ""
        )
        written = _kind(field)
        rows.append(f"| `{prefix}{key}` | {_cell(written)} | {default} | {_cell(field.description or '')} |")
    return rows


def reference() -> str:
    """`docs/configuration.md`: every key, every condition, every action, in Markdown."""
    parts = [
        "# Configuration",
        "",
        "Generated by `tools/generate` from the types; do not edit. The file is YAML 1.2: tags, anchors,",
        "aliases, tabs and duplicate keys are refused. `ASSAY_<SECTION>__<KEY>` in the environment overrides",
        "a key. A secret may be `file:PATH` or `env:NAME`. Relative paths start at the configuration file.",
    ]
    for name, section, model in _sections():
        parts += ["", f"## {name}", "", section.description or "", "", *_rows(model, f"{name}.")]
        if name == "federation":
            parts += ["", *_rows(BlocklistSettings, "federation.blocklists[]."), "", _BLOCKLISTS]
    scanners = Settings.model_fields["scanners"].description or ""
    parts += ["", "## scanners", "", scanners, "", *_rows(ScannerSettings, "scanners[].")]
    return "\n".join([*parts, "", *_policy_reference()]) + "\n"


def _policy_reference() -> list[str]:
    conditions = [
        f"| `{info.fact}` | {_FORMS[info.kind]} | {_words(info.values)} | {info.meaning} |"
        for info in CONDITIONS
    ]
    actions = [f"| `{verb}` | {_ACTIONS[verb]} | `{DEFAULT_REASONS[verb]}` |" for verb in Verb]
    return [
        "## policy",
        "",
        "`always` is tried first; if no rule in it fits, the scanner failed and nothing matched,",
        "`on_scanner_error` decides; then `rules` from top to bottom, the first that fits decides, and",
        "`otherwise` decides the rest. A rule fits when all its conditions do. Whatever the rules say, an",
        "activity with a `known` or `ncii` match is never relayed, not even in `observe`, unless",
        "`observe_known_matches: true` is written there.",
        "",
        f"Keys: {_words(POLICY_KEYS)}.",
        "",
        f"Keys of a rule: {_words(RULE_KEYS)}. `until` is the last day, in UTC, on which the rule applies.",
        "",
        'A list is `[one.example, "*.two.example"]`, `{file: PATH}` with a server a line, or',
        "`{csv: PATH, column: domain}` as Mastodon exports it, where each row covers the subdomains too.",
        "",
        "### Conditions",
        "",
        "| condition | written | words | meaning |",
        "|---|---|---|---|",
        *conditions,
        "",
        "`any` stands for all but `none` in `media` and `match`.",
        "",
        "### Actions",
        "",
        "| action | meaning | reason code unless the rule gives one |",
        "|---|---|---|",
        *actions,
        "",
        f"`defer` waits at most {MAX_DEFER // 86400} days.",
        f"`on_scanner_error` is one of {_words(SCANNER_ERROR_VERBS)}.",
        "",
        "### The policy that is used when none is given",
        "",
        "```yaml",
        *DEFAULT_POLICY.splitlines(),
        "```",
    ]


def _words(words: tuple[str, ...]) -> str:
    return ", ".join(f"`{word}`" for word in words)


GENERATED: Final = {
    "config.yaml": sample,
    "docs/configuration.md": reference,
    "docs/config.schema.json": schema,
}
"""What `tools/generate` writes, by path in the repository."""
