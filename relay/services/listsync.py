"""Fetches lists from their keepers, on a schedule or when somebody asks, into batches like imported ones.

Pages are fetched outside of transactions. What a page says is stored together with what comes after it, so a fetch that
was killed goes on there. Only behind the last page is it worked out what changes (`listmerge`), the batch put in force
and the checkpoint moved, all at once; a page that is not as documented changes nothing. What was said already, or is
older than what was, is left out: pages come in any order of time, and stretches of time overlap.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from relay.domain import alertwords
from relay.domain.delivery import backoff
from relay.domain.errors import Conflict, NotFound, RelayError, RemoteError
from relay.domain.hashlist import BatchState, Effects, in_force
from relay.domain.listsync import OVERLAP, Progress, SyncState, newest
from relay.services.listmerge import ListMerge
from relay.services.lists import SCHEDULE

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from relay.domain.hashlist import Batch
    from relay.domain.listsync import Page, Statement
    from relay.ports import Clock, Store, Tx
    from relay.ports.listsync import Keeper
    from relay.services.alerts import Alerts
    from relay.services.lists import Lists, Loading

    Told = Callable[[Progress], None]

LOOK_EVERY: Final = 30.0
"""Seconds between two looks whether a list is due."""
SHORTEST: Final = 600.0
"""Seconds between two fetches of a list, whatever is configured: keepers ask for that."""
ATTEMPTS: Final = 3
PATIENCE: Final = 60.0
"""Seconds that a fetch waits when a keeper asks for it; for more it stops, and goes on there later."""
FIRST_PAUSE: Final = 2.0
RETRY_LATER: Final = 3
"""`backoff` starts so many doublings late: a list is no hurry."""
TOLD_AFTER: Final = 3
"""Failures in a row after which people are told."""
AT_WORK: Final = 180.0
"""Seconds after a page for which the schedule leaves a fetch to whoever stored it."""
TRIES: Final = 3
"""How often a person's fetch goes on when the schedule was at it, too."""
MARGIN: Final = 5 * 86_400.0
"""Seconds before a keeper forgets what it took back, when everything is fetched anew to be sure."""
FORGOTTEN: Final = frozenset({400, 404, 410})
"""Statuses by which a keeper says that it no longer knows the page that comes next."""

_log: Final = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Kept:
    """A list that somebody keeps, and how many seconds after a fetch it is due again."""

    name: str
    keeper: Keeper
    refresh: float


@dataclass(frozen=True, slots=True)
class Synced:
    """What a fetch did, or would do. `batch` is None when nothing changed. `whole`: everything was fetched anew."""

    list: str
    batch: int | None
    effects: Effects
    statements: int
    pages: int
    whole: bool
    unused: Mapping[str, int] = field(default_factory=dict)


