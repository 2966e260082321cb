"""The decisions of the policy, kept to try other policies on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from relay.adapters.sql import codec
from relay.domain.history import LARGEST, Recorded, Span, VerbCount, author_of, shortened

if TYPE_CHECKING:
    from collections.abc import Mapping

    from relay.adapters.sql.queries import Queries
    from relay.domain.intake import Settled

    Row = Mapping[str, Any]


class SqlHistory:
    """Port `History` on SQL."""

    def __init__(self, queries: Queries) -> None:
        self._sql = queries

    async def span(self, since: float, until: float) -> Span:
        """Return how many records there are."""
        row = await self._sql.row("history_span", since=since, until=until)
        begin = await self._sql.value("history_begin")
        if row is None or not row["n"]:
            return Span(0, 0, 0, begin)
        return Span(row["n"], row["first"], row["last"], begin)

    async def stretch(
        self, *, first: int, last: int, since: float, until: float, most: int
    ) -> list[Recorded]:
        """Return records, newest first."""
        bounds = {"first": first, "last": last, "since": since, "until": until}
        return [_recorded(row) for row in await self._sql.rows("history_stretch", **bounds, most=most)]

    async def verbs(self, since: float, until: float) -> list[VerbCount]:
        """Count what was decided."""
        rows = await self._sql.rows("history_verbs", since=since, until=until)
        return [VerbCount(row["verb"], bool(row["enforced"]), row["n"], row["since"]) for row in rows]

    async def forget(self, before: float, *, rows: int, most: int) -> int:
        """Forget the oldest records."""
        gone = await self._sql.run("forget_history", before=before, most=most)
        return gone + await self._sql.run("trim_history", rows=rows, most=most - gone)


def history_row(seq: int, about: Row, settled: Settled) -> dict[str, object] | None:
    """Write a record; None for a decision that is none of the policy: by a person, or by a brake.

    `about` has the activity's `object_id`, `actor`, `server`, `kind` and `received_at`.
    """
    decision = settled.decision
    if not decision.policy or settled.brake is not None:
        return None
    facts = codec.json(shortened(settled.facts))
    return {
        "seq": seq,
        "object_id": settled.about or about["object_id"],
        "actor": author_of(about["kind"], about["actor"], settled.facts),
        "server": about["server"],
        "kind": about["kind"],
        "received_at": about["received_at"],
        "decided_at": settled.at,
        "verb": decision.would.value,
        "enforced": int(decision.enforced),
        "rule": decision.rule,
        "reason": decision.reason,
        "policy": decision.policy,
        "facts": facts if len(facts) <= LARGEST else "",
    }


def _recorded(row: Row) -> Recorded:
    return Recorded(
        seq=row["seq"],
        object_id=row["object_id"],
        actor=row["actor"],
        server=row["server"],
        kind=row["kind"],
        received_at=row["received_at"],
        decided_at=row["decided_at"],
        verb=row["verb"],
        enforced=bool(row["enforced"]),
        rule=row["rule"],
        reason=row["reason"],
        policy=row["policy"],
        facts=_facts(row["facts"]),
    )


def _facts(text: str) -> Mapping[str, object] | None:
    try:
        found = orjson.loads(text)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None
