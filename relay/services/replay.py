"""Another policy on what came in the last days: what would be done differently, to whom, and to whose posts.

It reads the stored facts and nothing else, no media and no text. Facts are read some hundred at a time, each in a short
transaction of its own, and other tasks run in between: it may run inside the relay that it asks about.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from relay.domain.audience import Audience
from relay.domain.policy import Mode, Verb
from relay.domain.replay_report import ObserveCounts, ObserveReport, ReplayReport, Side
from relay.domain.replaying import LISTED, Tally, decided_by, decided_then, facts_of
from relay.domain.subscription import State

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from relay.domain.facts import Facts
    from relay.domain.history import Recorded, Span
    from relay.domain.policy import Policy
    from relay.domain.subscription import Subscription
    from relay.ports import Clock, Store
    from relay.services.decide import Decider

    Progress: TypeAlias = Callable[[int, int], None]
    """Told how many records were looked at, and of how many."""

DAY: Final = 24 * 3600.0
PREVIEWED: Final = 7 * DAY
"""Seconds back from now that a preview looks at."""
PREVIEW_WITHIN: Final = 10.0
"""Seconds that a preview takes at most; it says how far it came."""
EXAMPLES: Final = 3
"""Activities that are shown for each pair of verbs unless somebody asks for more."""
CHUNK: Final = 500
"""Records that are read in one transaction: some milliseconds."""
TURN: Final = 50
"""Records after which other tasks have their turn: some milliseconds."""

_SERVED: Final = frozenset({State.ACCEPTED, State.UNREACHABLE})


@dataclass(frozen=True, slots=True)
class Scope:
    """What a replay looks at: what came from `since` up to `until` (None: now), in seconds since the epoch.

    `server`: only what this server sent or wrote, or whose object it has; the name as in `Facts.from_hosts`. `within`:
    seconds after which it stops where it is, None for never.
    """

    since: float
    until: float | None = None
    server: str | None = None
    within: float | None = None


class Replay:
    """Tries policies on stored facts. `wanted`, the profile of who chose none, may be replaced while running."""

    def __init__(self, *, store: Store, clock: Clock, decider: Decider, wanted: str | None) -> None:
        self._store, self._clock, self._decider, self.wanted = store, clock, decider, wanted

    async def run(
        self,
        new: Policy,
        *,
        old: Policy | None = None,
        since: float,
        until: float | None = None,
        server: str | None = None,
        within: float | None = None,
        examples: int = EXAMPLES,
        listed: int = LISTED,
        progress: Progress | None = None,
    ) -> ReplayReport:
        """Compare `new` with `old`, or with what was decided then.

        Policies decide with the lists that they hold: see `policy_lists.filled`. What subscribers get on the old side
        is by the profiles of `old`, or of the policy in force. For the other parameters see `Scope`; `examples` and
        `listed` say how much the report shows.
        """
        reading = _Reading(self._store, self._clock, Scope(since, until, server, within), progress)
        await reading.open()
        before = self._decider.policy if old is None else old
        sides = before.profiles, new.profiles, self.wanted
        enforced = Tally(Audience(reading.subscribers, *sides), examples)
        in_effect = Tally(Audience(reading.subscribers, *sides), examples)

        def add(record: Recorded, facts: Facts) -> None:
            then = decided_then(record) if old is None else decided_by(old, record, facts)
            now = decided_by(new, record, facts)
            enforced.add(record, facts, then.enforced, now.enforced)
            in_effect.add(record, facts, then.in_effect, now.in_effect)

        await reading.each(add)
        return ReplayReport(
            old=Side() if old is None else Side(old.id, old.mode),
            new=Side(new.id, new.mode),
            in_effect=in_effect.comparison(listed),
            **reading.frame(),
            **enforced.comparison(listed).parts(),
        )

    async def preview(
        self, new: Policy, old: Policy | None = None, *, progress: Progress | None = None
    ) -> ReplayReport:
        """The same over the last days, in seconds at most: what somebody sees before a policy is saved."""
        since = self._clock.now() - PREVIEWED
        return await self.run(new, old=old, since=since, within=PREVIEW_WITHIN, progress=progress)

    async def observed(
        self,
        *,
        since: float,
        until: float | None = None,
        server: str | None = None,
        within: float | None = None,
        examples: int = EXAMPLES,
        listed: int = LISTED,
        progress: Progress | None = None,
    ) -> ObserveReport:
        """What `enforce` would have done with what was relayed because the policy in force then observed."""
        reading = _Reading(self._store, self._clock, Scope(since, until, server, within), progress)
        await reading.open()
        profiles = self._decider.policy.profiles
        tally = Tally(Audience(reading.subscribers, profiles, profiles, self.wanted), examples)
        acted_on, first = 0, None

        def add(record: Recorded, facts: Facts) -> None:
            nonlocal acted_on, first
            if record.enforced:
                acted_on += 1
                return
            first = record.received_at
            then = decided_then(record)
            tally.add(record, facts, then.in_effect, then.enforced)

        await reading.each(add)
        return ObserveReport(
            observing_since=first,
            acted_on=acted_on,
            **reading.frame(),
            **tally.comparison(listed).parts(),
        )

    async def observed_counts(self, seconds: float = PREVIEWED) -> ObserveCounts | None:
        """The same for the last seconds in a few numbers, at once; None when the policy in force enforces."""
        if self._decider.policy.mode is Mode.ENFORCE:
            return None
        now = self._clock.now()
        async with self._store.reading() as tx:
            verbs = [one for one in await tx.history.verbs(now - seconds, now) if not one.enforced]
        found = {one.verb: one.count for one in verbs}
        return ObserveCounts(
            since=min((one.since for one in verbs), default=None),
            posts=sum(found.values()),
            held=found.get(Verb.QUARANTINE, 0),
            dropped=found.get(Verb.DROP, 0),
            deferred=found.get(Verb.DEFER, 0),
        )


class _Reading:
    """One pass over the records, newest first."""

    def __init__(self, store: Store, clock: Clock, scope: Scope, progress: Progress | None) -> None:
        self._store, self._clock, self._scope = store, clock, scope
        self._progress = progress or (lambda _done, _total: None)
        self._until = clock.now() if scope.until is None else scope.until
        self._reached, self._complete = self._until, False
        self._unreadable = 0

    async def open(self) -> None:
        """Look how much there is, and who subscribes."""
        async with self._store.reading() as tx:
            self._span: Span = await tx.history.span(self._scope.since, self._until)
            served = [one for one in await tx.subscribers.all() if one.state in _SERVED]
        self.subscribers: Sequence[Subscription] = served

    async def each(self, add: Callable[[Recorded, Facts], None]) -> None:
        """Hand every record that can be read to `add`, until the time is up."""
        started = self._clock.monotonic()
        last, done = self._span.last, 0
        self._progress(0, self._span.count)
        while records := await self._stretch(last):
            for start in range(0, len(records), TURN):
                for record in records[start : start + TURN]:
                    self._one(record, add)
                await self._clock.sleep(0)
                within = self._scope.within
                if within is not None and self._clock.monotonic() - started >= within:
                    return
            last = records[-1].seq - 1
            done += len(records)
            self._progress(done, max(done, self._span.count))
        self._complete, self._reached = True, self._scope.since

    async def _stretch(self, last: int) -> list[Recorded]:
        async with self._store.reading() as tx:
            return await tx.history.stretch(
                first=self._span.first, last=last, since=self._scope.since, until=self._until, most=CHUNK
            )

    def _one(self, record: Recorded, add: Callable[[Recorded, Facts], None]) -> None:
        self._reached = record.received_at
        facts = facts_of(record)
        if facts is None:
            self._unreadable += 1
        elif self._scope.server is None or self._scope.server in facts.from_hosts:
            add(record, facts)

    def frame(self) -> dict[str, Any]:
        """What a report says about itself."""
        return {
            "since": self._scope.since,
            "until": self._until,
            "reached": self._reached,
            "complete": self._complete,
            "facts_since": self._span.begin,
            "unreadable": self._unreadable,
        }
