"""Names of servers, looked up by the system's resolver as aiohttp's `ThreadedResolver` does, and all at the same time.

The system (glibc: /etc/hosts, nsswitch.conf, the name servers) blocks whoever asks, ten seconds and more for a name
whose servers are gone. An event loop has a handful of threads for that, and uvloop uses two of them: so many dead names
hold up all others. So each name that is asked for gets a thread of its own, which ends with the answer, and nobody
waits for it who ends before: neither a request nor the relay. 500 of them take 9 MB. c-ares (aiodns) needs no threads,
but it is not the system's resolver: it passes over nsswitch.conf, and what the machine finds the relay might not.
"""

from __future__ import annotations

import asyncio
import socket
from contextlib import suppress
from threading import Thread
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from aiohttp.abc import AbstractResolver, ResolveResult

from relay.adapters.quota import Quota

if TYPE_CHECKING:
    from collections.abc import Callable

AT_ONCE: Final = 512
"""Names that are looked up at the same time: as many as deliveries may open connections."""

Question: TypeAlias = tuple[str, int, int]
Info: TypeAlias = tuple[socket.AddressFamily, socket.SocketKind, int, str, Any]


class SystemNames(AbstractResolver):
    """What aiohttp asks for names. `at_once`: the most of them; one more waits for its turn.

    Raises OSError and UnicodeError, as `system` does: `socket.getaddrinfo`, or what stands for it.
    """

    def __init__(self, at_once: int = AT_ONCE, system: Callable[..., Any] = socket.getaddrinfo) -> None:
        self._quota, self._system = Quota(at_once), system
        self._asked: dict[Question, asyncio.Future[list[Info]]] = {}

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Return the addresses of a name. Who asks for what is being asked for gets the same answer."""
        question = (host, port, int(family))
        answer = self._asked.get(question)
        if answer is None:
            await self._quota.enter()
            answer = self._asked.get(question)
            if answer is None:
                answer = self._ask(question)
            else:  # somebody else began while this one waited
                self._quota.leave()
        return [_result(host, info) for info in await asyncio.shield(answer)]

    async def close(self) -> None:
        """Nothing is open: what is still asked for ends by itself."""

    def _ask(self, question: Question) -> asyncio.Future[list[Info]]:
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[list[Info]] = loop.create_future()

        def answered(found: list[Info] | Exception) -> None:
            self._quota.leave()
            del self._asked[question]
            if isinstance(found, Exception):
                answer.set_exception(found)
                answer.exception()  # perhaps nobody waits any more
            else:
                answer.set_result(found)

        def say(found: list[Info] | Exception) -> None:
            with suppress(RuntimeError):  # the loop has ended
                loop.call_soon_threadsafe(answered, found)

        self._asked[question] = answer
        try:
            # Not the loop's threads, and none that the process waits for when it ends.
            Thread(target=self._look_up, args=(question, say), daemon=True, name="name").start()
        except RuntimeError as error:  # the system has no more threads
            answered(OSError(f"{question[0]} cannot be looked up: {error}"))
        return answer

    def _look_up(self, question: Question, say: Callable[[list[Info] | Exception], None]) -> None:
        host, port, family = question
        try:
            say(self._system(host, port, family, socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG))
        except (OSError, ValueError) as error:
            say(error)


def _result(host: str, info: Info) -> ResolveResult:
    family, _, protocol, _, address = info
    scope = f"%{address[3]}" if family == socket.AF_INET6 and address[3] else ""
    return ResolveResult(
        hostname=host,
        host=f"{address[0]}{scope}",
        port=address[1],
        family=family,
        proto=protocol,
        flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
    )
