"""Confined worker processes, seen from the relay: one of them, and the places that a pool keeps for some."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Generic, Self, TypeVar

from relay.adapters.media import wire
from relay.domain.errors import Malformed

if TYPE_CHECKING:
    from collections.abc import Sequence

_START_SECONDS: Final = 30

# -I: no environment, no user site, no current directory on the path; -B: it may not write files anyway.
_INTERPRETER: Final = (sys.executable, "-I", "-B")

# Each thread of a numeric library would cost address space, and another process works beside this one.
_ENVIRONMENT: Final = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "LC_ALL": "C.UTF-8"}


@dataclass(eq=False, slots=True)
class WorkerProcess:
    """A running worker. Not safe for concurrent calls: it does one thing after the other.

    `confined` names what its confinement achieved (confinement.py); `items` counts the messages it was given.
    """

    process: asyncio.subprocess.Process
    confined: frozenset[str]
    items: int = 0

    @classmethod
    async def start(cls, program: Sequence[str], arguments: Sequence[int]) -> Self:
        """Start a worker and wait until it is ready. Raises ChildProcessError."""
        try:
            process = await asyncio.create_subprocess_exec(
                *_INTERPRETER,
                *program,
                *map(str, arguments),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                cwd="/",
                env=_ENVIRONMENT,
            )
        except OSError as error:
            raise ChildProcessError(f"a worker process could not be started: {error}") from error
        worker = cls(process, frozenset())
        try:
            async with asyncio.timeout(_START_SECONDS):
                worker.confined = wire.parse_ready(await worker._receive())
        except TimeoutError as error:
            await worker.stop()
            raise ChildProcessError("a worker process did not get ready") from error
        except Malformed as error:
            await worker.stop()
            raise ChildProcessError("a worker process did not start as it should") from error
        except BaseException:
            await worker.stop()
            raise
        return worker

    async def exchange(self, content: bytes) -> bytes:
        """Send a message and return the answer to it.

        Raises ChildProcessError when the worker died, `Malformed` when its answer is too long. After that, or after a
        cancellation, it can only be stopped.
        """
        self.items += 1
        stdin = self.process.stdin
        assert stdin is not None  # noqa: S101 - a pipe was asked for
        try:
            stdin.write(len(content).to_bytes(wire.REQUEST_HEADER, "big"))
            stdin.write(content)
            await stdin.drain()
            return await self._receive()
        except (OSError, RuntimeError) as error:  # uvloop says RuntimeError of a pipe that has closed
            raise ChildProcessError("a worker process ended") from error

    async def _receive(self) -> bytes:
        stdout = self.process.stdout
        assert stdout is not None  # noqa: S101 - a pipe was asked for
        try:
            size = int.from_bytes(await stdout.readexactly(wire.ANSWER_HEADER), "big")
            if size > wire.MAX_ANSWER:
                raise Malformed("a worker's answer is too long")
            return await stdout.readexactly(size)
        except asyncio.IncompleteReadError as error:
            raise ChildProcessError("a worker process ended") from error

    async def stop(self) -> None:
        """Kill the process, wait for its end and close the pipes. May be called again."""
        with suppress(ProcessLookupError):
            self.process.kill()
        if self.process.stdin is not None:
            self.process.stdin.close()
        await self.process.communicate()


class Place:
    """Room for one worker."""

    def __init__(self) -> None:
        self.worker: WorkerProcess | None = None

    async def dismiss(self) -> None:
        """Kill the worker, if there is one, and wait for its end."""
        worker, self.worker = self.worker, None
        if worker is not None:
            await worker.stop()


P = TypeVar("P", bound=Place)


class Pool(Generic[P]):
    """What is known of the workers in some places."""

    def __init__(self, places: Sequence[P]) -> None:
        self._places = places

    @property
    def pids(self) -> tuple[int, ...]:
        """Process ids of the workers that run now."""
        return tuple(place.worker.process.pid for place in self._places if place.worker)

    @property
    def confined(self) -> frozenset[str]:
        """What confinement achieved for every running worker (names in confinement.py)."""
        running = [place.worker.confined for place in self._places if place.worker]
        return frozenset.intersection(*running) if running else frozenset()

    async def _dismiss_all(self) -> None:
        for place in self._places:
            await place.dismiss()