class ListSync:
    """Looks after the lists that others keep; what does it by hand and on schedule is the same."""

    def __init__(
        self, store: Store, clock: Clock, lists: Lists, alerts: Alerts, kept: Sequence[Kept]
    ) -> None:
        self._store, self._clock, self._lists, self._alerts = store, clock, lists, alerts
        self.kept: Mapping[str, Kept] = {one.name: one for one in kept}

    async def states(self) -> dict[str, SyncState]:
        """How the configured lists are doing."""
        async with self._store.reading() as tx:
            known = {state.list: state for state in await tx.hash_lists.syncs.states()}
        return {name: _current(known.get(name), one) for name, one in self.kept.items()}

    # ------------------------------------------------------------------ fetching

    async def sync(
        self, name: str, *, who: str, whole: bool = False, told: Told = lambda _progress: None
    ) -> Synced:
        """Fetch a list and put what changed in force. `whole`: all of it, so that what the keeper no longer has goes.

        Raises `NotFound`, what the keeper's failure is, and `Conflict` when somebody else fetches it right now.
        """
        one = self._named(name)
        for attempt in range(TRIES):
            try:
                return await self._sync(one, who, told, whole=whole)
            except Conflict:
                if who == SCHEDULE or attempt == TRIES - 1:
                    raise
            except RemoteError as error:
                await self._failed(one, error)
                raise
        raise AssertionError  # the last attempt returned or raised

    async def preview(
        self, name: str, *, who: str, whole: bool = False, told: Told = lambda _progress: None
    ) -> Synced:
        """Fetch a list and say what would change. What was fetched is kept for the next `sync`, and not in force."""
        loading, progress, first = await self._fetch(self._named(name), who, told, whole=whole)
        merge = ListMerge(self._store, name, loading.number, first)
        effects = await self._lists.effects(name, merge.packs, progress.statements, replaces=loading.replaces)
        return _synced(loading, progress, effects, batch=loading.number)

    async def _sync(self, one: Kept, who: str, told: Told, *, whole: bool) -> Synced:
        loading, progress, first = await self._fetch(one, who, told, whole=whole)
        merge = ListMerge(self._store, one.name, loading.number, first)
        async for key, changes in merge.changes(bytes.fromhex(progress.merged)):
            progress.merged, progress.noted_at = key.hex(), self._clock.now()
            await loading.add(changes, progress.as_text())
            told(progress)
        if not loading.entries and not loading.replaces:
            async with self._store.transaction() as tx:
                await tx.hash_lists.drop(loading.number)
                await self._succeeded(tx, one, progress)
            return _synced(loading, progress, Effects(), batch=None)

        async def beside(tx: Tx) -> None:
            await tx.hash_lists.syncs.seal(loading.number, progress.since)
            await self._succeeded(tx, one, progress)

        effects = await self._lists.finish(loading, who=who, beside=beside)
        _log.info(
            "hash list %s: batch %d (+%d -%d)", one.name, loading.number, effects.added, effects.removed
        )
        return _synced(loading, progress, effects, batch=loading.number)

    async def _fetch(self, one: Kept, who: str, told: Told, *, whole: bool) -> tuple[Loading, Progress, int]:
        """Fetch page after page until the last; return also the first batch that counts beside this one."""
        loading, progress, first = await self._begin(one, who, whole=whole)
        while not progress.complete:
            now = self._clock.now()
            if progress.cursor and now - progress.noted_at > one.keeper.patience:
                progress.begin_again(now)
            try:
                page = await self._page(one.keeper, progress)
            except RemoteError as error:
                await self._stop(loading, progress, error)
                raise
            statements = newest(page.statements)
            progress.take(page, self._clock.now())

            async def beside(tx: Tx, statements: Sequence[Statement] = statements) -> None:
                await tx.hash_lists.syncs.say(one.name, loading.number, first, statements)

            await loading.add((), progress.as_text(), beside)
            told(progress)
        return loading, progress, first

    async def _begin(self, one: Kept, who: str, *, whole: bool) -> tuple[Loading, Progress, int]:
        """Open a batch, or go on with one. An older attempt from elsewhere, or from another checkpoint, is given up."""
        now, place = self._clock.now(), one.keeper.place
        state = (await self.states())[one.name]
        batches = await self._lists.batches(one.name)
        begun = [batch for batch in batches if batch.state is BatchState.LOADING]
        whole = (
            whole
            or not state.checkpoint
            or _too_old(state, one.keeper, now)
            or any(batch.replaces and batch.source == place for batch in begun)
        )
        since = 0.0 if whole else state.checkpoint
        kept = next((batch for batch in begun if _is_of(batch, place, since, whole=whole)), None)
        async with self._store.transaction() as tx:
            for batch in begun:
                if batch is not kept:
                    await tx.hash_lists.drop(batch.number)
        loading = await self._lists.load(one.name, place, who=who, replaces=whole)
        progress = Progress.of(loading.progress) if loading.progress else Progress(since, now, who)
        progress.who = who
        counting = in_force(batches)
        first = loading.number if whole or not counting else counting[0].number
        return loading, progress, first

    async def _page(self, keeper: Keeper, progress: Progress) -> Page:
        pause = FIRST_PAUSE
        since = max(0.0, progress.since - OVERLAP)
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return await keeper.page(since, progress.until, progress.cursor)
            except RemoteError as error:
                wait = pause if error.retry_after is None else error.retry_after
                if not error.temporary or attempt == ATTEMPTS or wait > PATIENCE:
                    raise
                await self._clock.sleep(wait + self._clock.jitter())
                pause *= 2
        raise AssertionError  # the last attempt returned or raised

    async def _stop(self, loading: Loading, progress: Progress, error: RemoteError) -> None:
        if loading.progress is None:
            await self._lists.drop(loading)
        elif progress.cursor and error.status in FORGOTTEN:
            progress.begin_again(self._clock.now())
            await loading.add((), progress.as_text())

    # ------------------------------------------------------------------ how it is doing

    async def _succeeded(self, tx: Tx, one: Kept, progress: Progress) -> None:
        now = self._clock.now()
        spread = 0.9 + 0.2 * self._clock.jitter()
        state = SyncState(
            list=one.name,
            place=one.keeper.place,
            checkpoint=progress.checkpoint,
            synced_at=now,
            next_at=now + max(one.refresh, SHORTEST) * spread,
            unused=dict(progress.unused),
        )
        await tx.hash_lists.syncs.save(state)

    async def _failed(self, one: Kept, error: RemoteError) -> None:
        now = self._clock.now()
        async with self._store.transaction() as tx:
            known = {state.list: state for state in await tx.hash_lists.syncs.states()}
            state = _current(known.get(one.name), one)
            failures = state.failures + 1
            rest = backoff(failures + RETRY_LATER, self._clock.jitter(), error.retry_after)
            state = replace(
                state, failures=failures, error=f"{error.code}: {error}", error_at=now, next_at=now + rest
            )
            await tx.hash_lists.syncs.save(state)
            if failures == TOLD_AFTER:
                await self._alerts.note(tx, alertwords.sync_fails(one.name, failures, error.code))

    def _named(self, name: str) -> Kept:
        if name not in self.kept:
            raise NotFound(f'no list "{name}" that somebody else keeps is configured under `scanners`')
        return self.kept[name]

    # ------------------------------------------------------------------ the schedule

    async def run(self) -> None:
        """Fetch what is due until cancelled, each list for itself."""
        async with asyncio.TaskGroup() as tasks:
            for name in self.kept:
                tasks.create_task(self._watch(name))

    async def _watch(self, name: str) -> None:
        while True:
            await self.run_once(name)
            await self._clock.sleep(LOOK_EVERY)

    async def run_once(self, name: str) -> Synced | None:
        """Fetch a list if it is due and nobody else is at it; None when not, or when it could not be."""
        state = (await self.states())[name]
        if state.waits or state.next_at > self._clock.now() or await self._is_at_work(name):
            return None
        try:
            return await self.sync(name, who=SCHEDULE)
        except Conflict:
            return None  # somebody fetches it by hand
        except RelayError as error:
            _log.warning("hash list %s could not be fetched: %s", name, error)
            return None

    async def _is_at_work(self, name: str) -> bool:
        """Whether a person's fetch stored something a moment ago."""
        place = self.kept[name].keeper.place
        batches = [one for one in await self._lists.batches(name) if one.source == place]
        noted = [Progress.of(one.progress) for one in batches if one.progress]
        return any(one.who != SCHEDULE and self._clock.now() - one.noted_at < AT_WORK for one in noted)


def _current(state: SyncState | None, one: Kept) -> SyncState:
    """How a list does; from another place than before it starts anew."""
    if state is not None and state.place == one.keeper.place:
        return state
    return SyncState(one.name, one.keeper.place)


def _too_old(state: SyncState, keeper: Keeper, now: float) -> bool:
    """Whether the keeper may have forgotten by now what it took back."""
    return keeper.memory is not None and state.checkpoint < now - keeper.memory + MARGIN


def _is_of(batch: Batch, place: str, since: float, *, whole: bool) -> bool:
    return (
        batch.progress is not None
        and (batch.source, batch.replaces) == (place, whole)
        and Progress.of(batch.progress).since == since
    )


def _synced(loading: Loading, progress: Progress, effects: Effects, *, batch: int | None) -> Synced:
    return Synced(
        loading.list,
        batch,
        effects,
        progress.statements,
        progress.pages,
        loading.replaces,
        dict(progress.unused),
    )
