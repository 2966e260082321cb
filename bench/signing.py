"""Which signer keeps both cores signing, beside a loop that is idle and beside one that is busy?

    python bench/signing.py [--seconds 0.7] [--rounds 3]

The limit is measured in the same run: two processes that do nothing but sign. Busy means that the loop burns
150 us of CPU for each message, as delivering does; then nobody reaches the limit, and the second ratio is to
the ceiling: both cores busy with signatures and deliveries and nothing else. Rounds are interleaved, figures
are medians.
"""

from __future__ import annotations

import argparse
import asyncio
import subprocess
import sys
from functools import partial
from statistics import median
from time import perf_counter, process_time
from typing import TYPE_CHECKING, TypeAlias

import uvloop
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from relay.adapters.signing import ProcessSigner, ThreadSigner, load_rsa
from relay.adapters.system import SystemClock

if TYPE_CHECKING:
    from collections.abc import Callable

Configuration: TypeAlias = tuple[str, float, int]  # the signer, the switch interval in ms, the batch

WORK = 150e-6  # seconds of CPU per message on the loop
CORES = 2
CALLERS = 4
BATCHES = (8, 16, 32, 64)
INTERVALS = (5.0, 1.0, 0.1, 0.02)
SIGNERS: dict[str, Callable[..., ThreadSigner | ProcessSigner]] = {
    "2 threads": partial(ThreadSigner, threads=2),
    "1 process": partial(ProcessSigner, processes=1),
    "2 processes": partial(ProcessSigner, processes=2),
}


def flat_out(pem: bytes, seconds: float) -> None:
    """Sign for `seconds` from the moment a line arrives; print how often."""
    key, padding, digest = load_rsa(pem), PKCS1v15(), SHA256()
    print("ready", flush=True)
    sys.stdin.buffer.readline()
    count, end = 0, perf_counter() + seconds
    while perf_counter() < end:
        key.sign(b"x" * 300, padding, digest)
        count += 1
    print(count, flush=True)


def limit(pem: bytes, seconds: float) -> float:
    """Signatures per second of both cores."""
    command = [sys.executable, __file__, "--flat-out", pem.hex(), "--seconds", str(seconds)]
    children = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) for _ in range(CORES)
    ]
    for child in children:
        assert child.stdout is not None
        child.stdout.readline()
    for child in children:
        assert child.stdin is not None
        child.stdin.write(b"go\n")
        child.stdin.flush()
    return sum(float(child.communicate()[0]) for child in children) / seconds


def burn(turns: int) -> int:
    """Python work that does not let go of the interpreter lock by itself."""
    total = 0
    for turn in range(turns):
        total += turn & 3
    return total


def calibrate() -> int:
    """How many turns of `burn` take `WORK`."""
    samples = []
    for _ in range(9):
        start = process_time()
        burn(100_000)
        samples.append(process_time() - start)
    return round(100_000 * WORK / median(samples))


async def rate(signer: ThreadSigner | ProcessSigner, batch: int, turns: int, seconds: float) -> float:
    """Messages per second that are signed and, with `turns`, delivered."""
    clock, done = SystemClock(), 0
    start = perf_counter()
    end = start + seconds

    async def caller(name: int) -> None:
        nonlocal done
        messages = [b"%d %d " % (name, number) + b"x" * 290 for number in range(batch)]
        while perf_counter() < end:
            await signer.sign_many(messages)
            for _ in range(batch if turns else 0):
                burn(turns)
                await clock.sleep(0)
            done += batch

    async with asyncio.TaskGroup() as group:
        for name in range(CALLERS):
            group.create_task(caller(name))
    return done / (perf_counter() - start)


async def once(kind: str, pem: bytes, batch: int, turns: int, seconds: float) -> float:
    """One measurement with a signer of its own."""
    async with SIGNERS[kind](key_id="", pem=pem) as signer:
        await signer.sign_many([b"warm"] * batch)
        return await rate(signer, batch, turns, seconds)


def configurations(*, busy: bool) -> list[Configuration]:
    """What is measured: the switch interval matters to threads beside a busy loop only."""
    intervals = INTERVALS if busy else INTERVALS[:1]
    threads = [("2 threads", interval, batch) for interval in intervals for batch in BATCHES]
    return threads + [(kind, 5.0, batch) for kind in ("1 process", "2 processes") for batch in BATCHES]


def measure(pem: bytes, *, rounds: int, seconds: float) -> None:
    """Print the tables."""
    turns = calibrate()
    limits: list[float] = []
    rates: dict[tuple[bool, Configuration], list[float]] = {}
    usual = sys.getswitchinterval()
    for _ in range(rounds):
        limits.append(limit(pem, seconds))
        for busy in (False, True):
            for one in configurations(busy=busy):
                kind, interval, batch = one
                sys.setswitchinterval(interval / 1000)
                result = uvloop.run(once(kind, pem, batch, turns if busy else 0, seconds))
                sys.setswitchinterval(usual)
                rates.setdefault((busy, one), []).append(result)
    most = median(limits)
    ceiling = CORES / (CORES / most + WORK)
    print(f"limit {most:,.0f}/s on {CORES} cores ({min(limits):,.0f}-{max(limits):,.0f}), {rounds} rounds")
    print(f"ceiling beside a busy loop {ceiling:,.0f}/s = {ceiling / most:.2f} of the limit\n")
    for busy in (False, True):
        best = ceiling if busy else most
        print(
            f"{'busy' if busy else 'idle'} loop: ratio to the {'ceiling (to the limit)' if busy else 'limit'}"
        )
        print(f"{'':24}" + "".join(f"{f'batch {batch}':>16}" for batch in BATCHES))
        rows = dict.fromkeys((kind, interval) for kind, interval, _ in configurations(busy=busy))
        for kind, interval in rows:
            found = [median(rates[busy, (kind, interval, batch)]) for batch in BATCHES]
            cells = [f"{each / best:.2f}" + (f" ({each / most:.2f})" if busy else "") for each in found]
            name = f"{kind}, {interval:g} ms" if kind == "2 threads" else kind
            print(f"{name:24}" + "".join(f"{cell:>16}" for cell in cells))
        print()


def main() -> None:
    """Run as a command."""
    parser = argparse.ArgumentParser(description="Measure the signers against the limit.")
    parser.add_argument("--seconds", type=float, default=0.7)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--flat-out", type=bytes.fromhex, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.flat_out is not None:
        flat_out(options.flat_out, options.seconds)
        return
    key = generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    measure(pem, rounds=options.rounds, seconds=options.seconds)


if __name__ == "__main__":
    main()
