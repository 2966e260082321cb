"""The log and how far each subscriber has come."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Final

from relay.adapters.sql import codec
from relay.adapters.sql.shares import WATERMARK, cursors, held_row
from relay.domain.delivery import Host, Progress, Reached, Straggler
from relay.domain.errors import Superseded
from relay.domain.subscription import SERVED
from relay.ports.fanout import NOTHING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from relay.adapters.sql.queries import Queries
    from relay.domain.delivery import Gap, Saved
    from relay.domain.log import LogEntry
    from relay.domain.shares import Held
    from relay.domain.subscriber_profile import Skip
    from relay.domain.traits import Traits


WITHDRAWALS: Final = "withdrawals"
GAPS_KEPT: Final = 100
"""Gaps of one subscriber that are kept, the newest."""


class SqlFanout:
    """Port `Fanout` on SQL."""

    def __init__(self, queries: Queries) -> None:
        self._sql = queries

    async def head(self) -> int:
        """Return the last position ever used."""
        head: int = await self._sql.value("last_position")
        return head

    async def withdrawals(self) -> int:
        """Return a number that grows whenever entries were taken out of the log before their time."""
        count: int | None = await self._sql.value("mark", name=WITHDRAWALS)
        return count or 0

    async def entries(self, after: int, upto: int, *, stopped: bool = False) -> list[LogEntry]:
        """Return a stretch of the log."""
        rows = await self._sql.rows("log_between", after=after, upto=upto, stopped=stopped)
        return [codec.log_entry(row) for row in rows]

    async def progress(self) -> dict[int, Progress]:
        """Return the saved progress of every subscription."""
        cursor = await cursors(self._sql)
        stragglers: defaultdict[int, dict[int, Straggler]] = defaultdict(dict)
        left_open: defaultdict[int, set[int]] = defaultdict(set)
        for row in await self._sql.rows("all_stragglers"):
            straggler = Straggler(row["attempts"], row["due_at"], row["error"])
            stragglers[row["subscription"]][row["position"]] = straggler
        for row in await self._sql.rows("open_positions"):
            left_open[row["subscription"]].add(row["position"])
        found = {}
        for row in await self._sql.rows("all_subscriptions"):
            reached = Reached(cursor(row), frozenset(left_open.get(row["id"], ())))
            found[row["id"]] = Progress.after(reached, stragglers.get(row["id"], {}))
        return found

    async def straggling(self) -> dict[int, str]:
        """Return the object at each position that straggles for anybody."""
        rows = await self._sql.rows("objects_straggling")
        return {row["position"]: row["object_id"] for row in rows}

    async def save(
        self,
        saved: Saved,
        *,
        moved: Mapping[int, Reached | None],
        stragglers: Mapping[tuple[int, int], Straggler | None],
        hosts: Mapping[str, Host],
        counts: Mapping[int, tuple[int, int, int]],
        skipped: Mapping[tuple[int, Skip], int],
        gaps: Mapping[int, Gap] = NOTHING,
        held: Held | None = None,
    ) -> None:
        """Write a checkpoint: one statement, and a row for each that is not with the pack and moved."""
        if held is None:
            await self._sql.run("set_mark", name=WATERMARK, value=saved.watermark)
        else:
            moves = await self._sql.run("move_shares", watermark=saved.watermark, **held_row(held))
            if moves != len(held.shares):
                raise Superseded
            await self._sql.run("follow_shares")
        for who, gap in gaps.items():
            await self._add_gap(who, gap)
        await self._move(moved)
        await self._sql.many(
            "save_straggler",
            [
                {
                    "subscription": who,
                    "position": position,
                    "attempts": straggler.attempts,
                    "due_at": straggler.due_at,
                    "error": straggler.error,
                }
                for (who, position), straggler in stragglers.items()
                if straggler is not None
            ],
        )
        await self._sql.many(
            "drop_straggler",
            [
                {"subscription": who, "position": position}
                for (who, position), straggler in stragglers.items()
                if straggler is None
            ],
        )
        await self._sql.many("save_host", [codec.host_row(server, host) for server, host in hosts.items()])
        await self._sql.many(
            "add_counts",
            [
                {"id": who, "delivered": delivered, "refused": refused, "failed": failed}
                for who, (delivered, refused, failed) in counts.items()
            ],
        )
        await self._sql.many(
            "add_skipped",
            [
                {"subscription": who, "reason": reason.value, "times": times}
                for (who, reason), times in skipped.items()
            ],
        )

    async def first(self, object_id: str) -> tuple[int, Traits] | None:
        """Return where in the log an object was published first, and what it was then."""
        return codec.first(await self._sql.row("first_published", object_id=object_id))

    async def missing(self, position: int) -> set[int]:
        """Return the subscriptions that have a gap over a position."""
        return {row["subscription"] for row in await self._sql.rows("gaps_over", position=position)}

    async def hosts(self) -> dict[str, Host]:
        """Return the saved health of servers."""
        return {
            row["server"]: Host(
                row["failures"], row["retry_at"], row["error"], row["failing_since"], row["succeeded_at"]
            )
            for row in await self._sql.rows("all_hosts")
        }

    async def rfc9421_servers(self, now: float) -> dict[str, float]:
        """Return the servers that take RFC 9421, each with the time until which that is believed."""
        return {row["server"]: row["until"] for row in await self._sql.rows("rfc9421_servers", now=now)}

    async def save_rfc9421_server(self, server: str, until: float | None, *, now: float, most: int) -> None:
        """Write whether a server takes RFC 9421 (None: no longer); keep `most` servers."""
        if until is None:
            await self._sql.run("drop_rfc9421_server", server=server)
        else:
            await self._sql.run("save_rfc9421_server", server=server, until=until)
        await self._sql.run("trim_rfc9421_servers", now=now, most=most)

    async def prunable(self, before: float) -> int | None:
        """Return the last position that retention ended for."""
        last: int | None = await self._sql.value("oldest_kept", before=before)
        return last

    async def prune(self, upto: int) -> None:
        """Forget the log up to a position, as far as everybody who is served has come."""
        cursor = await cursors(self._sql)
        rows = await self._sql.rows("all_subscriptions")
        least = min((cursor(row) for row in rows if row["state"] in SERVED), default=upto)
        await self._sql.run("prune_log", upto=min(upto, least))

    async def _move(self, moved: Mapping[int, Reached | None]) -> None:
        """Write how far subscriptions have come, and what they left open instead of what they had."""
        if moved:
            await self._sql.run("close_open", subscriptions=codec.json(list(moved)))
        rows = [{"id": who, "cursor": None if at is None else at.upto} for who, at in moved.items()]
        await self._sql.many("set_cursors", rows)
        left_open = [
            {"subscription": who, "position": position}
            for who, at in moved.items()
            if at is not None
            for position in sorted(at.open)
        ]
        await self._sql.many("save_open", left_open)

    async def _add_gap(self, who: int, gap: Gap) -> None:
        """Record a gap. One that goes on grows, so that who is away for good costs one row."""
        lost = {"subscription": who, "after": gap.after, "last": gap.upto}
        if not await self._sql.run("grow_gap", **lost):
            await self._sql.run("add_gap", **lost, at=gap.at)
            await self._sql.run("trim_gaps", subscription=who, most=GAPS_KEPT)
