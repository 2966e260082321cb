"""Running programs of others, and the relay, as processes with a log, behind TLS where they speak none themselves."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import ssl
import sys
from asyncio.subprocess import PIPE, STDOUT
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

from relay.cli.demo.certificates import Authority
from tests.interop.world import NAMES, VARIABLE

if TYPE_CHECKING:
    from asyncio import StreamReader, StreamWriter
    from asyncio.subprocess import Process
    from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence

    from relay.ports import Clock

KEPT: Final = Path(__file__).resolve().parent.parent.parent / ".interop"
PATIENCE: Final = 45.0
"""Seconds in which something that has to happen has to have happened."""
LOCAL: Final = "127.0.0.1"
OURS: Final = {"PYTHONPATH": os.pathsep.join(sys.path)}
"""With this a process finds our modules."""


def certificate(name: str) -> ssl.SSLContext:
    """What the server of that name listens with. Fails outside of the world that `make interop` makes."""
    folder = os.environ.get(VARIABLE)
    if folder is None:
        pytest.fail("This test needs a network of its own: run it with make interop.")
    return Authority(Path(folder)).server_side(name)


async def until(clock: Clock, happened: Callable[[], bool], what: str, *, within: float = PATIENCE) -> None:
    """Return when something has happened; fail and say what did not when it takes too long."""
    deadline = clock.monotonic() + within
    while not happened():
        if clock.monotonic() > deadline:
            pytest.fail(f"after {within:g} seconds still not so: {what}")
        await clock.sleep(0.1)


@asynccontextmanager
async def process(
    log: Path,
    command: Sequence[str | Path],
    environment: Mapping[str, str] | None = None,
    *,
    typed: bytes = b"",
) -> AsyncIterator[Process]:
    """Run a program, its words in `log`; it is asked to end, and made to, when the block is left.

    `typed` is what it finds on its standard input.
    """
    with log.open("ab") as out:
        running = await asyncio.create_subprocess_exec(
            *map(str, command),
            stdin=PIPE,
            stdout=out,
            stderr=STDOUT,
            cwd=log.parent,
            env=_without_ours() | dict(environment or {}),
            start_new_session=True,
        )
    assert running.stdin is not None
    running.stdin.write(typed)
    running.stdin.close()
    try:
        yield running
    finally:
        for number in (signal.SIGTERM, signal.SIGKILL):
            with suppress(ProcessLookupError):
                os.killpg(running.pid, number)
            with suppress(TimeoutError):
                async with asyncio.timeout(10):
                    await running.wait()
                    break


def _without_ours() -> dict[str, str]:
    """The environment, without the way to our modules: ActivityRelay has a package `relay` too."""
    return {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}


async def run(
    log: Path,
    *command: str | Path,
    environment: Mapping[str, str] | None = None,
    typed: bytes = b"",
    statuses: Collection[int] = (0,),
    within: float = PATIENCE,
) -> None:
    """Run a program to its end, its words in `log`; fails when it ends otherwise, or not within so many seconds."""
    async with process(log, command, environment, typed=typed) as running, asyncio.timeout(within):
        status = await running.wait()
    assert status in statuses, f"{command} ended with {status}"


async def listens(clock: Clock, port: int) -> None:
    """Return when something listens on a port of this machine."""
    deadline = clock.monotonic() + PATIENCE
    while True:
        try:
            _, writer = await asyncio.open_connection(LOCAL, port)
        except OSError:
            assert clock.monotonic() < deadline, f"nothing listens on port {port}"
            await clock.sleep(0.05)
        else:
            writer.close()
            await writer.wait_closed()
            return


@asynccontextmanager
async def behind_tls(name: str, port: int) -> AsyncIterator[None]:
    """Take what arrives at port 443 of `name` out of TLS and hand it to a port of this machine."""

    async def connected(outer: StreamReader, answer: StreamWriter) -> None:
        try:
            inner, forward = await asyncio.open_connection(LOCAL, port)
        except OSError:
            answer.close()
            return
        with suppress(OSError, ssl.SSLError):
            async with asyncio.TaskGroup() as both:
                both.create_task(_pump(outer, forward))
                both.create_task(_pump(inner, answer))

    server = await asyncio.start_server(connected, NAMES[name], 443, ssl=certificate(name))
    try:
        yield
    finally:
        server.close()


async def _pump(source: StreamReader, target: StreamWriter) -> None:
    try:
        while content := await source.read(65_536):
            target.write(content)
            await target.drain()
    finally:
        target.close()


CONFIG: Final = """\
relay: {{url: "https://relay.test", listen: "{local}:{port}", data: data}}
admin: {{listen: "{local}:{admin}"}}
federation: {{subscriptions: open, private_addresses: [127.0.0.0/8]}}
media: {{decoders: 1}}
attestation: {{withhold: 0%}}
"""
PORT: Final = 8080


@dataclass
class OurRelay:
    """The relay as a process, at https://relay.test, and its operator's commands."""

    folder: Path

    async def asks(self, *words: str) -> Any:
        """The document that a command prints with `--json`."""
        answer = self.folder / "answer.json"
        answer.unlink(missing_ok=True)
        command = [*_command(self.folder), *words, "--json"]
        await run(answer, *command, environment=OURS, statuses=(0, 1))  # 1: the answer is no
        return json.loads(answer.read_text())

    async def until(self, clock: Clock, words: Sequence[str], happened: Callable[[Any], bool]) -> Any:
        """Ask until the document shows that something has happened; return it."""
        deadline = clock.monotonic() + PATIENCE
        while not happened(found := await self.asks(*words)):
            if clock.monotonic() > deadline:
                pytest.fail(f"after {PATIENCE:g} seconds `assay {' '.join(words)}` still says: {found}")
            await clock.sleep(0.2)
        return found


@asynccontextmanager
async def our_relay(
    folder: Path,
    clock: Clock,
    *,
    more: str = "",
    files: Mapping[str, str] | None = None,
    settings: Mapping[str, str] | None = None,
) -> AsyncIterator[OurRelay]:
    """The relay as an operator runs it. `more` goes to the end of its configuration, `files` beside it.

    `settings` come from the environment, and win.
    """
    folder.mkdir()  # noqa: ASYNC240 - a test may wait for it
    for name, text in (files or {}).items():
        (folder / name).write_text(text)
    (folder / "config.yaml").write_text(CONFIG.format(local=LOCAL, port=PORT, admin=PORT + 1) + more)
    async with (
        process(folder / "relay.log", [*_command(folder), "serve"], {**OURS, **(settings or {})}),
        behind_tls("relay.test", PORT),
    ):
        await listens(clock, PORT)
        yield OurRelay(folder)


def _command(folder: Path) -> list[str]:
    return [sys.executable, "-m", "relay", "--config", str(folder / "config.yaml")]
