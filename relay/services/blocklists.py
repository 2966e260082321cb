"""Blocklists that others keep: refreshed on a schedule, applied in batches that can be looked at and undone.

A refresh reads the source, compares what it says with what is in force, and either applies the difference as a batch
or, when it is suddenly large, leaves it pending for a person. A refresh that fails changes nothing. What a person undid
or refused stays away until the source itself takes it back.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from relay.domain import alertwords
from relay.domain.blocklist import (
    BatchState,
    Change,
    differences,
    gained_and_lost,
    is_sudden,
)
from relay.domain.delivery import backoff
from relay.domain.errors import Conflict, NotFound, RelayError, RemoteError
from relay.domain.moderation import Batch, ListState
from relay.services.blocksources import SourceRead, Unchanged

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from relay.domain.blocklist import Blocklist, Effect, ListedServer
    from relay.ports import Clock, Store, Tx
    from relay.services.alerts import Alerts
    from relay.services.blocksources import BlockSources

LOOK_EVERY: Final = 30.0
"""Seconds between two looks whether a list is due."""
SHORTEST: Final = 300.0
"""Seconds between two refreshes of a list, whatever is configured."""
RETRY_LATER: Final = 4
"""`backoff` starts so many doublings late: a list is no hurry, and its keeper has other readers."""
TOLD_AFTER: Final = 3
"""Failures in a row after which people are told: a single one is nobody's business."""
SCHEDULE: Final = "schedule"
"""Who refreshes lists when nobody asks for it."""

