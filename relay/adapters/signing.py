"""RSA signatures off the event loop, in threads or in processes of their own.

A signature takes 0.25 ms without the interpreter lock, but a thread must win the lock back after each one,
and beside a busy loop that takes a switch interval (5 ms by default): the convoy. A process has a lock of its
own; it costs two pipe writes per batch instead. `bench/signing.py` measures both.

A process runs this file (`python -m relay.adapters.signing`). On its standard input: one frame with the key
as PEM, then batches; on its standard output: one frame with the size of a signature in four bytes, then the
signatures of each batch, in order, joined. A frame is its length in four bytes, big-endian, and that many
bytes; a batch is a frame that consists of frames. A process ends when its input does: it cannot outlive the
relay.
"""

from __future__ import annotations

import asyncio
import signal
import struct
import sys
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, BinaryIO, Self, cast

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateNumbers

_LENGTH = struct.Struct(">I")
_PADDING, _HASH = PKCS1v15(), SHA256()
_ATTEMPTS = 3  # a batch does not kill processes; whatever killed three is not going to stop
_GRACE = 2.0  # seconds for a process to finish its batch and end by itself


def load_rsa(pem: bytes) -> RSAPrivateKey:
    """The RSA private key in `pem` (PKCS8, no passphrase). ValueError for anything else.

    That its numbers belong together is what shows a damaged file. The library would also test whether two of them are
    prime, which takes 36 ms, at each start in each process: who could put other primes there has the key already.
    """
    try:
        key = load_pem_private_key(pem, password=None, unsafe_skip_rsa_key_validation=True)
    except UnsupportedAlgorithm as error:
        raise ValueError(str(error)) from error
    if not isinstance(key, RSAPrivateKey):
        raise ValueError("not an RSA key")  # noqa: TRY004 (the file's content is wrong, not a caller's type)
    if not _belong_together(key.private_numbers()):
        raise ValueError("its numbers do not belong together: the file is damaged")
    return key


def _belong_together(key: RSAPrivateNumbers) -> bool:
    """Whether each number of a key follows from the others (RFC 8017 3.2)."""
    p, q, n, e = key.p, key.q, key.public_numbers.n, key.public_numbers.e
    return (
        min(p, q) > 2
        and p * q == n
        and key.d % (p - 1) == key.dmp1
        and key.d % (q - 1) == key.dmq1
        and e * key.dmp1 % (p - 1) == 1
        and e * key.dmq1 % (q - 1) == 1
        and q * key.iqmp % p == 1
    )


def _sign_all(key: RSAPrivateKey, messages: Sequence[bytes]) -> list[bytes]:
    return [key.sign(message, _PADDING, _HASH) for message in messages]


class ThreadSigner:
    """Port `Signer` in `threads` threads; a batch is one visit to a thread. Use it with `async with`.

    Right while the loop is mostly idle: it needs no processes and no pipes.
    """

    def __init__(self, *, key_id: str, pem: bytes, threads: int = 2) -> None:
        self.key_id = key_id
        self._key = load_rsa(pem)
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="sign")

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # What waits is signed: a cancelled batch would look to its caller like a cancelled caller.
        await asyncio.to_thread(self._pool.shutdown)

    async def sign_many(self, messages: Sequence[bytes]) -> list[bytes]:
        """The signatures of `messages`, in their order. RuntimeError once it is closed."""
        if not messages:
            return []
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._pool, _sign_all, self._key, messages)


class ProcessSigner:
    """Port `Signer` in `processes` processes, each loading the key once. Use it with `async with`.

    Batches go to the process with the fewest waiting, and queue up in its pipe, so that it never waits for
    the loop. A process that dies is replaced by the next caller, and its batches are signed again.
    """

    def __init__(self, *, key_id: str, pem: bytes, processes: int = 2) -> None:
        load_rsa(pem)
        self.key_id = key_id
        self._workers = [_Worker(pem) for _ in range(processes)]

    async def __aenter__(self) -> Self:
        try:
            async with asyncio.TaskGroup() as group:
                for worker in self._workers:
                    group.create_task(worker.ready())
        except ExceptionGroup as errors:
            await self._stop()
            raise RuntimeError("a signing process did not start") from errors.exceptions[0]
        except BaseException:
            await self._stop()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stop()

    async def _stop(self) -> None:
        async with asyncio.TaskGroup() as group:
            for worker in self._workers:
                group.create_task(worker.stop())

    @property
    def process_ids(self) -> tuple[int, ...]:
        """The processes that live now, for telemetry."""
        children = (worker.child for worker in self._workers)
        return tuple(child.pid for child in children if child is not None and not child.ended.done())

    async def sign_many(self, messages: Sequence[bytes]) -> list[bytes]:
        """The signatures of `messages`, in their order. RuntimeError once closed, or if processes die."""
        if not messages:
            return []
        parts = (part for message in messages for part in (_LENGTH.pack(len(message)), message))
        frame = _frame(b"".join(parts))
        for _ in range(_ATTEMPTS):
            worker = min(self._workers, key=lambda worker: worker.load)
            try:
                child = await worker.ready()
                joined = await child.ask(frame)
            except ConnectionError:
                continue
            size = len(joined) // len(messages)
            return [joined[at : at + size] for at in range(0, len(joined), size)]
        raise RuntimeError(f"{_ATTEMPTS} signing processes died over one batch")


