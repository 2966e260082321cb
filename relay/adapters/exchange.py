"""One HTTP/1.1 connection on which deliveries are made, one after the other (RFC 9112).

A delivery is one write of a few KB and an answer of which only the status matters, a thousand times a second. A
general client spends four times as much on it as this one (`bench/deliveries.py`, ADR 0031): no streams, no tasks, no
response objects; `httptools`, which is Node's parser, reads the answer where it arrives, and who asked is called back.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Callable
from math import inf
from typing import Final, NamedTuple, cast

from httptools import HttpParserError, HttpResponseParser

MAX_HEAD: Final = 64 * 1024
"""Bytes that may come before the head of an answer is complete, informational answers among them."""
MAX_DETAIL: Final = 4096
"""Bytes of an answer's body that are kept; who sends more is not listened to."""
_AT_ONCE: Final = struct.pack("ii", 1, 0)
"""With `SO_LINGER`: closing throws away what was not sent yet, and tells the peer so."""


class StaleError(ConnectionError):
    """The peer had closed a kept connection before it could see the request: worth another connection."""


class Answer(NamedTuple):
    """What a peer said: `retry_after` and `date` as they were sent, `detail` the start of the body."""

    status: int
    retry_after: str | None
    detail: bytes
    date: bytes


Answered = Callable[[Answer | OSError], None]
"""What is called with the answer, or with the reason why there is none: `TimeoutError`, `StaleError` or another."""


class Exchange(asyncio.Protocol):
    """A connection that is open. `patience`: seconds for the body of an answer.

    `free` is called at the end of each request, before who asked is answered; `lost` once, when the connection ends.
    """

    def __init__(
        self, patience: float, free: Callable[[Exchange], None], lost: Callable[[Exchange], None]
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._patience, self._free, self._lost = patience, free, lost
        self._parser = HttpResponseParser(self)
        self._answered: Answered | None = None
        self._again = False
        self._status, self._head = 0, 0
        self._retry_after: str | None = None
        self._detail = self._date = b""
        self._ended = self._keep = False
        self.reusable = False
        """Whether another request may be sent now."""
        self.end = inf
        """When the answer must have come, in seconds of the loop: then whoever minds the time calls `out_of_time`."""
        self.awaited = False
        """Whether somebody waits for the answer, and would say if that was in vain; for who asks."""
        self.kept_since = 0.0
        """When it was put aside, in seconds of the loop; for who keeps it."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport (called by the loop)."""
        self._transport = cast("asyncio.Transport", transport)

    @property
    def is_open(self) -> bool:
        """Whether it has not ended."""
        return not self._transport.is_closing()

    @property
    def is_asked(self) -> bool:
        """Whether a request is on its way that is not answered."""
        return self._answered is not None

    def ask(self, request: bytes, end: float, answered: Answered) -> None:
        """Send a request. `answered` is called once, later: the answer must have begun by `end` (seconds of the loop).

        From its head on an answer counts, whatever becomes of the rest. One call at a time, on an open connection.
        """
        self._answered, self.end = answered, end
        self._status, self._head, self._retry_after, self._ended = 0, 0, None, False
        self._detail = self._date = b""
        self.reusable, self._again = False, self.reusable
        self._transport.write(request)

    def close(self) -> None:
        """End the connection, and what is asked on it."""
        self.reusable = False
        if self._answered is None:
            self._transport.abort()
        else:
            self._finish(ConnectionAbortedError("the connection was given up"))

    def out_of_time(self) -> None:
        """Answer who asked that the time is over."""
        self._fail(TimeoutError())

    def data_received(self, data: bytes) -> None:
        """Read what has come (called by the loop)."""
        if self._answered is None:
            self.close()  # nothing was asked
            return
        if not self._status:
            self._head += len(data)
        try:
            self._parser.feed_data(data)
        except HttpParserError as error:
            self._fail(ConnectionError(f"this is not HTTP: {error}"))
            return
        if self._ended:
            self._done(reusable=self._keep)
        elif not self._status:
            if self._head > MAX_HEAD:
                self._fail(ConnectionError("the head of the answer is too long"))
        elif len(self._detail) >= MAX_DETAIL:
            self._done(reusable=False)
        else:
            # The peer has answered. Its deadline must not speak now: a second delivery would be a duplicate.
            self.end = min(self.end, self._loop.time() + self._patience)

    def connection_lost(self, exc: Exception | None) -> None:
        """Say so to who waits (called by the loop)."""
        self.reusable = False
        del self._parser  # it holds this object, and would live until somebody collects the two
        self._fail(exc if isinstance(exc, OSError) else ConnectionResetError("the connection ended"))
        self._lost(self)

    # ------------------------------------------------------------------ called by the parser

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep the two headers that are wanted (called by the parser)."""
        if len(name) == 4 and name.lower() == b"date":
            self._date = value
        elif len(name) == 11 and name.lower() == b"retry-after":
            self._retry_after = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        """Take the status; informational answers (RFC 9110 15.2) are followed by the real one."""
        if self._ended:
            raise ConnectionError("two answers to one request")
        status = self._parser.get_status_code()
        if status >= 200:
            self._status = status
        else:
            self._retry_after, self._date = None, b""

    def on_body(self, body: bytes) -> None:
        """Keep the start of the body (called by the parser)."""
        if len(self._detail) < MAX_DETAIL:
            self._detail += body[: MAX_DETAIL - len(self._detail)]

    def on_message_complete(self) -> None:
        """Note that the answer is whole (called by the parser)."""
        self._ended, self._keep = self._status > 0, self._parser.should_keep_alive()

    # ------------------------------------------------------------------ ends

    def _fail(self, error: OSError) -> None:
        if self._status:
            self._done(reusable=False)
        elif self._again and not self._head and isinstance(error, ConnectionError):
            self._finish(StaleError(str(error)))
        else:
            self._finish(error)

    def _done(self, *, reusable: bool) -> None:
        # A peer that answered before it had read everything must not take the rest for a request.
        self.reusable = reusable and not self._transport.get_write_buffer_size()
        self._finish(Answer(self._status, self._retry_after, self._detail, self._date))

    def _finish(self, outcome: Answer | OSError) -> None:
        answered, self._answered, self.end = self._answered, None, inf
        if answered is None:
            return
        if not self.reusable:
            if isinstance(outcome, OSError):
                self._take_back()
            self._transport.abort()
        self._free(self)
        answered(outcome)

    def _take_back(self) -> None:
        """Let nothing more of a request arrive: it is going to be sent again, perhaps by another process.

        The kernel would go on sending what it has for minutes, and succeed once a cable is back in its place.
        """
        connected = self._transport.get_extra_info("socket")
        if connected.fileno() >= 0:
            connected.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