_log: Final = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Preview:
    """What a refresh would change. `sudden`: it would wait for a person."""

    list: str
    size: int
    changes: tuple[Change, ...]
    sudden: bool
    obfuscated: int
    unusable: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a refresh did. `batch` is None when nothing changed; `pending` when it waits for a person."""

    list: str
    batch: int | None
    gained: int = 0
    lost: int = 0
    pending: bool = False
    error: str | None = None


class Blocklists:
    """Looks after the configured lists. The commands of the operator and the schedule use the same methods.

    `lists` may be replaced while running: each method works on those that there were when it began.
    """

    def __init__(self, store: Store, clock: Clock, lists: Sequence[Blocklist], alerts: Alerts) -> None:
        self._store, self._clock, self._alerts = store, clock, alerts
        self.lists: Mapping[str, Blocklist] = {one.name: one for one in lists}

    def named(self, name: str) -> Blocklist:
        """Return a configured list. Raises `NotFound`."""
        if name not in self.lists:
            raise NotFound(f'no blocklist "{name}" is configured under `federation.blocklists`')
        return self.lists[name]

    # ------------------------------------------------------------------ looking

    async def states(self) -> list[tuple[Blocklist, ListState, dict[str, int], int]]:
        """Return each configured list, how it does, its entries in force by effect, and its pending batches."""
        lists = self.lists
        async with self._store.reading() as tx:
            states, sizes = await tx.blocking.states(), await tx.blocking.sizes()
            pending = {name: len(await tx.blocking.pending(name)) for name in lists}
        return [
            (one, states.get(name) or ListState(name, one.place), sizes.get(name, {}), pending[name])
            for name, one in lists.items()
        ]

    async def batches(self, name: str | None = None, most: int = 20) -> list[Batch]:
        """Return the newest batches, without their changes."""
        async with self._store.reading() as tx:
            return await tx.blocking.batches(name, most)

    async def batch(self, number: int) -> Batch:
        """Return one batch with its changes. Raises `NotFound`."""
        async with self._store.reading() as tx:
            batch = await tx.blocking.batch(number)
        if batch is None:
            raise NotFound(f"there is no batch {number}")
        return batch

    async def entries(self) -> dict[str, dict[str, ListedServer]]:
        """Return what is in force, by list and server."""
        lists = self.lists
        async with self._store.reading() as tx:
            return {name: await tx.blocking.entries(name) for name in lists}

    # ------------------------------------------------------------------ refreshing

    async def preview(self, name: str, sources: BlockSources) -> Preview:
        """Read a source and return what a refresh would change; nothing is written. Raises what reading raises."""
        listed = self.named(name)
        async with self._store.reading() as tx:
            state = await self._state(tx, listed)
            before = await tx.blocking.source(name)
        read = await sources.read(listed, replace(state, etag="", modified=""), before)
        said = SourceRead(before) if isinstance(read, Unchanged) else read
        async with self._store.reading() as tx:
            in_force = await tx.blocking.entries(name)
            kept_back = await tx.blocking.kept_back(name)
        changes = differences(in_force, said.entries, kept_back)
        sudden = state.loaded_at is not None and is_sudden(len(in_force), changes)
        return Preview(name, len(in_force), changes, sudden, said.obfuscated, said.unusable)

    async def refresh(self, name: str, sources: BlockSources, *, who: str = SCHEDULE) -> Outcome:
        """Read a source and apply what changed. A failure changes nothing but the list's state; it is in the answer."""
        return await self.refresh_list(self.named(name), sources, who=who)

    async def refresh_list(self, listed: Blocklist, sources: BlockSources, *, who: str = SCHEDULE) -> Outcome:
        """The same for a list that was configured a moment ago, and may not be any more."""
        name = listed.name
        async with self._store.transaction() as tx:
            state = await self._state(tx, listed)
            before = await tx.blocking.source(name)
            # Whoever comes meanwhile leaves this one alone.
            await tx.blocking.save_state(replace(state, next_at=self._clock.now() + SHORTEST))
        try:
            read = await sources.read(listed, state, before)
        except RelayError as error:
            return await self._failed(listed, state, error)
        async with self._store.transaction() as tx:
            outcome = await self._take(tx, listed, state, read, who)
        if outcome.batch is not None:
            verb = "waits for you" if outcome.pending else "is in force"
            _log.info(
                "blocklist %s: batch %d (+%d -%d) %s", name, outcome.batch, outcome.gained, outcome.lost, verb
            )
        return outcome

    async def _state(self, tx: Tx, listed: Blocklist) -> ListState:
        """How a list does; from another address than before it starts anew."""
        state = (await tx.blocking.states()).get(listed.name) or ListState(listed.name, listed.place)
        if state.source == listed.place:
            return state
        return ListState(listed.name, listed.place, loaded_at=state.loaded_at, observed=state.observed)

    async def _failed(self, listed: Blocklist, state: ListState, error: RelayError) -> Outcome:
        failures = state.failures + 1
        retry_after = error.retry_after if isinstance(error, RemoteError) else None
        rest = backoff(failures + RETRY_LATER, self._clock.jitter(), retry_after)
        next_at = self._clock.now() + min(rest, max(listed.refresh, SHORTEST))
        told = f"{error.code}: {error}"
        _log.warning("blocklist %s could not be refreshed: %s", listed.name, told)
        async with self._store.transaction() as tx:
            await tx.blocking.save_state(replace(state, failures=failures, error=told, next_at=next_at))
            if failures == TOLD_AFTER:
                await self._alerts.note(tx, alertwords.list_fails(listed.name, failures, error.code))
        return Outcome(listed.name, None, error=told)

    async def _take(
        self, tx: Tx, listed: Blocklist, state: ListState, read: SourceRead | Unchanged, who: str
    ) -> Outcome:
        now = self._clock.now()
        spread = 0.9 + 0.2 * self._clock.jitter()
        state = replace(
            state,
            failures=0,
            error=None,
            checked_at=now,
            next_at=now + max(listed.refresh, SHORTEST) * spread,
        )
        name = listed.name
        if isinstance(read, Unchanged):
            await tx.blocking.save_state(state)
            return Outcome(name, None)
        await tx.blocking.save_source(name, _all_differences(await tx.blocking.source(name), read.entries))
        in_force = await tx.blocking.entries(name)
        kept_back = await tx.blocking.kept_back(name)
        # The source changed its mind about what a person had undone: from now on it counts again.
        over = {
            (server, effect)
            for server, effect in kept_back
            if _effect(read.entries.get(server)) is not effect
        }
        await tx.blocking.let_through(name, over)
        changes = differences(in_force, read.entries, kept_back - over)
        sudden = state.loaded_at is not None and is_sudden(len(in_force), changes)
        await tx.blocking.save_state(
            replace(
                state,
                etag=read.etag,
                modified=read.modified,
                cursor=read.cursor,
                loaded_at=now if state.loaded_at is None else state.loaded_at,
                obfuscated=read.obfuscated,
                unusable=read.unusable,
            )
        )
        return await self._record(tx, listed, changes, who=who, sudden=sudden)

    async def _record(
        self, tx: Tx, listed: Blocklist, changes: tuple[Change, ...], *, who: str, sudden: bool
    ) -> Outcome:
        """Apply a difference, or let it wait in place of what waited before."""
        now, name = self._clock.now(), listed.name
        waiting = await tx.blocking.pending(name)
        if sudden and any(_same(one.changes, changes) for one in waiting):
            return Outcome(name, None)
        for one in waiting:
            await tx.blocking.decide_batch(one.id, BatchState.REPLACED, at=now, who=who)
        if not changes:
            return Outcome(name, None)
        state = BatchState.PENDING if sudden else BatchState.APPLIED
        number = await tx.blocking.add_batch(
            name=name, at=now, who=who, source=listed.place, state=state, changes=changes
        )
        gained, lost = gained_and_lost(changes)
        if sudden:
            await self._alerts.note(tx, alertwords.list_waits(name, number, gained, lost))
        else:
            await tx.blocking.put_in_force(name, number, changes)
        await tx.subscribers.audit(
            at=now,
            who=who,
            action=f"blocklist-{state}",
            subject=name,
            detail=f"batch {number}: +{gained} -{lost} from {listed.place}",
        )
        return Outcome(name, number, gained, lost, pending=sudden)

    # ------------------------------------------------------------------ deciding

    async def accept(self, number: int, *, who: str) -> Batch:
        """Apply a batch that waits, was refused or undone. Raises `NotFound`, `Conflict`."""
        states = {BatchState.PENDING, BatchState.REJECTED, BatchState.UNDONE}
        return await self._decide(number, BatchState.APPLIED, states, who=who)

    async def reject(self, number: int, *, who: str) -> Batch:
        """Never apply a batch that waits. Raises `NotFound`, `Conflict`."""
        return await self._decide(number, BatchState.REJECTED, {BatchState.PENDING}, who=who)

    async def undo(self, number: int, *, who: str) -> Batch:
        """Take back a batch that was applied, as far as nothing changed it since. Raises `NotFound`, `Conflict`."""
        return await self._decide(number, BatchState.UNDONE, {BatchState.APPLIED}, who=who)

    async def _decide(self, number: int, state: BatchState, fits: set[BatchState], *, who: str) -> Batch:
        now = self._clock.now()
        async with self._store.transaction() as tx:
            batch = await tx.blocking.batch(number)
            if batch is None:
                raise NotFound(f"there is no batch {number}")
            if batch.state not in fits:
                raise Conflict(f"batch {number} is {batch.state}")
            in_force = await tx.blocking.entries(batch.list)
            wanted = [one if state is BatchState.APPLIED else one.reversed() for one in batch.changes]
            current = [one for one in wanted if _effect(in_force.get(one.server)) is one.effects[0]]
            if state is not BatchState.REJECTED:
                await tx.blocking.put_in_force(batch.list, number, current)
            if state is BatchState.APPLIED:
                await tx.blocking.let_through(
                    batch.list, [(one.server, one.effects[1]) for one in batch.changes]
                )
            else:
                await tx.blocking.keep_back(batch.list, batch.changes)
            await tx.blocking.decide_batch(number, state, at=now, who=who)
            await tx.subscribers.audit(
                at=now, who=who, action=f"blocklist-{state}", subject=batch.list, detail=f"batch {number}"
            )
        return replace(batch, state=state, decided_at=now, decided_by=who)


