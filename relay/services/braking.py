"""The brake on the way of a post: it decides after the policy, and can only stop what that would relay.

What is seen of posts is in memory and starts anew with the process; brakes are in the store. A wave is on disk before
the first decision names it. Commands change brakes from other processes, so the store is looked at once a second.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from relay.domain import hosts
from relay.domain.content import mentioned_in
from relay.domain.policy_rules import Verb
from relay.domain.waves.brake import PARDON, Brake, BrakeState, Kind, braked
from relay.domain.waves.sighting import Sighting, picture_of, some
from relay.domain.waves.telling import begun
from relay.domain.waves.watch import Sensitivity, Watch
from relay.services.accounts import written_at
from relay.services.memory import Remembered

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from relay.domain.activity import ApObject
    from relay.domain.facts import Standing
    from relay.domain.intake import Item
    from relay.domain.policy import Decision
    from relay.domain.waves.brake import Cover
    from relay.domain.waves.waiting import Stopped
    from relay.domain.waves.watch import Finding
    from relay.ports import Clock, Store
    from relay.services.accounts import Accounts
    from relay.services.alerts import Alerts

LOOK_EVERY: Final = 1.0
LATE: Final = 1800.0
"""Seconds after which a post is not counted towards the rate of its server: a queue that an outage left is no flood."""
SEEN: Final = 20_000
"""Posts that are remembered so that none counts twice."""
MOST: Final = 100
"""Waves that are braked at the same time."""
WHO: Final = "relay"
_log: Final = logging.getLogger(__name__)


class BrakeMode(StrEnum):
    """What is done with the posts of a wave."""

    HOLD = "hold"
    DEFER = "defer"
    OBSERVE = "observe"
    OFF = "off"


@dataclass(frozen=True, slots=True)
class BrakeRules:
    """What the operator wants. Times are in seconds; `exempt` are patterns of servers that are never part of a wave."""

    mode: BrakeMode = BrakeMode.DEFER
    sensitivity: Sensitivity = field(default_factory=Sensitivity)
    duration: float = 6 * 3600.0
    longest: float = 48 * 3600.0
    exempt: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Post:
    """A post that is decided: what it is, who signed for it, and what is known of both.

    `kind` is the activity's type, `actor` its actor, `server` who signed it; `items` are its media, looked at.
    """

    object_id: str
    kind: str
    actor: str
    server: str
    received_at: float
    post: ApObject | None
    standing: Standing
    items: Sequence[Item] = ()


class Braking:
    """Puts brakes on, and decides with those that are on.

    `rules` may be replaced while running, all but their `sensitivity`.
    """

    def __init__(
        self, *, store: Store, clock: Clock, alerts: Alerts, accounts: Accounts, rules: BrakeRules
    ) -> None:
        self._store, self._clock, self._alerts = store, clock, alerts
        self._accounts, self.rules = accounts, rules
        self._watch = Watch(rules.sensitivity)
        self._counted: Remembered[bool] = Remembered(clock, seconds=rules.sensitivity.within, most=SEEN)
        self._brakes: list[Brake] = []
        self._version = -1
        self._looked_at = float("-inf")
        self._changing, self._refreshing = asyncio.Lock(), asyncio.Lock()
        self._ahead: dict[int, int] = {}
        self._met: dict[int, float] = {}

    async def decide(self, decision: Decision, subject: Post) -> tuple[Decision, int | None]:
        """Return the decision as the brakes leave it, and the number of the one that stops the post, or would."""
        await self.refresh()
        waves = self.rules.mode is not BrakeMode.OFF
        if not waves and not self._brakes:
            return decision, None
        now = self._clock.now()
        counts = waves and self._counts(subject, now)
        seen = await self._sighting(subject, now, counts=counts)
        waves = waves and not any(hosts.matches(pattern, seen.server) for pattern in self.rules.exempt)
        brake = self._on(seen, now, waves=waves)
        if waves and counts:
            # Also what is braked counts: the rate of a server has to stay known.
            finding = self._watch.see(seen)
            if brake is None and finding is not None:
                raised = await self._raise(finding, now)
                brake = raised if raised is not None and raised.cover.covers(seen) else None
        if brake is None:
            return decision, None
        found = braked(decision, brake, now, ahead=self._ahead.get(brake.id, 0))
        if found is decision:
            return decision, None
        self._meet(brake, found, subject, now)
        return found, brake.id

    def active(self) -> list[Brake]:
        """Return the brakes that are on, as far as this process knows."""
        now = self._clock.now()
        return [brake for brake in self._brakes if brake.active(now)]

    def take_met(self) -> dict[int, float]:
        """Return and forget which waves went on, and when they were last met."""
        met, self._met = self._met, {}
        return met

    async def refresh(self, *, at_once: bool = False) -> None:
        """Look whether brakes changed in the store: at most once a second, or now."""
        if not at_once and self._is_fresh():
            return
        async with self._refreshing:
            if at_once or not self._is_fresh():  # another post may have looked while this one waited
                await self._look()

    async def _look(self) -> None:
        async with self._store.reading() as tx:
            version = await tx.brakes.version()
            if version != self._version:
                brakes = await tx.brakes.in_force(self._clock.now() - PARDON)
                on = [one.id for one in brakes if one.state is BrakeState.ACTIVE]
                self._take(brakes, await tx.brakes.stopped(on))
        self._version, self._looked_at = version, self._clock.monotonic()

    def _is_fresh(self) -> bool:
        return self._clock.monotonic() - self._looked_at < LOOK_EVERY

    def _take(self, brakes: list[Brake], stopped: Mapping[int, Stopped]) -> None:
        self._brakes = brakes
        for one, counts in stopped.items():
            self._ahead[one] = max(self._ahead.get(one, 0), counts.deferred)
        self._ahead = {one: count for one, count in self._ahead.items() if one in stopped}

    def _on(self, seen: Sighting, now: float, *, waves: bool) -> Brake | None:
        """The brake that covers a post: an incident before a wave, the oldest first."""
        on = [one for one in self._brakes if one.active(now) and (waves or not one.wave)]
        on.sort(key=lambda one: (one.observed, one.wave))
        return next((one for one in on if one.cover.covers(seen)), None)

    def _counts(self, subject: Post, now: float) -> bool:
        """Whether a post counts: it came just now, for the first time, and is no change of an older one."""
        if subject.kind == "Update" or now - subject.received_at > self.rules.sensitivity.within:
            return False
        if self._counted.get(subject.object_id):
            return False
        self._counted.put(subject.object_id, True)
        return True

    async def _sighting(self, subject: Post, now: float, *, counts: bool) -> Sighting:
        post, standing = subject.post, subject.standing
        author = post.attributed_to[0] if post is not None and post.attributed_to else subject.actor
        server = hosts.server_name(author) if hosts.is_http_url(author) else subject.server
        known_for = float(standing.first_seen) if server == subject.server else None
        document = {} if post is None else post.document
        written = written_at(document)
        young = await self._accounts.is_new(author, server_known_for=known_for)
        if counts:
            self._watch.loudness.add(author, now)
        return Sighting(
            object_id=subject.object_id,
            account=author,
            server=server,
            at=now,
            young=young,
            loud=self._watch.loudness.loud(author, now),
            live=written is None or now - written < LATE,
            followed_at=now - standing.subscribed_for if standing.subscribed_for else None,
            media=post is not None and (bool(post.media) or not post.media_complete),
            pictures=some(picture_of(item.digest, item.frame) for item in subject.items if item.digest),
            mentions=mentioned_in(document) if young else frozenset(),
            document=document,
        )

    async def _raise(self, finding: Finding, now: float) -> Brake | None:
        """Put a brake on, unless a person has said that this is no wave, or another process was first."""
        known, brake = self._alike(finding.cover, now)
        if known:
            return brake
        async with self._changing:
            await self.refresh(at_once=True)
            known, brake = self._alike(finding.cover, now)
            if known:
                return brake
            if sum(one.wave for one in self.active()) >= MOST:
                _log.warning("%d waves at once: another one is not braked", MOST)
                return None
            return await self._put_on(self._made(finding, now))

    def _alike(self, cover: Cover, now: float) -> tuple[bool, Brake | None]:
        """Whether this very wave is known already, and the brake that is on; None when a person let it go."""
        alike = [one for one in self._brakes if one.cover.alike(cover)]
        if any(one.pardons(now) for one in alike):
            return True, None
        on = next((one for one in alike if one.active(now)), None)
        return on is not None, on

    def _made(self, finding: Finding, now: float) -> Brake:
        rules = self.rules
        # That somebody posts much is no reason to have a person look at all of it.
        holds = rules.mode is BrakeMode.HOLD and finding.cover.kind is not Kind.RATE
        return Brake(
            id=0,
            cover=finding.cover,
            verb=Verb.QUARANTINE if holds else Verb.DEFER,
            observed=rules.mode is BrakeMode.OBSERVE,
            state=BrakeState.ACTIVE,
            started_at=now,
            until=now + min(rules.duration, rules.longest),
            latest=now + rules.longest,
            who=WHO,
            evidence=finding.evidence,
            before=finding.before,
        )

    async def _put_on(self, brake: Brake) -> Brake:
        async with self._store.transaction() as tx:
            brake = replace(brake, id=await tx.brakes.add(brake))
            await tx.subscribers.audit(
                at=brake.started_at, who=WHO, action="brake-on", subject=brake.name, detail=brake.cover.kind
            )
            await self._alerts.note(tx, begun(brake))
        await self.refresh(at_once=True)
        return brake

    def _meet(self, brake: Brake, decision: Decision, subject: Post, now: float) -> None:
        if decision.verb is Verb.DEFER:
            self._ahead[brake.id] = self._ahead.get(brake.id, 0) + 1
        if brake.wave and now - subject.received_at < LATE:
            self._met[brake.id] = now
