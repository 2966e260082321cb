"""Why a post came or did not: what was stored about it, told by level of disclosure.

`operator` sees everything. `subscriber` sees rule, reason and attestation facts. `public` sees the reason code only.
List membership, distances and contents never leave the operator (users.md, disclosure levels).
"""

from __future__ import annotations

from dataclasses import fields
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from relay.domain import strictjson
from relay.domain.media import Match

if TYPE_CHECKING:
    from collections.abc import Mapping

    from relay.ports import Store

_MATCH: Final = tuple(field.name for field in fields(Match))
_MATCH_REASONS = frozenset({"known-match", "ncii-match", "possible-match", "test-match"})


class Level(StrEnum):
    """Who asks."""

    PUBLIC = "public"
    SUBSCRIBER = "subscriber"
    OPERATOR = "operator"


class Explainer:
    """Answers `assay why`."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def why(self, text: str, level: Level = Level.OPERATOR) -> list[dict[str, Any]]:
        """Explain every activity with this id, about this object, or with this number; newest first."""
        async with self._store.reading() as tx:
            rows = await tx.activities.about(text)
        return [_told(row, level) for row in rows]


def _told(row: Mapping[str, Any], level: Level) -> dict[str, Any]:
    decisions = [_decision(decision, level) for decision in row["decisions"]]
    told: dict[str, Any] = {
        "object": row["object_id"],
        "kind": row["kind"],
        "received_at": row["received_at"],
        "state": row["state"] if level is Level.OPERATOR else _state(row["state"]),
        "decisions": decisions,
    }
    if level is not Level.PUBLIC:
        told["media"] = [_medium(medium, level) for medium in row["media"]]
    if level is Level.OPERATOR:
        told |= {
            "number": row["seq"],
            "activity": row["activity_id"],
            "actor": row["actor"],
            "server": row["server"],
            "position": row["position"],
        }
    return told


def _state(state: str) -> str:
    """Outside the operator a hold is just not relayed: nobody learns that a person is looking."""
    return {"published": "relayed", "screening": "waiting", "deferred": "waiting"}.get(state, "not-relayed")


def _decision(decision: Mapping[str, Any], level: Level) -> dict[str, Any]:
    if level is Level.OPERATOR:
        return {
            "at": decision["at"],
            "verb": decision["verb"],
            "effective": decision["effective"],
            "rule": decision["rule"],
            "reason": decision["reason"],
            "policy": decision["policy"],
            "facts": strictjson.loads(decision["facts"].encode()),
            "trace": strictjson.loads(decision["trace"].encode()),
        }
    # A match must not be told from other reasons for not relaying (attestation.md, the oracle problem).
    reason = "not-relayed" if decision["reason"] in _MATCH_REASONS else decision["reason"]
    told = {"reason": reason}
    if level is Level.SUBSCRIBER and reason == decision["reason"]:
        told["rule"] = decision["rule"]
    return told


def _medium(medium: Mapping[str, Any], level: Level) -> dict[str, Any]:
    told = {"url": medium["url"], "kind": medium["kind"], "attestation": medium["attestation"]}
    if level is Level.OPERATOR:
        told |= {
            "digest": medium["digest"],
            "outcome": medium["outcome"],
            "reason": medium["reason"],
            "issuer": medium["issuer"],
            "matches": _matches(medium["matches"]),
            "type": medium["media_type"],
            "width": medium["width"],
            "height": medium["height"],
            "size": medium["size"],
        }
    return told


def _matches(stored: str) -> list[dict[str, Any]]:
    """Matches are stored as rows; whoever reads an explanation gets them with names.

    Rows of an older version are shorter: they do not count frames.
    """
    rows = strictjson.loads(stored.encode())
    return [dict(zip(_MATCH, row, strict=False)) for row in rows] if isinstance(rows, list) else []
