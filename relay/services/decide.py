"""From facts to what is written: the policy decides, and what it lets through is rendered for the log."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from relay.domain.intake import Settled
from relay.domain.log import ActivityState, NewEntry, Rendered
from relay.domain.policy import RELAYING, Decision, Policy, Verb, decide, in_the_end
from relay.domain.traits import Traits
from relay.protocol.documents import announce, dump
from relay.protocol.httpsig import body_digest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from relay.domain.facts import Facts
    from relay.domain.log import Proven
    from relay.ports import Clock
    from relay.services.identity import Identity

_STATES: Final = {
    Verb.DEFER: ActivityState.DEFERRED,
    Verb.QUARANTINE: ActivityState.HELD,
    Verb.DROP: ActivityState.DROPPED,
}


ANNOUNCED: Final = frozenset({"Create", "Announce"})
"""Kinds that an Announce of the object can stand for; a change or a deletion cannot be announced (relays.md B6)."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What is decided about: the object, the servers it must not go back to, the kind of activity and its bytes.

    `proven` tells that, and until when, the bytes may be passed on as they are. `traits` tell who wants it.
    """

    object_id: str
    origins: frozenset[str]
    kind: str
    body: bytes
    proven: Proven | None = None
    traits: Traits = field(default_factory=Traits)


class Decider:
    """Applies the policy in force. `policy` may be replaced while running; each decision names its version."""

    def __init__(self, policy: Policy, identity: Identity, clock: Clock) -> None:
        self.policy = policy
        self._identity = identity
        self._clock = clock

    def decision(self, facts: Facts, received_at: float) -> Decision:
        """Decide; an activity that was deferred for too long is held."""
        now = self._clock.now()
        return in_the_end(decide(self.policy, facts, now), now - received_at)

    def settle(
        self, subject: Subject, decision: Decision, facts: Facts, header: str | None, tokens: Sequence[str]
    ) -> Settled:
        """Turn a decision into what is written. `tokens` are our attestations, `header` the same as a header."""
        now = self._clock.now()
        if decision.verb in RELAYING:
            entry = self.entry(subject, header, tokens, verb=decision.verb)
            return Settled(ActivityState.PUBLISHED, decision, facts.as_json(), now, entry)
        due_at = now + decision.seconds if decision.verb is Verb.DEFER else 0.0
        return Settled(_STATES[decision.verb], decision, facts.as_json(), now, None, due_at)

    def entry(
        self, subject: Subject, header: str | None, tokens: Sequence[str], *, verb: Verb = Verb.RELAY
    ) -> NewEntry:
        """Render once for everybody: the Announce of what can be announced, the very bytes of what is proven."""
        announced = self._announce(subject.object_id, tokens) if subject.kind in ANNOUNCED else None
        forward = None if subject.proven is None else _rendered(subject.body)
        about = (subject.object_id, subject.origins)
        traits = subject.traits if subject.traits.verb is verb else replace(subject.traits, verb=verb)
        return NewEntry(*about, announced, forward, subject.proven, header, traits=traits)

    def _announce(self, object_id: str, tokens: Sequence[str]) -> Rendered:
        document = announce(
            id=self._identity.new_id(self._clock.new_id()),
            actor=self._identity.actor,
            followers=self._identity.followers,
            object_id=object_id,
            published=self._clock.now(),
            attestations=tokens,
        )
        return _rendered(dump(document))


def _rendered(body: bytes) -> Rendered:
    return Rendered(body, body_digest(body))


def ruled(verb: Verb, rule: str, reason: str) -> Decision:
    """Return a decision that no policy makes: by an operator, or because there is nothing to decide on."""
    return Decision(verb, verb, enforced=True, seconds=0, rule=rule, reason=reason, policy="", trace=())
