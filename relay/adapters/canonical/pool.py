"""The `Canonicalizer` that survives what it reads: documents of strangers are only put in order in other processes.

The guard on the graph (ldgraph.py) refuses what would take long; the time limit is for what nobody thought of. A
process that exceeds it, dies or answers nonsense is killed and its place filled again when the next document comes.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self

from relay.adapters.canonical import wire
from relay.adapters.media.process import Place, Pool, WorkerProcess
from relay.domain.errors import Malformed
from relay.protocol.unproven import Failure

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

    from relay.protocol.ldsig import Engine, Reading

WORKER: Final = ("-m", "relay.adapters.canonical.worker")
"""What the interpreter is asked to run."""

MEMORY: Final = 1 << 30
"""Bytes of address space of a process; it uses about 70 MiB."""
TIMEOUT: Final = 0.5
"""Seconds for one document; posts of servers take 2 ms."""
ATTEMPTS: Final = 2
"""A process that dies may have been killed by the system for no fault of the document: one more try."""
DOCUMENTS_PER_WORKER: Final = 20_000
"""A process is replaced after so many documents: what leaks goes with it."""


@dataclass(slots=True)
class ReaderStats:
    """What was done: documents `read` or refused; workers `started`, `killed` for time, and that `died`."""

    read: int = 0
    killed: int = 0
    died: int = 0
    started: int = 0


class CanonicalProcesses(Pool[Place]):
    """Implements the port `Canonicalizer` with at most `workers` processes, each started when it is first needed.

    `timeout` is in seconds and counts from when a process takes the document. Use it once, as an asynchronous context
    manager; leaving kills the processes.
    """

    def __init__(
        self,
        *,
        workers: int = 2,
        timeout: float = TIMEOUT,
        memory: int = MEMORY,
        program: Sequence[str] = WORKER,
    ) -> None:
        processor_seconds = int(timeout + 1) * DOCUMENTS_PER_WORKER
        self._arguments, self._program = (memory, processor_seconds), program
        self._timeout = timeout
        super().__init__([Place() for _ in range(workers)])
        self._free: asyncio.LifoQueue[Place] = asyncio.LifoQueue()
        self.stats = ReaderStats()

    async def __aenter__(self) -> Self:
        for place in self._places:
            self._free.put_nowait(place)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._dismiss_all()

    async def read(self, body: bytes, engine: Engine) -> Reading | Failure:
        """Read a document, or say why not (see the port)."""
        place = await self._free.get()
        try:
            return await self._try(place, wire.pack_question(body, engine))
        finally:
            self._free.put_nowait(place)

    async def _try(self, place: Place, question: bytes) -> Reading | Failure:
        for _ in range(ATTEMPTS):
            answer = await self._ask(place, question)
            if answer is not Failure.CRASHED:
                break
        return answer

    async def _ask(self, place: Place, question: bytes) -> Reading | Failure:
        try:
            worker = place.worker or await self._fill(place)
            async with asyncio.timeout(self._timeout):
                answer = wire.parse_answer(await worker.exchange(question))
        except TimeoutError:
            self.stats.killed += 1
            await place.dismiss()
            return Failure.TOO_SLOW
        except (ChildProcessError, Malformed):
            self.stats.died += 1
            await place.dismiss()
            return Failure.CRASHED
        except BaseException:
            await place.dismiss()  # cancelled: the answer of the process would be taken for the next one
            raise
        self.stats.read += 1
        if worker.items >= DOCUMENTS_PER_WORKER:
            await place.dismiss()
        return answer

    async def _fill(self, place: Place) -> WorkerProcess:
        self.stats.started += 1
        place.worker = await WorkerProcess.start(self._program, self._arguments)
        return place.worker