class BlocklistSchedule:
    """Refreshes the lists that are due."""

    def __init__(self, blocklists: Blocklists, sources: BlockSources, clock: Clock) -> None:
        self._blocklists, self._sources, self._clock = blocklists, sources, clock

    async def run(self) -> None:
        """Refresh until cancelled."""
        while True:
            await self.run_once()
            await self._clock.sleep(LOOK_EVERY)

    async def run_once(self) -> list[Outcome]:
        """Refresh what is due, all lists at the same time; return what was done."""
        now = self._clock.now()
        due = [
            one
            for one, state, _, _ in await self._blocklists.states()
            if state.next_at <= now or state.source != one.place
        ]
        async with asyncio.TaskGroup() as tasks:
            running = [tasks.create_task(self._blocklists.refresh_list(one, self._sources)) for one in due]
        return [task.result() for task in running]


def _effect(entry: ListedServer | None) -> Effect | None:
    return None if entry is None else entry.effect


def _same(first: Sequence[Change], second: Sequence[Change]) -> bool:
    return [(one.server, one.effects) for one in first] == [(one.server, one.effects) for one in second]


def _all_differences(before: Mapping[str, ListedServer], after: Mapping[str, ListedServer]) -> list[Change]:
    """Every entry that reads differently, also where it means the same."""
    return [
        Change(server, before.get(server), after.get(server))
        for server in before.keys() | after.keys()
        if before.get(server) != after.get(server)
    ]
