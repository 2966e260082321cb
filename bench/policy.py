"""How long one decision takes: 100 rules of which only the last fits. Budget: 50 microseconds."""

from __future__ import annotations

import time
import timeit

from relay.domain.facts import AttestationState, Fact, Facts, Scan
from relay.domain.media import MatchKind, MediaKind
from relay.domain.policy import RELAY, Between, Condition, Mode, OneOf, Policy, Rule, decide

BUDGET = 50e-6
LOOPS = 500

CONDITIONS: tuple[Condition, ...] = (
    OneOf(Fact.FROM, frozenset({"*.bad.example", "worse.example"})),
    OneOf(Fact.MEDIA, frozenset({"video", "audio"})),
    OneOf(Fact.ATTESTATION, frozenset({"bad-signature", "revoked"})),
    OneOf(Fact.MATCH, frozenset({MatchKind.KNOWN})),
    Between(Fact.MATCH_DISTANCE, most=31),
)


def policy() -> Policy:
    """99 rules that look at every sort of condition and do not fit, and one that does."""
    fits = OneOf(Fact.MEDIA, frozenset({"image"}))
    rules = [Rule(f"rule {number}", (fits, CONDITIONS[number % 5]), RELAY) for number in range(99)]
    return Policy(1, Mode.ENFORCE, (*rules, Rule("last", (fits,), RELAY)))


def main() -> None:
    """Print the best of several runs, and the ratio to the budget."""
    subject = policy()
    facts = Facts(
        media=frozenset({MediaKind.IMAGE}),
        attestation=AttestationState.VALID,
        attested_by=frozenset({"relay.example"}),
        scan=Scan.CLEAN,
        from_hosts=frozenset({"social.example", "media.social.example"}),
    )
    assert len(decide(subject, facts, 0.0).trace) == 100
    # Processor time, so that what else the machine does counts less.
    times = timeit.repeat(
        lambda: decide(subject, facts, 0.0), timer=time.process_time, number=LOOPS, repeat=30
    )
    best = min(times) / LOOPS
    print(
        f"policy: 100 rules, last one fits: {best * 1e6:.1f} us a decision, {best / BUDGET:.2f} of the budget"
    )


if __name__ == "__main__":
    main()
