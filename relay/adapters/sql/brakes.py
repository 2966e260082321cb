"""Brakes, what they stopped, and since when accounts are known."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import orjson

from relay.adapters.sql import codec
from relay.domain.log import ActivityState, HoldState
from relay.domain.policy_rules import Verb
from relay.domain.waves.brake import Brake, BrakeState, Kind, cover_of
from relay.domain.waves.waiting import Stopped, Waiting

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from relay.adapters.sql.queries import Queries
    from relay.domain.intake import Hold, Settled

    Row = Mapping[str, Any]

_MARK: Final = "brakes"
_WAITING: Final = frozenset({ActivityState.HELD, ActivityState.DEFERRED})


class SqlBrakes:
    """Port `Brakes` on SQL."""

    def __init__(self, queries: Queries) -> None:
        self._sql = queries

    async def version(self) -> int:
        """Return a number that grows whenever a brake came or changed."""
        return await self._sql.value("mark", name=_MARK) or 0

    async def in_force(self, since: float) -> list[Brake]:
        """Return those that are on, and those that ended after `since`, oldest first."""
        return [_brake(row) for row in await self._sql.rows("brakes_in_force", since=since)]

    async def newest(self, kinds: Collection[Kind], most: int) -> list[Brake]:
        """Return the newest of some kinds."""
        return [
            _brake(row)
            for row in await self._sql.rows("newest_brakes", kinds=codec.json(sorted(kinds)), most=most)
        ]

    async def unfinished(self) -> list[Brake]:
        """Return those that a person released or ended while something still waits that should not."""
        return [_brake(row) for row in await self._sql.rows("unfinished_brakes")]

    async def by_id(self, brake_id: int) -> Brake | None:
        """Return one."""
        row = await self._sql.row("brake_by_id", id=brake_id)
        return None if row is None else _brake(row)

    async def add(self, brake: Brake) -> int:
        """Put one on; return its number."""
        await self._sql.run("touch_mark", name=_MARK)
        cover = codec.json(brake.cover.as_json())
        number: int = await self._sql.value(
            "add_brake",
            **_changing(brake),
            kind=brake.cover.kind.value,
            cover=cover,
            observed=brake.observed,
            started_at=brake.started_at,
            who=brake.who,
            note=brake.note,
            evidence=codec.json(dict(brake.evidence)),
            before=codec.json(brake.before),
        )
        return number

    async def save(self, brake: Brake) -> None:
        """Write what changes: verb, state, end."""
        await self._sql.run("touch_mark", name=_MARK)
        await self._sql.run("save_brake", id=brake.id, **_changing(brake))

    async def stopped(self, brake_ids: Collection[int]) -> dict[int, Stopped]:
        """Count what some stopped; zeros for one that stopped nothing."""
        counts: dict[int, dict[str, int]] = {one: {} for one in brake_ids}
        for row in await self._sql.rows("count_braked", brakes=codec.json(sorted(brake_ids))):
            became = row["state"]
            if became == "open":  # its author may have deleted it, or changed it so that it is screened anew
                became = row["now"] if row["now"] in _WAITING else "left"
            of_one = counts[row["brake"]]
            of_one[became] = of_one.get(became, 0) + row["n"]
        return {one: Stopped(**of_one) for one, of_one in counts.items()}

    async def waiting(self, brake_id: int, most: int, *, held: bool = True) -> list[Waiting]:
        """Return what one stopped and still waits, oldest first; without `held` only what is deferred."""
        return _waiting(await self._sql.rows("waiting_of_brake", brake=brake_id, most=most, held=held))

    async def purged(self, brake_id: int, most: int) -> list[Waiting]:
        """Return what was dropped with one and is still kept, oldest first."""
        return _waiting(await self._sql.rows("purged_of_brake", brake=brake_id, most=most))

    async def holds(self, brake_id: int, state: HoldState, most: int) -> list[Hold]:
        """Return the newest holds in a state that are due to one."""
        rows = await self._sql.rows("holds_of_brake", brake=brake_id, state=state.value, most=most)
        return [codec.hold(row) for row in rows]

    async def screen_again(self, due: Mapping[int, float], *, at: float, who: str, note: str) -> None:
        """Let activities go through the policy again, each at its time; holds of them are released."""
        await self._sql.many("screen_again", [{"seq": seq, "due_at": when} for seq, when in due.items()])
        await self._close(due, "released", HoldState.RELEASED, {"at": at, "who": who, "note": note})

    async def drop(self, seqs: Sequence[int], settled: Settled, *, who: str, note: str) -> None:
        """Never publish activities, and write the decision with each; holds of them are dropped."""
        await self._sql.many("drop_activities", [{"seq": seq} for seq in seqs])
        await self._sql.many("add_decisions", [codec.decision_row(seq, settled) for seq in seqs])
        await self._close(seqs, "purged", HoldState.DROPPED, {"at": settled.at, "who": who, "note": note})

    async def delay(self, brake_id: int, seconds: float) -> None:
        """Look at what one has deferred so much later."""
        await self._sql.run("delay_braked", brake=brake_id, seconds=seconds)

    async def first_server(self) -> float | None:
        """Return when the relay first heard of any server."""
        at: float | None = await self._sql.value("first_server")
        return at

    async def account_seen(self, actor: str) -> float | None:
        """Return when an account was seen first; None when that was not noted."""
        at: float | None = await self._sql.value("account_seen", actor=actor)
        return at

    async def see_accounts(self, seen: Mapping[str, float]) -> None:
        """Note when accounts were seen first; the first time stays."""
        await self._sql.many("see_accounts", [{"actor": actor, "at": at} for actor, at in seen.items()])

    async def forget(self, before: float, *, accounts: int) -> None:
        """Forget what ended before a time and holds nothing; of accounts so many stay."""
        await self._sql.run("forget_braked")
        await self._sql.run("forget_brakes", before=before)
        await self._sql.run("trim_accounts", most=accounts)

    async def _close(
        self, seqs: Iterable[int], became: str, hold: HoldState, decided: Mapping[str, object]
    ) -> None:
        rows = [{"seq": seq, **decided} for seq in seqs]
        await self._sql.many("close_holds", [{**row, "state": hold.value} for row in rows])
        await self._sql.many("close_braked", [{"seq": row["seq"], "state": became} for row in rows])


def _changing(brake: Brake) -> dict[str, object]:
    return {
        "verb": brake.verb.value,
        "state": brake.state.value,
        "until": brake.until,
        "latest": brake.latest,
        "ended_at": brake.ended_at,
        "ended_by": brake.ended_by,
    }


def _brake(row: Row) -> Brake:
    return Brake(
        id=row["id"],
        cover=cover_of(Kind(row["kind"]), orjson.loads(row["cover"])),
        verb=Verb(row["verb"]),
        observed=bool(row["observed"]),
        state=BrakeState(row["state"]),
        started_at=row["started_at"],
        until=row["until"],
        latest=row["latest"],
        who=row["who"],
        note=row["note"],
        evidence=orjson.loads(row["evidence"]),
        before=tuple(orjson.loads(row["before"])),
        ended_at=row["ended_at"],
        ended_by=row["ended_by"],
    )


def _waiting(rows: Sequence[Row]) -> list[Waiting]:
    return [Waiting(**{**row, "state": ActivityState(row["state"])}) for row in rows]
