"""Received activities, decisions about them, and holds."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from relay.adapters.sql import codec
from relay.adapters.sql.fanout import WITHDRAWALS
from relay.adapters.sql.history import history_row
from relay.domain.activity import loop_key
from relay.domain.log import ActivityState, HoldState, LongHeld

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from relay.adapters.sql.queries import Change, Queries
    from relay.domain.intake import Hold, Incoming, Item, Settled, Work
    from relay.domain.log import NewEntry
    from relay.domain.traits import Traits

_WITHDRAWN: Final = b"{}"


class SqlActivities:
    """Port `Activities` on SQL."""

    def __init__(self, queries: Queries) -> None:
        self._sql = queries

    async def receive(self, batch: Sequence[tuple[Incoming, Settled | None]]) -> list[int | None]:
        """Store what is new, in a handful of statements however large the batch."""
        wanted = [key for incoming, _ in batch for key in (*incoming.keys, *incoming.unless)]
        seen, seq, head = await asyncio.gather(  # which wait for the database together, as with `Queries.all`
            self._sql.rows("seen_among", keys=codec.json(wanted)),
            self._sql.value("last_activity"),
            self._sql.value("last_position"),
        )
        known = {row["key"] for row in seen}
        numbers: list[int | None] = []
        stored: list[tuple[int, Incoming, Settled | None]] = []
        for incoming, settled in batch:
            if known.intersection((*incoming.keys, *incoming.unless)):
                numbers.append(None)
                continue
            known.update(incoming.keys)
            seq += 1
            numbers.append(seq)
            stored.append((seq, incoming, settled))
        if stored:
            placed = await self._place([(number, settled) for number, _, settled in stored if settled], head)
            keys = [{"key": key, "at": new.received_at} for _, new, _ in stored for key in new.keys]
            await self._sql.all(
                ("remember", keys),
                ("set_mark", {"name": "activity", "value": seq}),
                ("add_activities", [_activity(n, new, done, placed.of.get(n)) for n, new, done in stored]),
                *placed.changes,
                *_decided([(n, _about(new), settled) for n, new, settled in stored if settled]),
            )
        return numbers

    async def claim(self, *, now: float, until: float, most: int) -> list[Work]:
        """Take work that is due by moving its due time."""
        rows = await self._sql.rows("due_activities", now=now, most=most)
        await self._sql.many("lease_activities", [{"seq": row["seq"], "until": until} for row in rows])
        return [codec.work(row) for row in rows]

    async def keep(self, work: Work, until: float) -> None:
        """Keep work that was claimed until another time; nothing when it is somebody else's by now."""
        await self._sql.run("keep_activity", seq=work.seq, attempts=work.attempts, until=until)

    async def next_due(self) -> float | None:
        """When the next work falls due."""
        due: float | None = await self._sql.value("next_due_activity")
        return due

    async def waiting(self) -> int:
        """How many activities wait for screening."""
        count: int = await self._sql.value("waiting_activities")
        return count

    async def settle(
        self, seq: int, settled: Settled, items: Sequence[Item], *, attempt: int | None = None
    ) -> bool:
        """Write a decision, the media lines, the log entry and the new state together."""
        row = await self._sql.row("activity_by_seq", seq=seq)
        if row is None or row["state"] == ActivityState.WITHDRAWN:
            return False  # its own server deleted it meanwhile: nothing of it may go out any more
        if attempt is not None and attempt != row["attempts"]:
            return False
        if settled.about is not None and not await self._rename(seq, settled.about, settled.at):
            return False
        head: int = await self._sql.value("last_position") if settled.entry is not None else 0
        placed = await self._place([(seq, settled)], head)
        state = {"state": settled.state.value, "due_at": settled.due_at, "position": placed.of.get(seq)}
        await self._sql.all(
            ("save_activity_media", [codec.item_row(seq, n, item) for n, item in enumerate(items)]),
            ("settle_activity", {"seq": seq, **state}),
            ("leave_brake", [{"seq": seq}] if settled.brake is None else []),
            *placed.changes,
            *_decided([(seq, row, settled)]),
        )
        return True

    async def postpone(self, seq: int, due_at: float) -> None:
        """Look at the activity again at a time."""
        await self._sql.run(
            "settle_activity",
            seq=seq,
            state=ActivityState.SCREENING.value,
            due_at=due_at,
            position=None,
        )

    async def about(self, text: str) -> list[Mapping[str, object]]:
        """Return activities with their decisions, media, hold and time of publication."""
        number = int(text) if text.isascii() and text.isdigit() and len(text) < 16 else 0
        found: list[Mapping[str, object]] = []
        for row in await self._sql.rows("activities_about", text=text, seq=number):
            decisions = await self._sql.rows("decisions_of", seq=row["seq"])
            media = await self._sql.rows("media_of", seq=row["seq"])
            hold = await self._sql.row("hold_of", seq=row["seq"])
            found.append(
                {
                    **row,
                    "decisions": [dict(d) for d in decisions],
                    "media": [dict(m) for m in media],
                    "hold": None if hold is None else dict(hold),
                    "deleted": row["body"] == _WITHDRAWN,
                }
            )
        return found

    async def withdraw(self, object_id: str, at: float, *, whole_actor: bool = False) -> set[str]:
        """Purge an object that its own server deleted, or everything of an actor; return the objects."""
        about = {"object_id": object_id, "whose": object_id if whole_actor else None}
        await self._sql.run("recall_deleted", **about, at=at)
        await self._sql.run("withdraw_history", object_id=object_id)
        if whole_actor:
            await self._sql.run("withdraw_history_of", actor=object_id)
        gone = {row["object_id"] for row in await self._sql.rows("objects_of", **about)}
        if not gone:
            return {object_id}  # most deletions are of what never came here
        await self._sql.run("withdraw_activities", **about)
        await self._sql.run("withdraw_holds", at=at, **about)
        await self._unpublish(**about)
        await self._sql.run("drop_media_of", **about)
        await self._sql.run("blank_activities", body=_WITHDRAWN, **about)
        return gone | {object_id}

    async def take_back(self, actor: str) -> set[str]:
        """Deliver no more of what an actor published; return the ids of its objects."""
        about = {"object_id": actor, "whose": actor}
        found = {row["object_id"] for row in await self._sql.rows("objects_of", **about)}
        await self._unpublish(**about)
        return found

    async def _unpublish(self, **about: str | None) -> None:
        if await self._sql.run("unpublish", **about):
            await self._sql.run("touch_mark", name=WITHDRAWALS)

    async def remember(self, keys: Sequence[str], at: float) -> None:
        """Keep out what has one of these keys, as long as the log is kept."""
        await self._sql.many("remember", [{"key": key, "at": at} for key in keys])

    async def renew(self, object_id: str, body: bytes, now: float) -> bool:
        """Screen an object anew that was changed before it was published; False when there is none."""
        await self._sql.run("supersede_updates", object_id=object_id)
        renewed = await self._sql.run("renew_activities", object_id=object_id, body=body, now=now)
        await self._sql.run("renew_holds", at=now, object_id=object_id)
        return bool(renewed)

    async def hold(self, hold_id: int) -> Hold | None:
        """Return one hold."""
        row = await self._sql.row("hold_by_id", id=hold_id)
        return None if row is None else codec.hold(row)

    async def holds(self, state: HoldState, most: int) -> list[Hold]:
        """Return the newest holds in a state."""
        return [codec.hold(row) for row in await self._sql.rows("holds_in", state=state.value, most=most)]

    async def open_hold_of(self, seq: int) -> int | None:
        """Return the number of the open hold of an activity."""
        number: int | None = await self._sql.value("open_hold_of", seq=seq)
        return number

    async def long_held(self, before: float) -> LongHeld | None:
        """Return what is held since before a time."""
        row = await self._sql.row("long_held", before=before)
        return None if row is None or not row["n"] else LongHeld(row["n"], row["newest"], row["at"])

    async def settle_hold(
        self, hold_id: int, state: HoldState, *, at: float, who: str, note: str | None
    ) -> bool:
        """Write what became of an open hold."""
        return bool(
            await self._sql.run("settle_hold", id=hold_id, state=state.value, at=at, who=who, note=note)
        )

    async def counts(self, since: float) -> dict[str, dict[str, int]]:
        """Count activities and decisions since a time, holds by state."""
        decisions: dict[str, int] = {}
        for row in await self._sql.rows("count_decisions", since=since):
            decisions[row["effective"]] = decisions.get(row["effective"], 0) + row["n"]
        activities = await self._sql.rows("count_activities", since=since)
        holds = await self._sql.rows("count_holds")
        return {
            "activities": {row["state"]: row["n"] for row in activities},
            "decisions": decisions,
            "holds": {row["state"]: row["n"] for row in holds},
        }

    async def forget(self, before: float, *, decisions: float) -> None:
        """Forget activities older than `before`, and decisions older than `decisions` about what is gone."""
        await self._sql.run("forget_activities", before=before)
        await self._sql.run("forget_activity_media")
        await self._sql.run("forget_decisions", before=decisions)
        await self._sql.run("forget_holds")
        await self._sql.run("forget_seen", before=before)

    async def _rename(self, seq: int, object_id: str, at: float) -> bool:
        """Let an activity be about another object, unless that was relayed or deleted before."""
        keys = [loop_key("Create", object_id), loop_key("Delete", object_id)]
        if await self._sql.rows("seen_among", keys=codec.json(keys)):
            return False
        await self._sql.many("remember", [{"key": keys[0], "at": at}])
        await self._sql.run("rename_activity", seq=seq, object_id=object_id)
        return True

    async def _place(self, settled: Sequence[tuple[int, Settled]], head: int) -> _Placed:
        """Choose the positions of what is published, behind the head of the log."""
        published = [(seq, done.entry, done.at) for seq, done in settled if done.entry is not None]
        if not published:
            return _Placed({}, [])
        rows = []
        before: dict[str, tuple[int, Traits]] = {}
        for position, (seq, entry, at) in enumerate(published, head + 1):
            placed = await self._after(entry, before)
            found = codec.first_of(position, placed.traits)
            if found is not None:
                before.setdefault(entry.object_id, found)
            rows.append({"position": position, "seq": seq, "published_at": at, **codec.log_row(placed)})
        # Deleting an object may empty the end of the log; a position must never be used twice.
        mark = {"name": "head", "value": head + len(rows)}
        of = {seq: head + n for n, (seq, _, _) in enumerate(published, 1)}
        return _Placed(of, [("add_log", rows), ("set_mark", mark)])

    async def _after(self, entry: NewEntry, before: Mapping[str, tuple[int, Traits]]) -> NewEntry:
        """Note with an edit what was edited; `before` is what stands in the same batch."""
        if entry.traits.kind != "Update":
            return entry
        found = codec.first(await self._sql.row("first_published", object_id=entry.object_id))
        found = found or before.get(entry.object_id)
        if found is None:
            return entry
        return replace(entry, traits=replace(entry.traits, first=found[0], original=found[1]))