class _Worker:
    """A place for a process: starts it, replaces it, stops it."""

    def __init__(self, pem: bytes) -> None:
        self._pem = pem
        self._starting = asyncio.Lock()
        self._stopped = False
        self.child: _Child | None = None

    @property
    def load(self) -> int:
        """Batches that wait for an answer."""
        return 0 if self.child is None else len(self.child.waiting)

    async def ready(self) -> _Child:
        """The process, started if need be. ConnectionError if it does not start, RuntimeError if closed."""
        async with self._starting:
            if self._stopped:
                raise RuntimeError("the signer is closed")
            child = self.child
            if child is None or child.gone:
                await self._end()
                child = await self._start()
            return child

    async def _start(self) -> _Child:
        _, child = await asyncio.get_running_loop().subprocess_exec(
            _Child, sys.executable, "-P", "-m", __name__, stderr=None
        )
        # Known before it is ready, so that `stop` finds it whatever happens to this caller. Nobody minds a
        # process that is still loading its key: answers come in the order of the questions.
        self.child = child
        await child.ask(_frame(self._pem))
        return child

    async def stop(self) -> None:
        """End the process after the batch that it is working on."""
        self._stopped = True
        async with self._starting:
            await self._end()

    async def _end(self) -> None:
        child, self.child = self.child, None
        if child is not None:
            await child.end()


class _Child(asyncio.SubprocessProtocol):
    """The relay's end of a process. Answers arrive in callbacks, so that no task has to be looked after."""

    def __init__(self) -> None:
        self.waiting: deque[asyncio.Future[bytes]] = deque()
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._received = bytearray()

    @property
    def pid(self) -> int:
        """The number of the process."""
        return self._transport.get_pid()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep both ends (called by the loop)."""
        self._transport = cast("asyncio.SubprocessTransport", transport)
        self._input = cast("asyncio.WriteTransport", self._transport.get_pipe_transport(0))

    @property
    def gone(self) -> bool:
        """Whether it takes nothing any more; its pipe may be closed before its end is known."""
        return self.ended.done() or self._input.is_closing()

    def ask(self, frame: bytes) -> asyncio.Future[bytes]:
        """Send a frame; the future is the answer, or ConnectionError if the process is gone."""
        answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        if self.gone:
            answer.set_exception(ConnectionResetError("the process is gone"))
        else:
            # A caller that is cancelled leaves its place in the queue: the answer comes and is dropped.
            self.waiting.append(answer)
            self._input.write(frame)
        return answer

    def pipe_data_received(self, fd: int, data: bytes) -> None:  # noqa: ARG002 (only one pipe is read)
        """Hand out the answers that are complete (called by the loop)."""
        self._received += data
        while len(self._received) >= _LENGTH.size:
            end = _LENGTH.size + _LENGTH.unpack_from(self._received)[0]
            if len(self._received) < end:
                return
            answer = self.waiting.popleft()
            if not answer.done():  # cancelled
                answer.set_result(bytes(self._received[_LENGTH.size : end]))
            del self._received[:end]

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 (it died, for whatever reason)
        """Fail whoever waits (called by the loop: the process is over and its last answer handed out)."""
        self.ended.set_result(None)
        for answer in self.waiting:
            if not answer.done():
                answer.set_exception(ConnectionResetError("the process is gone"))
        self.waiting.clear()

    async def end(self) -> None:
        """Close the input and wait; kill what does not end within the grace period."""
        try:
            if not self.ended.done():
                self._input.close()
                async with asyncio.timeout(_GRACE):
                    await asyncio.shield(self.ended)
        except TimeoutError:
            self._transport.kill()
            await self.ended
        finally:
            self._transport.close()


def _frame(content: bytes) -> bytes:
    return _LENGTH.pack(len(content)) + content


def _read_frame(source: BinaryIO) -> bytes | None:
    head = source.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        return None
    return source.read(_LENGTH.unpack(head)[0])


def _messages(batch: bytes) -> list[bytes]:
    found, at = [], 0
    while at < len(batch):
        start = at + _LENGTH.size
        at = start + _LENGTH.unpack_from(batch, at)[0]
        found.append(batch[start:at])
    return found


def serve(source: BinaryIO, sink: BinaryIO) -> None:
    """The life of a process: read the key from `source`, then sign batches until it ends. See the module."""
    pem = _read_frame(source)
    if pem is None:
        return
    key = load_rsa(pem)
    sink.write(_frame(_LENGTH.pack(key.key_size // 8)))
    sink.flush()
    while (batch := _read_frame(source)) is not None:
        sink.write(_frame(b"".join(_sign_all(key, _messages(batch)))))
        sink.flush()


if __name__ == "__main__":
    # The whole process group gets the terminal's and the service manager's signals; the relay drains, and
    # needs its signatures until it closes the pipe.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    serve(sys.stdin.buffer, sys.stdout.buffer)
