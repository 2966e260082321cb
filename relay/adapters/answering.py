"""Verifiers to ask: a command that reads and writes lines, or an address that takes questions by POST.

A command that does not answer in time is killed with all that it started, and started anew for the next question: its
late answer would be taken for another one.
"""

from __future__ import annotations

import asyncio
import os
import shlex
import signal
from asyncio.subprocess import DEVNULL, PIPE
from contextlib import suppress
from typing import TYPE_CHECKING, Final, Self

from relay.domain.errors import RemoteError

if TYPE_CHECKING:
    from asyncio.subprocess import Process
    from types import TracebackType

    from relay.ports.lab import Probe

LONGEST: Final = 512 * 1024
"""Bytes of an answer."""
_END_SECONDS: Final = 2.0


class CommandAnswerer:
    """Port `Answerer` on a command, in the words of a shell but run without one. Its standard error is ours.

    Use it with `async with`; leaving ends the command. Raises ValueError for words that cannot be split.
    """

    def __init__(self, command: str) -> None:
        self._words = shlex.split(command)
        if not self._words:
            raise ValueError("no command")
        self._process: Process | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._end(_END_SECONDS)

    async def ask(self, question: bytes, *, timeout: float) -> bytes:
        """Write a line and read one (see the port)."""
        try:
            async with asyncio.timeout(timeout):
                return await self._exchange(question)
        except TimeoutError:
            await self._end(0)
            raise RemoteError(f"no answer within {timeout:g} s", code="timeout") from None
        except BaseException:
            await self._end(0)
            raise

    async def _exchange(self, question: bytes) -> bytes:
        process = self._process or await self._start()
        assert process.stdin is not None  # noqa: S101 - it was asked for
        assert process.stdout is not None  # noqa: S101
        try:
            process.stdin.write(question + b"\n")
            await process.stdin.drain()
            answer = await process.stdout.readline()
        except ValueError:
            raise RemoteError(f"the answer is longer than {LONGEST} bytes", code="too-large") from None
        except OSError as error:
            raise RemoteError(f"the command ended: {error}") from error
        if not answer.endswith(b"\n"):
            status = await process.wait()
            raise RemoteError(f"the command ended with status {status} and no answer")
        return answer

    async def _start(self) -> Process:
        try:
            self._process = await asyncio.create_subprocess_exec(
                *self._words, stdin=PIPE, stdout=PIPE, limit=LONGEST, start_new_session=True
            )
        except OSError as error:
            raise RemoteError(f"the command could not be started: {error}") from error
        return self._process

    async def _end(self, patience: float) -> None:
        """End the command: after so many seconds it is killed."""
        process, self._process = self._process, None
        if process is None:
            return
        if process.stdin is not None:
            process.stdin.close()  # most programs end when there is nothing more to read
        with suppress(TimeoutError):
            async with asyncio.timeout(patience):
                await process.wait()
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # it leads a session of its own
        await process.communicate()


class AddressAnswerer:
    """Port `Answerer` on an address that takes each question as the body of a POST, and answers 200 with JSON."""

    def __init__(self, probe: Probe, url: str) -> None:
        self._probe, self._url = probe, url

    async def ask(self, question: bytes, *, timeout: float) -> bytes:
        """Post a question (see the port)."""
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        found = await self._probe.exchange(
            "POST", self._url, headers=headers, body=question, limit=LONGEST, timeout=timeout
        )
        if found.status != 200:
            raise RemoteError(f"status {found.status}", code="status", status=found.status)
        if not found.whole:
            raise RemoteError(f"the answer is longer than {LONGEST} bytes", code="too-large")
        return found.body


async def run_command(command: str, *, timeout: float) -> int:
    """Run a command to its end, at most so many seconds; return its status. Raises `RemoteError`, ValueError."""
    words = shlex.split(command)
    if not words:
        raise ValueError("no command")
    try:
        process = await asyncio.create_subprocess_exec(
            *words, stdin=DEVNULL, stdout=2, start_new_session=True
        )
    except OSError as error:
        raise RemoteError(f"the command could not be started: {error}") from error
    try:
        async with asyncio.timeout(timeout):
            return await process.wait()
    except TimeoutError:
        raise RemoteError(f"the command took longer than {timeout:g} s", code="timeout") from None
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
