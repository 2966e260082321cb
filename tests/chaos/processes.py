"""Processes of the relay as a user starts them: started, killed, and looked at from outside."""

from __future__ import annotations

import asyncio
import atexit
import os
import signal
import socket
import sys
import tempfile
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

import aiohttp
import psycopg

from tests.chaos.links import HERE

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence

ROOT: Final = Path(__file__).parents[2]
CONFIG: Final = """\
relay: {{url: "{url}", listen: "127.0.0.1:{port}", data: {data}, database: "{database}"}}
admin: {{listen: "127.0.0.1:{admin}"}}
federation: {{subscriptions: open, private_addresses: [127.0.0.0/8, {here}/32], allow_http: true}}
media: {{decoders: 1}}
"""
KINDS: Final = {
    "signing": "relay.adapters.signing",
    "decoder": "relay.adapters.media.worker",
    "canonicalizer": "relay.adapters.canonical.worker",
}
"""What the processes are called that a relay starts beside itself, and the module that each runs."""
UP_SECONDS: Final = 90.0
PAGE: Final = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True, slots=True)
class Footprint:
    """What a process holds: open files, threads, asyncio tasks, bytes of memory, and the processes beside it."""

    files: int
    threads: int
    tasks: int
    memory: int
    beside: int

    def within(self, before: Footprint, *, files: int = 16, tasks: int = 8, memory: int = 64 << 20) -> bool:
        """Whether no more than so much came upon what was there before. Pools and kept connections breathe a little."""
        return (
            self.files <= before.files + files
            and self.threads <= before.threads + 16
            and self.tasks <= before.tasks + tasks
            and self.memory <= before.memory + memory
            and self.beside <= before.beside + 2  # those that read proofs start when they are needed
        )


@dataclass
class Place:
    """Where a relay is: its configuration file, its address, two ports, and how its processes are started.

    `inside` comes before the interpreter's name, `module` is what it runs, `environment` is added to ours.
    """

    config: Path
    url: str
    port: int
    admin: int
    inside: Sequence[str] = ()
    module: Sequence[str] = ("relay",)
    environment: Mapping[str, str] = field(default_factory=dict)
    _started: list[Process] = field(default_factory=list)

    @classmethod
    def make(
        cls, folder: Path, database: str = "sqlite", extra: str = "", *, of: Place | None = None
    ) -> Place:
        """Write the configuration of a relay into a folder; `of` a relay that is there, as that of another host."""
        port, admin = free_ports(2)
        folder.mkdir(exist_ok=True)
        config, data = folder / "config.yaml", folder / "data" if of is None else of.config.parent / "data"
        place = cls(config, f"http://127.0.0.1:{port}" if of is None else of.url, port, admin)
        text = CONFIG.format(url=place.url, port=port, admin=admin, data=data, database=database, here=HERE)
        config.write_text(text + extra)
        return place

    @property
    def log(self) -> str:
        """What its processes said on standard error."""
        return self.config.with_suffix(".log").read_text(errors="replace")

    async def start(self, *words: str, listens: bool = True) -> Process:
        """Start a process; it is up when this returns, if it `listens`."""
        process = await self.launch(*words)
        if listens:
            await process.up()
        return process

    async def launch(self, *words: str) -> Process:
        """Start a process and wait for nothing."""
        command = [*self.inside, sys.executable, "-m", *self.module, "--config", str(self.config)]
        with self.config.with_suffix(".log").open("ab") as log:
            started = await asyncio.create_subprocess_exec(
                *command, "serve", *words, stdout=log, stderr=log, stdin=asyncio.subprocess.DEVNULL,
                cwd=self.config.parent, env=self._variables(), start_new_session=True,
            )  # fmt: skip
        self._started.append(Process(self, started))
        return self._started[-1]

    async def command(self, *words: str) -> tuple[int, str]:
        """Run a command of the operator beside the relay; return its exit status and what it printed.

        A command that printed nothing has said why on standard error.
        """
        ran = await asyncio.create_subprocess_exec(
            *self.inside, sys.executable, "-m", *self.module, "--config", str(self.config), *words,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
            cwd=self.config.parent, env=self._variables(),
        )  # fmt: skip
        printed, said = await ran.communicate()
        return ran.returncode or 0, (printed or said).decode()

    async def ready(self) -> int:
        """The status with which /readyz answers."""
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"http://127.0.0.1:{self.admin}/readyz") as answer,
        ):
            return answer.status

    def _variables(self) -> dict[str, str]:
        return {
            **os.environ,
            "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'fep'}",
            "PYTHONDONTWRITEBYTECODE": "",  # compiling everything is most of what a start takes
            "PYTHONPYCACHEPREFIX": compiled(),
            **self.environment,
        }

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Place]:
        """Processes may be started inside; none is left afterwards."""
        try:
            yield self
        finally:
            for process in self._started:
                await process.kill()
            for process in self._started:
                await process.alone()


