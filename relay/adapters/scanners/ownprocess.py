"""Work on very many hashes in a process of its own: it must not hold up the relay, nor leave its memory there.

The relay sends parts over a pipe, each with its length before it, and an empty one where a stream of them ends. The
process is a module of this package run with `-m`; what it writes is the answer.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final

import relay

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

_LENGTH: Final = 4


async def run(module: str, argument: str, *streams: AsyncIterator[bytes]) -> tuple[bytes, int | None]:
    """Run a module with an argument, send it the streams in turn; return what it wrote and its status.

    A process that ends before it has read everything says by its status why. It is killed when this is cancelled.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-B",
        "-m",
        module,
        argument,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={
            "PYTHONPATH": _code_path(),
            "OMP_NUM_THREADS": "1",
            "OPENBLAS_NUM_THREADS": "1",
            "LC_ALL": "C.UTF-8",
        },
    )
    assert process.stdin is not None  # noqa: S101 - a pipe was asked for
    try:
        try:
            for stream in streams:
                await _send(process.stdin, stream)
        except OSError:
            pass  # it ended early: its status says so
        answer, _ = await process.communicate()
    except BaseException:
        process.kill()
        await process.wait()
        raise
    return answer, process.returncode


def received(pipe: IO[bytes]) -> Iterator[bytes]:
    """The parts of one stream, in the process."""
    while length := int.from_bytes(pipe.read(_LENGTH), "big"):
        yield pipe.read(length)


async def _send(pipe: asyncio.StreamWriter, parts: AsyncIterator[bytes]) -> None:
    async for part in parts:
        if part:
            pipe.write(len(part).to_bytes(_LENGTH, "big") + part)
            await pipe.drain()
    pipe.write(bytes(_LENGTH))


def _code_path() -> str:
    """Where the packages are that this process runs, for one that it starts."""
    return ":".join([str(Path(relay.__file__).parents[1]), *filter(None, sys.path)])
