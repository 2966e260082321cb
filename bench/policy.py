"""How long one decision takes: 100 rules of which only the last fits. Budget: 50 microseconds.

Once with rules that ask the same few things, once with rules that have a condition of their own each and a list of
fifty thousand servers.
"""

from __future__ import annotations

import time
import timeit

from relay.domain.content import Content
from relay.domain.facts import AttestationState, Fact, Facts, Scan, Standing
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


def varied() -> Policy:
    """99 rules that ask something of their own each, some of them of a long list, and one that fits."""
    fits = OneOf(Fact.MEDIA, frozenset({"image"}))
    asked: list[Condition] = []
    for number in range(99):
        word = frozenset({f"{number}.bad.example"})
        asked.append(
            (
                OneOf(Fact.FROM, word, ("listed",)),
                OneOf(Fact.HASHTAGS, word),
                OneOf(Fact.ACTOR, word),
                Between(Fact.MEDIA_SIZE, 10_000_000 + number),
                Between(Fact.SUBSCRIBED_FOR, most=number),
                Between(Fact.POSTS_FROM_SERVER, 1_000 + number, per="minute"),
            )[number % 6]
        )
    rules = [Rule(f"rule {number}", (fits, one), RELAY) for number, one in enumerate(asked)]
    listed = frozenset(f"{number}.listed.example" for number in range(50_000))
    return Policy(1, Mode.ENFORCE, (*rules, Rule("last", (fits,), RELAY)), lists=(("listed", listed),))


def main() -> None:
    """Print the best of several runs, and the ratio to the budget."""
    for name, subject in (("alike", policy()), ("all different", varied())):
        measure(name, subject)


def measure(name: str, subject: Policy) -> None:
    """Print how long one decision by a policy takes."""
    facts = Facts(
        media=frozenset({MediaKind.IMAGE}),
        attestation=AttestationState.VALID,
        attested_by=frozenset({"relay.example"}),
        scan=Scan.CLEAN,
        media_count=2,
        media_size=1_000_000,
        media_types=frozenset({"image/png"}),
        from_hosts=frozenset({"social.example", "media.social.example"}),
        content=Content(
            actors=frozenset({"https://social.example/users/ann"}),
            languages=frozenset({"pt-br"}),
            hashtags=frozenset({"art", "cats", "caturday"}),
        ),
        standing=Standing(subscribed_for=10_000_000, first_seen=10_000_000),
    )
    assert len(decide(subject, facts, 0.0).trace) == 100
    # Processor time, so that what else the machine does counts less.
    times = timeit.repeat(
        lambda: decide(subject, facts, 0.0), timer=time.process_time, number=LOOPS, repeat=30
    )
    best = min(times) / LOOPS
    print(
        f"policy: 100 rules, {name}, last one fits: {best * 1e6:.1f} us a decision, "
        f"{best / BUDGET:.2f} of the budget"
    )


if __name__ == "__main__":
    main()
