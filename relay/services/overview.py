"""What goes on now, for the operator: the numbers of the last day and everything that waits for a person."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from relay.domain.errors import NotFound
from relay.services.figures import DAY, Figures

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from relay.domain.replay_report import ObserveCounts
    from relay.ports import Clock, Store
    from relay.services.blocklists import Blocklists
    from relay.services.decide import Decider
    from relay.services.findings import Findings
    from relay.services.flood import FloodGuard
    from relay.services.hashsubmissions import HashSubmissions
    from relay.services.recalls import Recalls
    from relay.services.replay import Replay
    from relay.services.webhooks import HookDesk

PAGE: Final = 100
"""Decisions on one page."""
_OUTCOMES: Final = (
    ("relayed", ("relay", "relay-and-attest", "relay-marked")),
    ("held", ("quarantine",)),
    ("dropped", ("drop",)),
    ("deferred", ("defer",)),
)


@dataclass(frozen=True, slots=True)
class Failing:
    """Something that does not work: what it is, and what it says."""

    what: str
    says: str


@dataclass(frozen=True, slots=True)
class Overview:
    """What goes on. `decided` counts decisions of the last day by outcome, `media` checks by theirs.

    `holds` and `subscribers` count by state, `findings` what is open among submitted files, `hooked` among posts that
    came by web hook, `handed_in` submissions of hashes that wait for review, `recalls` what came onto a list late,
    `pending` changes of blocklists that wait for a person, `flooding` entries of hash lists that match everywhere.
    `behind` is how far the slowest subscriber is behind, in posts. `observed` is what `enforce` had done, None when the
    policy enforces.
    """

    mode: str
    policy: str
    decided: Mapping[str, int]
    media: Mapping[str, int]
    holds: Mapping[str, int]
    subscribers: Mapping[str, int]
    findings: int
    hooked: int
    handed_in: int
    pending: int
    flooding: int
    recalls: int
    waiting: int
    behind: int
    failing: Sequence[Failing]
    observed: ObserveCounts | None


class Overviews:
    """Puts the overview together."""

    def __init__(
        self,
        *,
        store: Store,
        clock: Clock,
        decider: Decider,
        blocklists: Blocklists,
        findings: Findings,
        flood: FloodGuard,
        hash_submissions: HashSubmissions,
        hooks: HookDesk,
        recalls: Recalls,
        replay: Replay,
    ) -> None:
        self._replay, self._flood, self._hooks, self._recalls = replay, flood, hooks, recalls
        self._decider, self._blocklists, self._findings = decider, blocklists, findings
        self._hash_submissions = hash_submissions
        self._store, self._figures, self._clock = store, Figures(store, clock), clock

    async def now(self) -> Overview:
        """Return what goes on."""
        counts = await self._figures.status(DAY)
        lists = await self._blocklists.states()
        failing = [Failing(f"blocklist {one.name}", state.error) for one, state, _, _ in lists if state.error]
        decisions, log = counts["decisions"], counts["log"]
        return Overview(
            mode=self._decider.policy.mode.value,
            policy=self._decider.policy.id,
            decided={name: sum(decisions.get(verb, 0) for verb in verbs) for name, verbs in _OUTCOMES},
            media=counts["media"],
            holds=counts["holds"],
            subscribers=counts["subscribers"],
            findings=len(await self._findings.all()),
            hooked=await self._hooks.open(),
            handed_in=await self._hash_submissions.waiting(),
            pending=sum(pending for _, _, _, pending in lists),
            flooding=len(await self._flood.busiest()),
            recalls=(await self._recalls.counts()).get("waiting", 0),
            waiting=counts["waiting"],
            behind=log["head"] - log["watermark"],
            failing=[*failing, *await self._hosts()],
            observed=await self._replay.observed_counts(),
        )

    async def decided(
        self, outcome: str, *, before: int | None = None
    ) -> tuple[Sequence[Mapping[str, Any]], bool]:
        """Return decisions of the last day by outcome, newest first, and whether there are more.

        `before`: those with a smaller id. Raises `NotFound` for what is no outcome.
        """
        verbs = dict(_OUTCOMES).get(outcome)
        if verbs is None:
            raise NotFound("There is no such list.")
        since = self._clock.now() - DAY
        async with self._store.reading() as tx:
            rows = await tx.listings.decided(verbs, since=since, before=before, most=PAGE + 1)
        return rows[:PAGE], len(rows) > PAGE

    async def _hosts(self) -> list[Failing]:
        """Servers that did not take what was sent to them, the longest failing first."""
        async with self._store.reading() as tx:
            hosts: dict[str, Any] = await tx.fanout.hosts()
        wrong = sorted(
            (host.failing_since or 0.0, name, host.error) for name, host in hosts.items() if host.failures
        )
        return [Failing(name, error or "no answer") for _, name, error in wrong]