class Process:
    """A process of the relay, and those that it started."""

    def __init__(self, place: Place, started: asyncio.subprocess.Process) -> None:
        self.place, self._started = place, started

    @property
    def pid(self) -> int:
        """Its number, which is that of its group, too."""
        return self._started.pid

    @property
    def lives(self) -> bool:
        """Whether it still runs."""
        return self._started.returncode is None

    async def up(self) -> None:
        """Wait until it listens. Raises RuntimeError, with the end of its log, when it ends instead."""
        async with asyncio.timeout(UP_SECONDS):
            while not await listens(self.place.port):
                if not self.lives:
                    raise RuntimeError(self.place.log[-4000:])
                await asyncio.sleep(0.05)

    async def kill(self) -> None:
        """End it as a power cut would; the processes beside it have to notice by themselves."""
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        await self._started.wait()

    def freeze(self) -> None:
        """Let it stand still, as a machine does that is moved or has no time; those beside it go on."""
        os.kill(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        os.kill(self.pid, signal.SIGCONT)

    async def stop(self) -> int:
        """Ask it to stop; return its exit status."""
        self._started.terminate()
        return await self.ended()

    async def ended(self) -> int:
        """Wait until it has ended by itself; return its exit status."""
        async with asyncio.timeout(UP_SECONDS):
            return await self._started.wait()

    def beside(self, kind: str | None = None) -> list[int]:
        """The processes that it started, all or those of one kind. Also when it is dead itself."""
        wanted = None if kind is None else KINDS[kind]
        return [
            pid
            for pid, command in in_group(self.pid)
            if pid != self.pid and (wanted is None or wanted in command)
        ]

    async def alone(self) -> None:
        """Wait until none of the processes beside it is left."""
        async with asyncio.timeout(60):
            while self.beside():
                await asyncio.sleep(0.05)

    async def metrics(self) -> dict[str, float]:
        """Its gauges."""
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"http://127.0.0.1:{self.place.admin}/metrics") as answer,
        ):
            lines = [line.rpartition(" ") for line in (await answer.text()).splitlines() if line[0] != "#"]
        return {name.removeprefix("assay_"): float(value) for name, _, value in lines}

    async def footprint(self) -> Footprint:
        """What it holds now."""
        folder = Path(f"/proc/{self.pid}")
        tasks = int((await self.metrics())["tasks"])
        return Footprint(
            files=len(list((folder / "fd").iterdir())),
            threads=len(list((folder / "task").iterdir())),
            tasks=tasks,
            memory=int((folder / "statm").read_text().split()[1]) * PAGE,
            beside=len(self.beside()),
        )

    async def back_to(self, before: Footprint, **more: int) -> Footprint:
        """Wait until it holds no more than before, within bounds; return what it holds, then or after a minute."""
        for _ in range(120):
            now = await self.footprint()
            if now.within(before, **more):
                break
            await asyncio.sleep(0.5)
        return now


@cache
def compiled() -> str:
    """Return a folder for what the interpreter compiles: that of all relays of this test run."""
    folder = tempfile.TemporaryDirectory(prefix="assay-compiled-")
    atexit.register(folder.cleanup)
    return folder.name


async def holders(address: str, count: int) -> set[str]:
    """Wait until all shares are held by so many processes; return their names."""
    while True:
        try:
            with psycopg.connect(address) as connection:
                rows = connection.execute(b"SELECT DISTINCT owner FROM shares").fetchall()
        except psycopg.errors.UndefinedTable:
            rows = []
        names = {owner for (owner,) in rows}
        if len(names) == count and None not in names:
            return names
        await asyncio.sleep(0.1)


def in_group(group: int) -> list[tuple[int, str]]:
    """Return the processes of a group that run, with their command lines."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError, IndexError):
            state, _, its_group = (folder / "stat").read_text().rpartition(") ")[2].split()[:3]
            if int(its_group) == group and state != "Z":
                command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                found.append((int(folder.name), command))
    return found


async def listens(port: int) -> bool:
    """Whether somebody takes connections at a port of loopback."""
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()
    return True


def free_ports(count: int) -> list[int]:
    """Return ports that nobody uses now."""
    with_them = [socket.socket() for _ in range(count)]
    try:
        for one in with_them:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in with_them]
    finally:
        for one in with_them:
            one.close()
