"""Generates the JSON Schema of policies from the tables of facts and verbs, for completion in editors."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from relay.config.policy_keys import SCANNER_ERROR_VERBS
from relay.config.presets import ARCHIVE, PRESETS
from relay.domain.policy import RELAYING, Mode, Verb
from relay.domain.vocabulary import FACTS, LISTABLE, SAMPLE, VERBS, FactKind

if TYPE_CHECKING:
    from relay.domain.vocabulary import FactInfo

DRAFT: Final = "https://json-schema.org/draft/2020-12/schema"

_COMPARISON: Final = r"^((up to|less than|at least|more than) +)?[0-9]"
_HOSTS: Final = r"^(\*\.)?[^/@\s]+$"


def policy_schema() -> str:
    """`docs/policy.schema.json`: JSON Schema 2020-12 of a policy in a file of its own."""
    document = {
        "$schema": DRAFT,
        "title": "Policy of the relay",
        "$ref": "#/$defs/Policy",
        "$defs": policy_definitions(),
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def policy_definitions() -> dict[str, object]:
    """The definitions `Policy`, `Rule`, `Conditions`, `Facts` and `Example`."""
    text: dict[str, object] = {"type": "string"}
    rule: dict[str, object] = {
        "name": {"type": "string", "minLength": 1, "maxLength": 100},
        "when": {"$ref": "#/$defs/Conditions", "minProperties": 1},
        "then": _action(),
        "reason": {"type": "string", "pattern": "^[a-z0-9][a-z0-9-]{0,63}$"},
        "until": {"type": "string", "format": "date"},
        "tell": _one_or_many(text),
    }
    example: dict[str, object] = {
        "given": {"$ref": "#/$defs/Conditions"},
        "expect": {"anyOf": [{"enum": [verb.value for verb in Verb]}, _action()]},
        "by": text,
    }
    return {
        "Policy": _closed(_policy()),
        "Rule": _closed(rule, "name", "when", "then"),
        "Conditions": _closed({info.fact.value: _condition(info) for info in FACTS}),
        "Example": _closed(example, "given", "expect"),
    }


def _policy() -> dict[str, object]:
    text: dict[str, object] = {"type": "string"}
    rules = {"type": "array", "items": {"$ref": "#/$defs/Rule"}}
    own = [{"const": name, "description": told} for name, (_, told) in PRESETS.items() if name != ARCHIVE]
    archive = {"type": "string", "pattern": "^archive-country-[a-z]{2}$", "description": PRESETS[ARCHIVE][1]}
    list_forms = [
        {"type": "array", "items": text},
        _closed({"file": text}, "file"),
        _closed({"csv": text, "column": text}, "csv"),
        _closed({"csv": text, "refresh": text}, "csv", "refresh"),
        _closed({"fires": text, "refresh": text}, "fires"),
    ]
    relaying = _one_or_many({"enum": sorted(RELAYING)})
    return {
        "file": text,
        "preset": {"anyOf": [*own, archive]},
        "version": {"type": "integer", "minimum": 1},
        "mode": {"enum": [mode.value for mode in Mode]},
        "on_scanner_error": {"anyOf": [{"enum": list(SCANNER_ERROR_VERBS)}, _action()]},
        "observe_known_matches": {"type": "boolean"},
        "lists": {"type": "object", "additionalProperties": {"anyOf": list_forms}},
        "profiles": {"type": "object", "additionalProperties": relaying},
        "always": rules,
        "rules": rules,
        "otherwise": _action(),
        "examples": {"type": "array", "items": {"$ref": "#/$defs/Example"}},
    }


def _action() -> dict[str, object]:
    plain = [
        {"const": info.verb.value, "description": info.meaning}
        for info in VERBS
        if info.verb is not Verb.DEFER
    ]
    return {
        "anyOf": [*plain, {"type": "string", "pattern": "^defer +[0-9]", "examples": ["defer 10 minutes"]}]
    }


def _condition(info: FactInfo) -> dict[str, object]:
    form: dict[str, object]
    if info.compared:
        kinds = ["string", "integer"] if info.kind is FactKind.NUMBER else "string"
        form = {"type": kinds, "pattern": _COMPARISON, "examples": [SAMPLE[info.kind]]}
    else:
        form = _one_or_many(_word(info))
    return {**form, "description": info.meaning}


def _word(info: FactInfo) -> dict[str, object]:
    if info.words:
        others = [True, False] if info.other_words else []
        return {"enum": [*map(str, info.choices), *others]}
    if info.kind is FactKind.SERVERS:
        return {"type": "string", "pattern": _HOSTS, "examples": [SAMPLE[info.kind], "list:NAME"]}
    examples = [SAMPLE[info.kind], *(["list:NAME"] if info.kind in LISTABLE else [])]
    return {"type": "string", "minLength": 1, "examples": examples}


def _one_or_many(item: dict[str, object]) -> dict[str, object]:
    return {"anyOf": [item, {"type": "array", "items": item, "minItems": 1}]}


def _closed(properties: dict[str, object], *required: str) -> dict[str, object]:
    return {
        "type": "object",
        "additionalProperties": False,
        "properties": properties,
        **({"required": list(required)} if required else {}),
    }