class _Placed(NamedTuple):
    """The positions `of` activities in the log, by their numbers, and what writes them there."""

    of: Mapping[int, int]
    changes: Sequence[Change]


def _decided(settled: Sequence[tuple[int, Mapping[str, Any], Settled]]) -> list[Change]:
    """Return what writes the decisions about activities."""
    kept = [history_row(seq, about, done) for seq, about, done in settled]
    held = [(seq, done) for seq, _, done in settled if done.state is ActivityState.HELD]
    return [
        ("add_decisions", [codec.decision_row(seq, done) for seq, _, done in settled]),
        ("keep_history", [row for row in kept if row is not None]),
        ("add_braked", [_braked(seq, done) for seq, _, done in settled if done.brake]),
        ("add_holds", [_hold(seq, done) for seq, done in held]),
    ]


def _hold(seq: int, settled: Settled) -> dict[str, object]:
    decision = settled.decision
    return {"seq": seq, "reason": decision.reason, "rule": decision.rule, "created_at": settled.at}


def _activity(seq: int, new: Incoming, settled: Settled | None, position: int | None) -> dict[str, object]:
    return {
        "seq": seq,
        "activity_id": new.activity_id,
        "kind": new.kind,
        "actor": new.actor,
        "server": new.server,
        "object_id": new.object_id,
        "body": new.body,
        "received_at": new.received_at,
        "tokens": codec.json(new.tokens),
        "state": (settled.state if settled else ActivityState.SCREENING).value,
        "due_at": settled.due_at if settled else new.received_at,
        "position": position,
        "proven": new.proven.by.value if new.proven else None,
        "forward_until": new.proven.until if new.proven else None,
    }


def _about(new: Incoming) -> dict[str, object]:
    """Return what a decision is about, as a row of it says."""
    names = ("object_id", "actor", "server", "kind", "received_at")
    return {name: getattr(new, name) for name in names}


def _braked(seq: int, settled: Settled) -> dict[str, object]:
    stopped = settled.state in {ActivityState.HELD, ActivityState.DEFERRED}
    return {"seq": seq, "brake": settled.brake, "state": "open" if stopped else "observed"}
