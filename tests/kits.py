"""The canary kit, made once for all tests of a run."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jsonschema import Draft202012Validator

from relay.adapters.kit.making import make, plans

if TYPE_CHECKING:
    from collections.abc import Mapping

    from relay.domain.lab.kit import KitFile

SCHEMA: Any = json.loads((Path(__file__).parents[1] / "fep/schema/canary-manifest.schema.json").read_text())


@cache
def kit() -> Mapping[str, KitFile]:
    """Every file by name."""
    return {plan.name: make(plan) for plan in plans()}


def errors_of(manifest: object) -> list[str]:
    """What the schema finds wrong with a manifest."""
    return [error.message for error in Draft202012Validator(SCHEMA).iter_errors(manifest)]
