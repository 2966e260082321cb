"""Names of servers: those that hang hold up nobody, and there is an end of how many are looked up."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
from threading import Event
from typing import TYPE_CHECKING, Any

import pytest

from relay.adapters.names import SystemNames
from relay.adapters.system import SystemClock
from relay.domain.errors import RemoteError
from tests.contract.peers import LOOPBACK, client, serving
from tests.contract.test_deliveries import accept
from tests.contract.test_remote_limits import NEVER, post

if TYPE_CHECKING:
    from collections.abc import Iterator

MANY = 300


class Resolver:
    """The system's resolver, in a world where names that begin with `dead` take for ever."""

    def __init__(self) -> None:
        self.over = Event()
        self.asked: list[str] = []

    def __call__(self, host: str, port: int, *more: Any, **options: Any) -> Any:
        self.asked.append(host)
        if host.startswith("dead"):
            self.over.wait()
            raise socket.gaierror(socket.EAI_AGAIN, "no name server answers")
        if host == "bad":
            raise UnicodeError("label too long")
        return socket.getaddrinfo("127.0.0.2", port, *more, **options)


@pytest.fixture
def resolver() -> Iterator[Resolver]:
    found = Resolver()
    yield found
    found.over.set()


async def looked_up(names: SystemNames, host: str) -> str:
    async with asyncio.timeout(NEVER):
        [found] = await names.resolve(host, 80)
    assert (found["hostname"], found["port"], found["family"]) == (host, 80, socket.AF_INET)
    return found["host"]


async def begun(resolver: Resolver, number: int) -> None:
    """Return when so many names have been asked for."""
    async with asyncio.timeout(NEVER):
        while len(resolver.asked) < number:
            await passed()


async def passed() -> None:
    """Let others have their turn."""
    await SystemClock().sleep(0.01)


async def test_names_that_hang_hold_up_nobody(resolver: Resolver) -> None:
    names = SystemNames(system=resolver)
    async with asyncio.TaskGroup() as tasks:
        dead = [tasks.create_task(names.resolve(f"dead-{number}.test")) for number in range(MANY)]
        await begun(resolver, MANY)
        assert await looked_up(names, "well.test") == "127.0.0.2"
        assert not any(one.done() for one in dead)
        for one in dead:
            one.cancel()


async def test_deliveries_to_names_that_hang_hold_up_nobody(resolver: Resolver) -> None:
    async with (
        serving(accept) as peer,
        client(LOOPBACK, resolver=SystemNames(system=resolver)) as remote,
        asyncio.TaskGroup() as tasks,
    ):
        dead = [
            tasks.create_task(post(remote, peer.url(host=f"dead-{number}.test"))) for number in range(MANY)
        ]
        await begun(resolver, MANY)
        assert (await post(remote, peer.url(host="well.test"))).status == 202
        for one in dead:
            one.cancel()


async def test_one_name_is_asked_for_once_at_a_time(resolver: Resolver) -> None:
    names = SystemNames(system=resolver)
    async with asyncio.TaskGroup() as tasks:
        first, second = [tasks.create_task(failure(names, "dead.test")) for _ in range(2)]
        await begun(resolver, 1)
        first.cancel()  # the answer is for the other one, too
        await passed()
        third = tasks.create_task(failure(names, "dead.test"))
        await passed()
        resolver.over.set()
        assert "no name server answers" in await second + await third
    assert resolver.asked == ["dead.test"]
    await failure(names, "dead.test")
    assert resolver.asked == ["dead.test"] * 2


async def failure(names: SystemNames, host: str) -> str:
    with pytest.raises(socket.gaierror) as caught:
        await names.resolve(host)
    return str(caught.value)


async def test_at_most_so_many_and_who_left_still_counts(resolver: Resolver) -> None:
    names = SystemNames(2, system=resolver)
    async with asyncio.TaskGroup() as tasks:
        dead = [tasks.create_task(names.resolve(f"dead-{number}.test")) for number in range(2)]
        await begun(resolver, 2)
        for one in dead:
            one.cancel()
        waiting = [tasks.create_task(looked_up(names, "well.test")) for _ in range(2)]
        await passed()
        assert resolver.asked == ["dead-0.test", "dead-1.test"]
        resolver.over.set()
        assert [await one for one in waiting] == ["127.0.0.2"] * 2
    assert await looked_up(names, "well.test") == "127.0.0.2", "every place was given back"


async def test_what_is_no_name(resolver: Resolver) -> None:
    names = SystemNames(1, system=resolver)
    for _ in range(2):
        with pytest.raises(UnicodeError):
            await names.resolve("bad")


async def test_the_systems_own_names() -> None:
    """/etc/hosts has this one."""
    names = SystemNames()
    found = await names.resolve("localhost", 443, socket.AF_UNSPEC)
    assert {one["host"] for one in found} & {"127.0.0.1", "::1"}
    assert {one["port"] for one in found} == {443}
    with pytest.raises(socket.gaierror):
        await names.resolve("nobody.invalid")
    await names.close()


async def test_the_wall_sees_the_addresses_that_are_used(resolver: Resolver) -> None:
    async with serving(accept) as peer, client(resolver=SystemNames(system=inside)) as remote:
        with pytest.raises(RemoteError, check=lambda error: error.code == "blocked-address"):
            await post(remote, peer.url(host="inside.test"))
        assert peer.connections == 0


def inside(host: str, port: int, *more: Any, **options: Any) -> Any:
    return socket.getaddrinfo("127.0.0.1", port, *more, **options)


LEAVING = """
import asyncio, threading
from relay.adapters.names import SystemNames

async def main():
    asked = asyncio.Event()
    loop = asyncio.get_running_loop()
    def hang(*question, **options):
        loop.call_soon_threadsafe(asked.set)
        threading.Event().wait()
    asking = loop.create_task(SystemNames(system=hang).resolve("dead.test"))
    await asked.wait()
    asking.cancel()

asyncio.run(main())
"""


def test_no_process_waits_for_a_name_when_it_ends() -> None:
    subprocess.run([sys.executable, "-c", LEAVING], check=True, timeout=NEVER)  # noqa: S603 (our own words)


CROWDED = """
import asyncio, resource
from relay.adapters.names import SystemNames

async def main():
    names = SystemNames(1)
    with open("/proc/self/statm") as file:
        pages = int(file.read().split()[0])
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + 2**20,) * 2)
    for _ in range(2):
        try:
            await names.resolve("localhost")
        except OSError as error:
            print(error)

asyncio.run(main())
"""


def test_a_system_without_room_for_a_thread() -> None:
    found = subprocess.run([sys.executable, "-c", CROWDED], check=True, timeout=NEVER, capture_output=True)  # noqa: S603
    assert found.stdout.count(b"localhost cannot be looked up: can't start new thread") == 2
