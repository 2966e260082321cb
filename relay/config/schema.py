"""Generates the JSON Schema of the configuration, for completion in editors."""

from __future__ import annotations

import json

from relay.config.policy import SCANNER_ERROR_VERBS
from relay.config.settings import Settings
from relay.domain.facts import CONDITIONS, ConditionKind
from relay.domain.policy import RELAYING, Mode, Verb


def schema() -> str:
    """`docs/config.schema.json`: JSON Schema 2020-12 for editors."""
    document = Settings.model_json_schema()
    document["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    document["title"] = "Configuration of the relay"
    definitions = document.setdefault("$defs", {})
    definitions.update(_policy_definitions())
    document["properties"]["policy"] = {"$ref": "#/$defs/Policy"}
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _one_or_many(item: dict[str, object]) -> dict[str, object]:
    return {"anyOf": [item, {"type": "array", "items": item, "minItems": 1}]}


def _condition_schemas() -> dict[str, object]:
    found: dict[str, object] = {}
    for info in CONDITIONS:
        words = [*info.values, *(["any"] if info.any_of else [])]
        item: dict[str, object] = {"enum": words} if words else {"type": "string"}
        numbers: dict[str, object] = {"type": ["string", "integer"]}
        compared = info.kind in {ConditionKind.NUMBER, ConditionKind.AGE, ConditionKind.RATE}
        form = numbers if compared else _one_or_many(item)
        found[info.fact.value] = {**form, "description": info.meaning}
    return found


def _closed(properties: dict[str, object], *required: str) -> dict[str, object]:
    return {
        "type": "object",
        "additionalProperties": False,
        "properties": properties,
        **({"required": list(required)} if required else {}),
    }


def _policy_definitions() -> dict[str, object]:
    plain = [verb.value for verb in Verb if verb is not Verb.DEFER]
    action = {"anyOf": [{"enum": plain}, {"type": "string", "pattern": "^defer [0-9]"}]}
    text: dict[str, object] = {"type": "string"}
    conditions = {"$ref": "#/$defs/Conditions"}
    rules = {"type": "array", "items": {"$ref": "#/$defs/Rule"}}
    texts = {"type": "array", "items": text}
    list_forms = [
        texts,
        _closed({"file": text}, "file"),
        _closed({"csv": text, "column": text}, "csv"),
    ]
    rule: dict[str, object] = {
        "name": text,
        "when": {**conditions, "minProperties": 1},
        "then": action,
        "reason": {"type": "string", "pattern": "^[a-z0-9][a-z0-9-]{0,63}$"},
        "until": {"type": "string", "format": "date"},
        "tell": _one_or_many(text),
    }
    policy: dict[str, object] = {
        "file": text,
        "version": {"type": "integer", "minimum": 1},
        "mode": {"enum": [mode.value for mode in Mode]},
        "on_scanner_error": {"anyOf": [{"enum": list(SCANNER_ERROR_VERBS)}, action]},
        "observe_known_matches": {"type": "boolean"},
        "lists": {"type": "object", "additionalProperties": {"anyOf": list_forms}},
        "profiles": {"type": "object", "additionalProperties": _one_or_many({"enum": sorted(RELAYING)})},
        "always": rules,
        "rules": rules,
        "otherwise": action,
        "examples": {"type": "array", "items": {"$ref": "#/$defs/Example"}},
    }
    example: dict[str, object] = {
        "given": conditions,
        "expect": {"anyOf": [{"enum": list(Verb)}, action]},
        "by": text,
    }
    return {
        "Policy": _closed(policy),
        "Rule": _closed(rule, "name", "when", "then"),
        "Conditions": _closed(_condition_schemas()),
        "Example": _closed(example, "given", "expect"),
    }
