"""Which signer keeps both cores signing, beside a loop that is idle and beside one that is busy?

    python bench/signing.py [--seconds 0.7] [--rounds 3]

The limit is two processes that do nothing but sign, measured before and after each figure, because a shared
machine is never twice the same. Busy means that the loop burns 80 us of CPU for each message, as delivering
does; then nobody reaches the limit, and the second ratio is to the ceiling: both cores busy with signatures and
deliveries and nothing else. Rounds are interleaved, figures are medians.

The last row is two workers, each of which signs and delivers in one thread and hands nothing to anybody: several
processes of the whole relay, that is, which need a database that they can share.
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

WORK = 80e-6  # seconds of CPU per message on the loop
CORES = 2
CALLERS = 4
UNSTEADY = 1.25
BATCHES = (1, 8, 32, 128)
INTERVALS = (5.0, 1.0, 0.1, 0.02)
SIGNERS: dict[str, Callable[..., ThreadSigner | ProcessSigner]] = {
    "2 threads": partial(ThreadSigner, threads=2),
    "1 process": partial(ProcessSigner, processes=1),
    "2 processes": partial(ProcessSigner, processes=2),
}


def flat_out(pem: bytes, turns: int) -> None:
    """For each line with seconds that arrives: sign for so long, and print how often; `turns`: and deliver."""
    key, padding, digest = load_rsa(pem), PKCS1v15(), SHA256()
    print("ready", flush=True)
    for line in sys.stdin:
        count, start = 0, perf_counter()
        while perf_counter() < start + float(line):
            key.sign(b"x" * 300, padding, digest)
            burn(turns)
            count += 1
        print(count / (perf_counter() - start), flush=True)


class Limit:
    """Two processes that do nothing but sign, when asked; with `turns` they deliver as well."""

    def __init__(self, pem: bytes, turns: int = 0) -> None:
        command = [sys.executable, __file__, "--flat-out", pem.hex(), "--turns", str(turns)]
        pipe = subprocess.PIPE
        self._children = [subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) for _ in range(CORES)]
        for child in self._children:
            self._answer(child)

    def rate(self, seconds: float) -> float:
        """Signatures per second of both cores, now."""
        for child in self._children:
            assert child.stdin is not None
            child.stdin.write(f"{seconds}\n")
            child.stdin.flush()
        return sum(float(self._answer(child)) for child in self._children)

    def _answer(self, child: subprocess.Popen[str]) -> str:
        assert child.stdout is not None
        return child.stdout.readline()

    def close(self) -> None:
        """End them."""
        for child in self._children:
            child.communicate()


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
    turns, usual, limit = calibrate(), sys.getswitchinterval(), Limit(pem)
    workers, alone = Limit(pem, turns), list[float]()
    limits: list[float] = []
    ratios: dict[tuple[bool, Configuration], list[float]] = {}
    for _ in range(rounds):
        for busy in (False, True):
            for one in configurations(busy=busy):
                kind, interval, batch = one
                before = limit.rate(seconds / 2)
                sys.setswitchinterval(interval / 1000)
                found = uvloop.run(once(kind, pem, batch, turns if busy else 0, seconds))
                sys.setswitchinterval(usual)
                here = (before + limit.rate(seconds / 2)) / 2
                limits.append(here)
                ratios.setdefault((busy, one), []).append(found / here)
        before = limit.rate(seconds / 2)
        found = workers.rate(seconds)
        alone.append(2 * found / (before + limit.rate(seconds / 2)))
    limit.close()
    workers.close()
    show(limits, ratios)
    print(f"two workers that sign for themselves, beside their own loop: {median(alone):.2f}")


def show(limits: list[float], ratios: dict[tuple[bool, Configuration], list[float]]) -> None:
    """Print what was found; ratios are to the limit."""
    most = median(limits)
    ceiling = 1 / (1 + most * WORK / CORES)
    print(f"limit {most:,.0f}/s on {CORES} cores ({min(limits):,.0f}-{max(limits):,.0f})")
    if max(limits) > UNSTEADY * min(limits):
        print("THE MACHINE WAS NOT QUIET: the limit itself moved by more than the differences below")
    print(f"ceiling beside a busy loop: {ceiling:.2f} of the limit\n")
    for busy in (False, True):
        print(f"{'busy' if busy else 'idle'} loop: ratio to the limit{' (to the ceiling)' if busy else ''}")
        print(f"{'':24}" + "".join(f"{f'batch {batch}':>16}" for batch in BATCHES))
        rows = dict.fromkeys((kind, interval) for kind, interval, _ in configurations(busy=busy))
        for kind, interval in rows:
            found = [median(ratios[busy, (kind, interval, batch)]) for batch in BATCHES]
            cells = [f"{each:.2f}" + (f" ({each / ceiling:.2f})" if busy else "") for each in found]
            name = f"{kind}, {interval:g} ms" if kind == "2 threads" else kind
            print(f"{name:24}" + "".join(f"{cell:>16}" for cell in cells))
        print()


def main() -> None:
    """Run as a command."""
    parser = argparse.ArgumentParser(description="Measure the signers against the limit.")
    parser.add_argument("--seconds", type=float, default=0.7)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--flat-out", type=bytes.fromhex, help=argparse.SUPPRESS)
    parser.add_argument("--turns", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.flat_out is not None:
        flat_out(options.flat_out, options.turns)
        return
    key = generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    measure(pem, rounds=options.rounds, seconds=options.seconds)


if __name__ == "__main__":
    main()
