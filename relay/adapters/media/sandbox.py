"""The `Decoder` that survives what it decodes: untrusted bytes are only looked at in processes of their own.

Each place for a worker is served by one task. It takes a picture from the queue, hands it to its process
through a pipe, and when that dies, hangs or answers nonsense, kills it and starts another, for the one
retry at once and otherwise after the caller has its answer. Nothing touches the file system. What confines
a worker, and on which systems, is listed in confinement.py; what was achieved here is in
`SandboxedDecoder.confined`.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Self

from relay.adapters.media import wire
from relay.adapters.media.process import Place, Pool, WorkerProcess
from relay.domain.errors import Malformed
from relay.domain.media import Decoded, Undecodable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import TracebackType

    from relay.ports import Clock

WORKER: Final = ("-m", "relay.adapters.media.worker")
"""What the interpreter is asked to run."""

ITEMS_PER_WORKER: Final = 200
"""A worker is replaced after so many files: leaks and fragments of memory go with it."""

_SHARE: Final = 0.7
"""Of its time a worker may use so much of the processor for one file; then it answers with what it has seen."""

ATTEMPTS: Final = 2
"""A worker that dies may have been killed by the system for no fault of the picture: one more try."""


@dataclass(frozen=True, slots=True)
class DecoderStats:
    """What a decoder did since its start.

    `decoded` files; `undecodable` by reason, those among them of which only a part was seen; workers `killed` for
    taking too long, and those that `died`; workers started as `replaced` for others; `busy` seconds of decoding, summed
    over all workers.
    """

    decoded: int
    undecodable: Mapping[Undecodable, int]
    killed: int
    died: int
    replaced: int
    busy: float


@dataclass(slots=True)
class _Tally:
    decoded: int = 0
    undecodable: Counter[Undecodable] = field(default_factory=Counter)
    killed: int = 0
    died: int = 0
    replaced: int = 0
    busy: float = 0.0

    def count(self, answer: Decoded | Undecodable) -> None:
        why = answer if isinstance(answer, Undecodable) else answer.unseen
        if why is None:
            self.decoded += 1
        else:
            self.undecodable[why] += 1


@dataclass(frozen=True, slots=True)
class _Job:
    content: bytes
    answer: asyncio.Future[Decoded | Undecodable]


@dataclass(frozen=True, slots=True)
class _Terms:
    """On what terms workers work."""

    clock: Clock
    timeout: float
    items: int
    program: Sequence[str]
    arguments: Sequence[int]


class SandboxedDecoder(Pool["_Place"]):
    """Implements the port `Decoder` with `workers` processes of at most `memory` bytes each.

    `timeout` is in seconds and counts from when a worker takes the picture until the answer, both attempts
    together; waiting for a free worker is not counted. `max_pixels` bounds a frame, `video_frames` a video, of which
    a frame is hashed every `step` seconds. Use it once, as an asynchronous context manager; starting raises
    ChildProcessError when no worker can be started, leaving waits for what was asked. Without `eager` a worker is
    started when it is needed: commands may not need any.
    """

    def __init__(
        self,
        *,
        clock: Clock,
        memory: int,
        timeout: float,
        max_pixels: int,
        workers: int = 2,
        video_frames: int = 300,
        step: float = 1.0,
        items_per_worker: int = ITEMS_PER_WORKER,
        program: Sequence[str] = WORKER,
        eager: bool = True,
    ) -> None:
        # More than the wall clock lets a worker use: it only stops one that the relay cannot stop any more.
        processor_seconds = int(timeout + 1) * items_per_worker + 60
        budget = int(timeout * _SHARE * 1000)
        arguments = (memory, processor_seconds, max_pixels, video_frames, int(step * 1000), budget)
        self._tally = _Tally()
        terms = _Terms(clock, timeout, items_per_worker, program, arguments)
        super().__init__([_Place(terms, self._tally) for _ in range(workers)])
        self._jobs: asyncio.Queue[_Job | None] = asyncio.Queue()
        self._group = asyncio.TaskGroup()
        self._open, self._eager = False, eager

    @property
    def stats(self) -> DecoderStats:
        """Counts since the start."""
        tally = self._tally
        reasons = MappingProxyType(dict(tally.undecodable))
        return DecoderStats(tally.decoded, reasons, tally.killed, tally.died, tally.replaced, tally.busy)

    async def __aenter__(self) -> Self:
        try:
            for place in self._places if self._eager else ():
                await place.fill()
            await self._group.__aenter__()
        except BaseException:
            await self._dismiss_all()
            raise
        for place in self._places:
            self._group.create_task(place.serve(self._jobs))
        self._open = True
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open = False
        for _ in self._places:
            self._jobs.put_nowait(None)
        try:
            await self._group.__aexit__(kind, error, trace)
        finally:
            await self._dismiss_all()

    async def decode(self, content: bytes) -> Decoded | Undecodable:
        """Hash every frame that counts, or say why not (see the port)."""
        if not self._open:
            raise RuntimeError("the decoder is not running")
        job = _Job(content, asyncio.get_running_loop().create_future())
        self._jobs.put_nowait(job)
        return await job.answer


class _Place(Place):
    """Room for one worker, and the task that keeps it filled."""

    def __init__(self, terms: _Terms, tally: _Tally) -> None:
        super().__init__()
        self._terms = terms
        self._tally = tally

    async def serve(self, jobs: asyncio.Queue[_Job | None]) -> None:
        """Answer jobs until there are no more."""
        while (job := await jobs.get()) is not None:
            if job.answer.done():
                continue
            answer = await self._answer(job.content)
            self._tally.count(answer)
            if not job.answer.done():
                job.answer.set_result(answer)
            await self._renew(answer)

    async def _answer(self, content: bytes) -> Decoded | Undecodable:
        clock = self._terms.clock
        began = clock.monotonic()
        try:
            async with asyncio.timeout(self._terms.timeout):
                return await self._try(content)
        except TimeoutError:
            self._tally.killed += 1
            await self.dismiss()
            return Undecodable.TIMEOUT
        finally:
            self._tally.busy += clock.monotonic() - began

    async def _try(self, content: bytes) -> Decoded | Undecodable:
        for _ in range(ATTEMPTS):
            try:
                worker = self.worker or await self._replace()
                return wire.parse_answer(await worker.exchange(content))
            except (ChildProcessError, Malformed):
                self._tally.died += 1
                await self.dismiss()
        return Undecodable.CRASHED

    async def _renew(self, answer: Decoded | Undecodable) -> None:
        """Start a fresh worker where the last picture left none, or one that is worn out."""
        worn = answer is Undecodable.OUT_OF_MEMORY or (self.worker and self.worker.items >= self._terms.items)
        if worn:
            await self.dismiss()
        if self.worker is None:
            with suppress(ChildProcessError):  # then the next picture tries again
                await self._replace()

    async def _replace(self) -> WorkerProcess:
        self._tally.replaced += 1
        return await self.fill()

    async def fill(self) -> WorkerProcess:
        """Start a worker. Raises ChildProcessError."""
        self.worker = await WorkerProcess.start(self._terms.program, self._terms.arguments)
        return self.worker
