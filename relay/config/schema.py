"""Generates the JSON Schema of the configuration, for completion in editors."""

from __future__ import annotations

import json

from relay.config.policy_schema import DRAFT, policy_definitions
from relay.config.settings import Settings


def schema() -> str:
    """`docs/config.schema.json`: JSON Schema 2020-12 for editors."""
    document = Settings.model_json_schema()
    document["$schema"] = DRAFT
    document["title"] = "Configuration of the relay"
    definitions = document.setdefault("$defs", {})
    definitions.update(policy_definitions())
    document["properties"]["policy"] = {"$ref": "#/$defs/Policy"}
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"
