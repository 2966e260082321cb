"""The statements of the profile (fep/profile.md), by id: what a case or an explanation refers to.

tools/profile writes the table beside this module.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import TYPE_CHECKING

import orjson

from relay.domain.lab.model import Level
from relay.protocol.documents import PROFILE

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Clause:
    """One statement: its id such as `F-01`, whether it forbids, whom it binds, and its words (Markdown)."""

    id: str
    level: Level
    forbids: bool
    classes: tuple[str, ...]
    statement: str

    @property
    def url(self) -> str:
        """Where it can be read."""
        return f"{PROFILE}#{self.id}"


@cache
def clauses() -> Mapping[str, Clause]:
    """Every statement by id, in the profile's order."""
    rows = orjson.loads(files(__package__).joinpath("clauses.json").read_bytes())
    return MappingProxyType({row["id"]: _clause(row) for row in rows})


def _clause(row: Mapping[str, object]) -> Clause:
    level, _, negation = str(row["level"]).partition(" ")
    classes = row["class"]
    assert isinstance(classes, list)  # noqa: S101 - our own file
    return Clause(str(row["id"]), Level(level), bool(negation), tuple(classes), str(row["statement"]))
