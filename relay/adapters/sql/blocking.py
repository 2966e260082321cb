"""Blocklists with their batches, opt-outs, and what the relay itself suspended."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from relay.adapters.sql import codec
from relay.domain.blocklist import BatchState, Change, Effect, ListedServer, gained_and_lost
from relay.domain.moderation import Batch, Cause, ListState, OptOut
from relay.domain.subscription import State

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from relay.adapters.sql.queries import Queries

    Row = Mapping[str, Any]


class SqlBlocking:
    """Port `Blocking` on SQL."""

    def __init__(self, queries: Queries) -> None:
        self._sql = queries

    async def version(self) -> int:
        """Return a number that grows whenever what is in force of a list changed."""
        version: int = await self._sql.value("mark", name="blocks") or 0
        return version

    async def opt_outs_version(self) -> int:
        """Return a number that grows whenever somebody opted out, or in again."""
        version: int = await self._sql.value("mark", name="opt_outs") or 0
        return version

    # ------------------------------------------------------------------ lists

    async def states(self) -> dict[str, ListState]:
        """Return how each list does, by name."""
        return {row["name"]: ListState(**row) for row in await self._sql.rows("blocklist_states")}

    async def save_state(self, state: ListState) -> None:
        """Write how a list does."""
        await self._sql.run(
            "save_blocklist_state",
            name=state.name,
            source=state.source,
            etag=state.etag,
            modified=state.modified,
            cursor=state.cursor,
            loaded_at=state.loaded_at,
            checked_at=state.checked_at,
            next_at=state.next_at,
            failures=state.failures,
            error=state.error,
            obfuscated=state.obfuscated,
            unusable=state.unusable,
        )

    async def observed(self, counts: Mapping[str, int]) -> None:
        """Add to what each list would have refused."""
        await self._sql.many("add_observed", [{"name": name, "n": n} for name, n in counts.items()])

    async def source(self, name: str) -> dict[str, ListedServer]:
        """Return what a source said when it was read last, by server."""
        return {row["server"]: _listed(row) for row in await self._sql.rows("blocklist_source_of", list=name)}

    async def save_source(self, name: str, changes: Sequence[Change]) -> None:
        """Write what a source says now."""
        await self._sql.many("save_blocklist_source", _saved(name, changes))
        await self._sql.many("drop_blocklist_source", _dropped(name, changes))

    async def entries(self, name: str) -> dict[str, ListedServer]:
        """Return what is in force of a list, by server."""
        return {
            row["server"]: _listed(row) for row in await self._sql.rows("blocklist_entries_of", list=name)
        }

    async def named(self, name: str) -> list[tuple[str, Effect]]:
        """Return the servers that a list in force names, and to what effect; cheaper than `entries`."""
        effects = {effect.value: effect for effect in Effect}
        rows = await self._sql.rows("blocklist_servers_of", list=name)
        return [(row["server"], effects[row["effect"]]) for row in rows]

    async def sizes(self) -> dict[str, dict[str, int]]:
        """Count what is in force by list and effect."""
        found: dict[str, dict[str, int]] = {}
        for row in await self._sql.rows("count_blocklist_entries"):
            found.setdefault(row["list"], {})[row["effect"]] = row["n"]
        return found

    async def put_in_force(self, name: str, batch: int, changes: Sequence[Change]) -> None:
        """Change what is in force."""
        saved = [{**row, "batch": batch} for row in _saved(name, changes)]
        await self._sql.many("save_blocklist_entry", saved)
        await self._sql.many("drop_blocklist_entry", _dropped(name, changes))
        await self._sql.run("touch_mark", name="blocks")

    # ------------------------------------------------------------------ batches

    async def add_batch(
        self, *, name: str, at: float, who: str, source: str, state: BatchState, changes: Sequence[Change]
    ) -> int:
        """Record a batch; return its number."""
        gained, lost = gained_and_lost(changes)
        number: int = await self._sql.value(
            "add_blocklist_batch",
            list=name,
            at=at,
            who=who,
            source=source,
            state=state.value,
            gained=gained,
            lost=lost,
            changes=codec.json([[one.server, _row(one.before), _row(one.after)] for one in changes]),
        )
        return number

    async def batch(self, number: int) -> Batch | None:
        """Return one batch."""
        row = await self._sql.row("blocklist_batch", id=number)
        return None if row is None else _batch(row)

    async def batches(self, name: str | None, most: int) -> list[Batch]:
        """Return the newest batches, of one list or of all, without their changes."""
        return [_batch(row) for row in await self._sql.rows("blocklist_batches_of", list=name, most=most)]

    async def pending(self, name: str) -> list[Batch]:
        """Return the batches of a list that wait for a person."""
        return [_batch(row) for row in await self._sql.rows("pending_batches", list=name)]

    async def decide_batch(self, number: int, state: BatchState, *, at: float, who: str) -> None:
        """Write what became of a batch."""
        await self._sql.run("decide_batch", id=number, state=state.value, at=at, who=who)

    async def kept_back(self, name: str) -> set[tuple[str, Effect | None]]:
        """Return what a person undid or refused."""
        rows = await self._sql.rows("kept_back_of", list=name)
        return {(row["server"], Effect(row["effect"]) if row["effect"] else None) for row in rows}

    async def keep_back(self, name: str, changes: Sequence[Change]) -> None:
        """Remember that these changes are not wanted."""
        await self._sql.many("keep_back", [_unwanted(name, one.server, one.effects[1]) for one in changes])

    async def let_through(self, name: str, changes: Collection[tuple[str, Effect | None]]) -> None:
        """Forget that changes were not wanted."""
        await self._sql.many("let_through", [_unwanted(name, server, effect) for server, effect in changes])

    # ------------------------------------------------------------------ opt-outs, suspensions

    async def opt_outs(self) -> list[OptOut]:
        """Return who blocked the relay, oldest first."""
        return [_opt_out(row) for row in await self._sql.rows("all_opt_outs")]

    async def opt_out(self, actor: str) -> OptOut | None:
        """Return the opt-out of an actor."""
        row = await self._sql.row("opt_out_of", actor=actor)
        return None if row is None else _opt_out(row)

    async def number_of_opt_outs(self, server: str) -> int:
        """Return how many actors of a server blocked the relay."""
        number: int = await self._sql.value("count_opt_outs", server=server)
        return number

    async def add_opt_out(self, opt_out: OptOut) -> None:
        """Remember an opt-out; a repeated one replaces the first."""
        await self._sql.run("touch_mark", name="opt_outs")
        await self._sql.run(
            "add_opt_out",
            actor=opt_out.actor,
            server=opt_out.server,
            whole_server=int(opt_out.whole_server),
            activity_id=opt_out.activity_id,
            at=opt_out.at,
        )

    async def drop_opt_out(self, actor: str) -> bool:
        """Forget an opt-out; False when there was none."""
        dropped = bool(await self._sql.run("drop_opt_out", actor=actor))
        if dropped:
            await self._sql.run("touch_mark", name="opt_outs")
        return dropped

    async def suspensions(self) -> dict[int, tuple[Cause, State]]:
        """Return what the relay itself suspended: by subscription, the cause and the state before."""
        rows = await self._sql.rows("all_suspensions")
        return {row["subscription"]: (Cause(row["cause"]), State(row["before"])) for row in rows}

    async def suspend(self, subscription: int, cause: Cause, before: State, at: float) -> None:
        """Remember that the relay suspended a subscription, in place of an older cause."""
        await self._sql.run(
            "add_suspension", subscription=subscription, cause=cause.value, before=before.value, at=at
        )

    async def unsuspend(self, subscription: int) -> bool:
        """Forget that the relay suspended a subscription; False when it did not."""
        return bool(await self._sql.run("drop_suspension", subscription=subscription))


def _listed(row: Row) -> ListedServer:
    return ListedServer(row["server"], Effect(row["effect"]), row["severity"], row["comment"], row["ref"])


def _saved(name: str, changes: Sequence[Change]) -> list[dict[str, object]]:
    return [
        {
            "list": name,
            "server": one.server,
            "effect": one.after.effect.value,
            "severity": one.after.severity,
            "comment": one.after.comment,
            "ref": one.after.ref,
        }
        for one in changes
        if one.after is not None
    ]


def _dropped(name: str, changes: Sequence[Change]) -> list[dict[str, object]]:
    return [{"list": name, "server": one.server} for one in changes if one.after is None]


def _row(entry: ListedServer | None) -> list[str] | None:
    return None if entry is None else [entry.effect.value, entry.severity, entry.comment, entry.ref]


def _entry(server: str, row: list[str] | None) -> ListedServer | None:
    return None if row is None else ListedServer(server, Effect(row[0]), *row[1:])


def _batch(row: Row) -> Batch:
    changes = tuple(
        Change(server, _entry(server, before), _entry(server, after))
        for server, before, after in orjson.loads(row["changes"])
    )
    kept = {name: row[name] for name in ("id", "list", "at", "who", "source", "gained", "lost")}
    decided = {name: row[name] for name in ("decided_at", "decided_by")}
    return Batch(**kept, **decided, state=BatchState(row["state"]), changes=changes)


def _unwanted(name: str, server: str, effect: Effect | None) -> dict[str, object]:
    return {"list": name, "server": server, "effect": effect.value if effect else ""}


def _opt_out(row: Row) -> OptOut:
    return OptOut(row["actor"], row["server"], bool(row["whole_server"]), row["activity_id"], row["at"])
