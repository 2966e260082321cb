"""Replaying a policy on 100,000 stored decisions: seconds, memory, disk. Budget: 60 seconds, memory that does not grow.

The limit it is compared with is a bare loop over the same facts in memory, that reads each and decides it once by each
of the two policies. Two hundred subscribers want twenty different things.

python -m bench.replay [HOW MANY]
"""

from __future__ import annotations

import asyncio
import json
import random
import sqlite3
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import uvloop

from bench.policy import varied
from bench.world import CONFIG, bench_relay, choose, own_cpu, resident_megabytes, save, subscribe
from relay.config.load import load
from relay.domain.content import Content
from relay.domain.facts import AttestationState, Facts, Scan, Standing
from relay.domain.history import shortened
from relay.domain.intake import Incoming, Settled
from relay.domain.log import ActivityState
from relay.domain.media import MediaKind
from relay.domain.policy import Policy, decide
from relay.domain.rates import PostCounts

if TYPE_CHECKING:
    from relay.wiring import Relay

BUDGET = 60.0
ACTIVITIES = 100_000
SERVERS, ACTORS = 800, 5_000
SUBSCRIBERS, PROFILES = 200, 20
WORDS = [f"{kind}{number}" for kind in ("art", "cats", "photo", "news") for number in range(200)]
NEW = """
policy:
  preset: small-instance
  rules:
    - {name: Noisy server, when: {from: "*.s7.test"}, then: drop, reason: noise}
    - {name: Portuguese pictures, when: {media: image, language: pt}, then: quarantine, reason: pictures}
    - {name: Newcomers, when: {subscribed for: less than 3 days, media: any}, then: quarantine, reason: probation}
"""


def facts_like(chance: random.Random) -> Facts:
    """The facts of a post as they come: one in three has pictures, half name hashtags."""
    server = f"m{chance.randrange(SERVERS // 20)}.s{chance.randrange(20)}.test"
    images = chance.random() < 0.33
    return Facts(
        media=frozenset({MediaKind.IMAGE}) if images else frozenset(),
        attestation=AttestationState.MISSING,
        scan=Scan.CLEAN if images else None,
        media_count=chance.randrange(1, 5) if images else 0,
        media_size=chance.randrange(20_000, 4_000_000) if images else None,
        media_types=frozenset({chance.choice(["image/jpeg", "image/png"])}) if images else frozenset(),
        from_hosts=frozenset({server}),
        content=Content(
            actors=frozenset({f"http://{server}/users/somebody{chance.randrange(ACTORS)}"}),
            languages=frozenset({chance.choice(["en", "de", "pt-br", "ja", "fr"])}),
            hashtags=frozenset(chance.sample(WORDS, chance.choice([0, 0, 1, 3, 5]))),
            mentions=chance.choice([0, 0, 0, 1, 2]),
            sensitive=chance.random() < 0.1,
        ),
        standing=Standing(
            subscribed_for=chance.randrange(0, 20_000_000),
            first_seen=chance.randrange(0, 20_000_000),
            posts=PostCounts(chance.randrange(20), chance.randrange(300), chance.randrange(5_000)),
            software="mastodon",
        ),
    )


async def fill(relay: Relay, count: int) -> list[str]:
    """Put decisions of the last seven days into the store; return their facts as text."""
    texts: list[str] = []
    chance, now, policy = random.Random(7), time.time(), relay.office.decider.policy  # noqa: S311 - the same posts each time
    for start in range(0, count, 1_000):
        batch: list[tuple[Incoming, Settled | None]] = []
        for number in range(start, min(start + 1_000, count)):
            facts = facts_like(chance)
            [actor], [server] = facts.content.actors, facts.from_hosts
            texts.append(json.dumps(shortened(facts.as_json())))
            at = now - 7 * 86_400 * (1 - number / count) + 1
            object_id = f"{actor}/statuses/{115_000_000_000_000_000 + number}"
            about = (f"{object_id}/activity", "Create", actor, server, object_id, b"", at, (), (object_id,))
            decision = decide(policy, facts, at)
            settled = Settled(ActivityState.DROPPED, decision, facts.as_json(), at)
            batch.append((Incoming(*about), settled))
        async with relay.office.store.transaction() as tx:
            await tx.activities.receive(batch)
    return texts


def bare(new: Policy, old: Policy, texts: list[str]) -> float:
    """Processor seconds to read and decide the same facts without a store."""
    began = time.process_time()
    for text in texts:
        facts = Facts.from_json(json.loads(text))
        decide(new, facts, 0.0)
        decide(old, facts, 0.0)
    return time.process_time() - began


def disk(path: Path, count: int) -> float:
    """Bytes of the database that one record takes, indexes included."""
    with sqlite3.connect(path) as database:
        size = database.execute("PRAGMA page_size").fetchone()[0]
        database.execute("DROP TABLE history")
        pages = database.execute("PRAGMA freelist_count").fetchone()[0]
    return float(size * pages / count)


async def longest_wait(until: asyncio.Event) -> float:
    """The longest that another task had to wait for its turn."""
    longest = 0.0
    while not until.is_set():
        began = time.perf_counter()
        await asyncio.sleep(0.001)
        longest = max(longest, time.perf_counter() - began - 0.001)
    return longest


async def measure(folder: Path, count: int) -> dict[str, float]:
    """Fill a store and replay two policies on it, one against what was decided, one against the other."""
    found: dict[str, float] = {}
    async with bench_relay(folder) as relay:
        await subscribe(relay, [f"s{number}.test" for number in range(SUBSCRIBERS)], 1)
        await choose(relay, PROFILES)
        texts = await fill(relay, count)
        path = folder / "new.yaml"
        path.write_text(CONFIG + NEW)
        new, old = load(path, {}, time.time()).require().policy, relay.office.decider.policy
        await relay.office.replay.run(new, since=time.time() - 86_400)  # warm
        for name, policies in (
            ("new against what was decided", (new, None)),
            ("two policies", (new, old)),
            ("100 rules and a long list", (varied(), old)),
        ):
            done, before = asyncio.Event(), resident_megabytes()
            async with asyncio.TaskGroup() as tasks:
                waiting = tasks.create_task(longest_wait(done))
                began, used = time.perf_counter(), own_cpu()
                report = await relay.office.replay.run(policies[0], old=policies[1], since=0.0)
                seconds, used = time.perf_counter() - began, own_cpu() - used
                done.set()
            assert report.counted == count
            assert report.complete
            ratio = used / bare(policies[0], old, texts)
            print(
                f"replay: {name}: {count:,} in {seconds:.1f} s ({used:.1f} s of processor), {seconds / BUDGET:.2f} of "
                f"the budget, {ratio:.2f} times a bare loop, {resident_megabytes() - before:+.1f} MB, others waited "
                f"{waiting.result() * 1000:.0f} ms at most; {report.changed:,} change"
            )
            found |= {f"{name}, s": seconds, f"{name}, ratio": ratio}
    found["bytes a record"] = disk(folder / "data" / "relay.sqlite", count)
    print(f"replay: a record takes {found['bytes a record']:.0f} bytes of disk")
    return found


def main() -> None:
    """Measure, print, save."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else ACTIVITIES
    with tempfile.TemporaryDirectory() as folder:
        save("replay", {**uvloop.run(measure(Path(folder), count))})


if __name__ == "__main__":
    main()
