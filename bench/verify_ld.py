"""How long does it take to look at a Linked Data signature, and can a document make it take long?

    python -m bench.verify_ld [--seconds 3] [--graphs 10000] [--seed 1]

First a Create with four pictures in Mastodon's shape, again and again through the process that a relay uses, hash and
RSA included, one at a time: the rate is that of one core and the hop to it. Then the parts of it, in this process. Then
documents made to take long, each timed: the four of the poison table, and random graphs with noise in terms that no
context declares. A document counts as killed when the process did not answer in time; there must be none.
"""

from __future__ import annotations

import argparse
import json
import random
from collections import Counter
from time import perf_counter, process_time
from typing import Any

import uvloop
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from relay.adapters.canonical.engines import read
from relay.adapters.canonical.pool import CanonicalProcesses
from relay.domain.activity import parse_activity
from relay.domain.errors import Malformed
from relay.protocol.ldsig import LdSignature, Reading, ld_signature, verify_ld
from relay.protocol.unproven import Failure
from tests.unit.protocol.signed_ld import AS2, MASTODON, mastodon_create, sign_ld

ID = "https://a.example/1"
ACTOR = "https://a.example/users/alice"
KEY_ID = f"{ACTOR}#main-key"
PROPERTIES = ("tag", "attachment", "object", "replies", "preview", "generator", "undeclared")


def at(values: list[float], share: float) -> str:
    """A quantile in milliseconds."""
    return f"{sorted(values)[min(len(values) - 1, int(share * len(values)))] * 1000:.2f} ms"


async def posts(processes: CanonicalProcesses, seconds: float) -> None:
    """Verify one post after the other."""
    key = generate_private_key(65537, 2048)
    pem = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    body = json.dumps(sign_ld(mastodon_create(4), key, KEY_ID)).encode()

    async def once() -> None:
        activity = parse_activity(body)
        signature = ld_signature(activity.document, activity.actor, 0.0)
        found = await processes.read(body, "first")
        assert isinstance(signature, LdSignature)
        assert isinstance(found, Reading)
        assert verify_ld(signature, found, pem)
        assert found.same
        parse_activity(found.compacted)

    await once()
    times: list[float] = []
    end = perf_counter() + seconds
    while perf_counter() < end:
        start = perf_counter()
        await once()
        times.append(perf_counter() - start)
    print(f"a post with 4 pictures ({len(body):,} bytes): {len(times) / sum(times):,.0f}/s one at a time,")
    print(
        f"    p50 {at(times, 0.5)}, p99 {at(times, 0.99)}, processor time in the worker {at(inside(body), 0.5)}"
    )


def inside(body: bytes) -> list[float]:
    """How much processor time the engine takes, without the hop."""
    times = []
    for _ in range(200):
        start = process_time()
        read(body, "first")
        times.append(process_time() - start)
    return times


def poisons() -> dict[str, dict[str, Any]]:
    """The documents of protocol.md 5.3, row 31."""
    kinds: dict[str, list[dict[str, Any]]] = {
        "848 bytes": [{"type": "Mention"} for _ in range(8)],
        "noise": [{"type": "Mention", f"x{number}": number} for number in range(8)],
        "alike at first": [{"type": "Mention", "tag": {"name": f"{number}"}} for number in range(8)],
    }
    found = {name: {"attachment": [{"type": "Note", "tag": tags}] * 2} for name, tags in kinds.items()}
    chain: dict[str, Any] = {}
    for _ in range(100):
        chain = {"tag": chain}
    return found | {"chain of 100": chain, "blank ids": {"tag": [{"id": "_:b"}] * 2}}


def document(members: dict[str, Any]) -> bytes:
    """A signed Create with these members."""
    signature = {
        "type": "RsaSignature2017",
        "creator": KEY_ID,
        "created": "2026-11-21T22:06:56Z",
        "signatureValue": "AAAA",
    }
    head = {"@context": [AS2, MASTODON], "id": ID, "type": "Create", "actor": ACTOR, "signature": signature}
    return json.dumps({**members, **head}).encode()


def fuzzed(chance: random.Random) -> dict[str, Any]:
    """A random tree whose parts look alike, with noise."""
    size = chance.choice((4, 10, 30, 100))
    nodes: list[dict[str, Any]] = [{} for _ in range(size)]
    same = chance.random()
    for number, node in enumerate(nodes):
        if chance.random() > same:
            node["name"] = f"n{chance.randrange(1 + number)}"
        if chance.random() < 0.3:
            node[f"noise{chance.randrange(5)}"] = chance.random()
        if chance.random() < 0.2:
            node["id"] = f"https://a.example/{chance.randrange(2, 6)}"
        if number:
            parent = nodes[chance.randrange(min(number, chance.choice((1, 3, 8, size))))]
            parent.setdefault(chance.choice(PROPERTIES), []).append(node)
    return nodes[0] | {"attachment": [nodes[0]] * chance.choice((1, 1, 2, 3))}


async def timed(processes: CanonicalProcesses, members: dict[str, Any]) -> tuple[float, str]:
    """How long the answer took, and which it was."""
    body = document(members)
    start = perf_counter()
    try:
        parse_activity(body)
        found = await processes.read(body, "first")
        name = found.code if isinstance(found, Failure) else "accepted"
    except Malformed as error:
        name = error.code
    return perf_counter() - start, name


async def hostile(processes: CanonicalProcesses, count: int, seed: int) -> None:
    """Time what was made to take long."""
    for name, members in poisons().items():
        took, answer = await timed(processes, members)
        print(f"{name:>16}: {answer} in {took * 1000:.2f} ms")
    chance = random.Random(seed)  # noqa: S311 - graphs that can be made again
    answers, times = Counter[str](), list[float]()
    for _ in range(count):
        took, answer = await timed(processes, fuzzed(chance))
        answers[answer] += 1
        times.append(took)
    print(
        f"{count:,} random graphs: " + ", ".join(f"{each:,} {name}" for name, each in answers.most_common())
    )
    print(f"    p50 {at(times, 0.5)}, p99 {at(times, 0.99)}, worst {at(times, 1.0)}")
    print(f"killed: {processes.stats.killed}, died: {processes.stats.died}")
    assert processes.stats.killed == processes.stats.died == 0


async def measure(seconds: float, count: int, seed: int) -> None:
    """Print all figures."""
    async with CanonicalProcesses(workers=1) as processes:
        await posts(processes, seconds)
        await hostile(processes, count, seed)


def main() -> None:
    """Run as a command."""
    parser = argparse.ArgumentParser(description="Measure the verification of Linked Data signatures.")
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--graphs", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    uvloop.run(measure(options.seconds, options.graphs, options.seed))


if __name__ == "__main__":
    main()
