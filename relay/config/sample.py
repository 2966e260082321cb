"""Generates, from the types, what documents the configuration: the sample file and the reference."""

from __future__ import annotations

import json
import textwrap
from typing import TYPE_CHECKING, Final, Literal, get_args, get_origin

from relay.config.alerts import ChannelSettings
from relay.config.default_policy import DEFAULT_POLICY
from relay.config.keepers import KeeperSettings
from relay.config.live import LIVE
from relay.config.policy_form import policy_form
from relay.config.policy_reference import policy_reference
from relay.config.policy_schema import policy_schema
from relay.config.schema import schema
from relay.config.section import Section
from relay.config.settings import BlocklistSettings, Settings
from relay.config.webhooks import WebhookSettings
from relay.domain.alerts import EVENTS, KINDS

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo

SCANNERS_SAMPLE: Final = """\
scanners:
  - {name: canary, kind: list, builtin: canary}
# - {name: local, kind: list, file: lists/local.csv, category: csam, purpose: "Why you use it", country: any}
"""

WEBHOOKS_SAMPLE: Final = """\
webhooks: []
# - {name: social, server: social.example, secret: file:secrets/social-hook}
"""

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


_ALERTS: Final = """\
A rule of the policy with `tell: [mods]` tells the channel `mods` of what it decides, whatever `events` the channel has.
What messages look like, and how a web hook knows that they are the relay's: [alerts.md](alerts.md)."""

_WEBHOOKS: Final = "What an admin of such a server does, and what is kept: [webhooks.md](webhooks.md)."

_POLICY: Final = (
    "## policy",
    "",
    "What is done with each activity: the policy itself, a preset (`policy: {preset: small-instance}`), or a file",
    "of its own (`policy: {file: policy.yaml}`). All of the language is in [policy.md](policy.md).",
)


_LIVE: Final = (
    "## What changes without a restart",
    "",
    "`assay reload` (or SIGHUP) reads the configuration again. All of `policy` and the keys below change at once; of",
    "others the answer says that they wait for a restart. When anything is wrong, everything stays as it was.",
    "",
)


def _sections() -> list[tuple[str, FieldInfo, type[Section]]]:
    return [
        (name, field, part)
        for name, field in Settings.model_fields.items()
        if (part := _part(field)) is not None
    ]


def _default(field: FieldInfo) -> str:
    """The default as YAML: text as people write it, numbers, truth values, empty lists, or keys of its own."""
    if (part := _part(field)) is not None:
        return f"{{{', '.join(f'{key}: {_default(one)}' for key, one in part.model_fields.items())}}}"
    if field.default == ():
        return "[]"
    if isinstance(field.default, str) and field.default:
        return field.default
    return json.dumps(field.default)


def _part(field: FieldInfo) -> type[Section] | None:
    """The type of a key that has keys of its own."""
    kind = field.annotation
    return kind if isinstance(kind, type) and issubclass(kind, Section) else None


def _described(name: str) -> str:
    """What the sentence of a section or list says."""
    return Settings.model_fields[name].description or ""


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
            parts += ["", _comment(_described("scanners"), ""), SCANNERS_SAMPLE.rstrip()]
        if name == "transparency":
            parts += ["", _comment(_described("webhooks"), ""), WEBHOOKS_SAMPLE.rstrip()]
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
    kinds = {bool: "`true` or `false`", str: "text", int: "number", float: "number"}
    found = [kinds[kind] for kind in (field.annotation, *get_args(field.annotation)) if kind in kinds]
    return found[0] if found else "text"


def _rows(model: type[Section], prefix: str) -> list[str]:
    return ["| key | written | default | meaning |", "|---|---|---|---|", *_lines(model, prefix)]


def _lines(model: type[Section], prefix: str) -> list[str]:
    rows = []
    for key, field in model.model_fields.items():
        if (part := _part(field)) is not None:
            rows += _lines(part, f"{prefix}{key}.")
            continue
        default = (
            "needed" if field.is_required() else f"`{_default(field)}`" if field.default is not None else ""
        )
        written = _kind(field)
        rows.append(f"| `{prefix}{key}` | {_cell(written)} | {default} | {_cell(field.description or '')} |")
    return rows


def _events() -> list[str]:
    rows = [
        f"| `{kind}` | {KINDS[kind].meaning} | {'yes' if KINDS[kind].urgent else ''} |" for kind in EVENTS
    ]
    return ["| event | meaning | urgent |", "|---|---|---|", *rows, "", _ALERTS]


def reference() -> str:
    """`docs/configuration.md`: every key but those of the policy, in Markdown."""
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
        if name == "alerts":
            parts += ["", *_rows(ChannelSettings, "alerts.channels[]."), "", *_events()]
    parts += ["", "## scanners", "", _described("scanners"), "", *_rows(KeeperSettings, "scanners[].")]
    hooks = [_described("webhooks"), _WEBHOOKS]
    parts += ["", "## webhooks", "", *hooks, "", *_rows(WebhookSettings, "webhooks[].")]
    live = [*_LIVE, *(f"- `{key}`" for key in LIVE)]
    return "\n".join([*parts, "", *_POLICY, "", *live]) + "\n"


GENERATED: Final = {
    "config.yaml": sample,
    "docs/configuration.md": reference,
    "docs/config.schema.json": schema,
    "docs/policy.md": policy_reference,
    "docs/policy.schema.json": policy_schema,
    "docs/policy.form.json": policy_form,
}
"""What `tools/generate` writes, by path in the repository."""
