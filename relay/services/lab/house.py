"""One server of the stage: what it serves, how it behaves, and what came to it. All of it in memory, all bounded."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from relay.domain import hosts

if TYPE_CHECKING:
    from collections.abc import Iterable

    from relay.domain.activity import Activity
    from relay.domain.scheme import Scheme
    from relay.protocol.documents import Json
    from relay.services.authenticate import Sender
    from relay.services.lab.actors import LabActor

MOST: Final = 1000
"""Arrivals, fetches, documents and files that a house keeps; of more the oldest is forgotten."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """A delivery as it came, and what its HTTP signature says.

    `headers` in their order with names in lower case, `body` the exact bytes, `at` in seconds since 1970. `activity` is
    None when the body is none. `sender` is whose key made the signature, None with a bad one: then `problem` says why.
    `covered` are the names that the signature covers. `status` is what was answered.
    """

    number: int
    path: str
    at: float
    headers: tuple[tuple[str, str], ...]
    body: bytes
    status: int
    activity: Activity | None
    sender: Sender | None = None
    scheme: Scheme | None = None
    covered: tuple[str, ...] = ()
    problem: str | None = None

    def values(self, name: str) -> list[str]:
        """All values of a header, `name` in lower case."""
        return [value.strip(" \t") for header, value in self.headers if header == name]

    @property
    def taken(self) -> bool:
        """Whether it was answered as accepted: the others may come again."""
        return self.status < 300


@dataclass(frozen=True, slots=True)
class Fetch:
    """A request for something that is served here. `key_id` is whose key signs it by its own account, unverified."""

    path: str
    at: float
    status: int
    key_id: str | None
    agent: str


@dataclass(slots=True)
class Served:
    """A file. `others` are the bytes for the second, third ... request, the last of them for all after it.

    `status` other than 200 is answered in place of it. `location` makes the answer a redirect. It comes after `delay`
    seconds, and with `drop` the connection is closed in place of an answer.
    """

    media_type: str
    content: bytes
    others: tuple[bytes, ...] = ()
    status: int = 200
    location: str | None = None
    delay: float = 0.0
    drop: bool = False
    asked: int = 0

    def next(self) -> bytes:
        """Return the bytes for the next request."""
        versions = (self.content, *self.others)
        self.asked += 1
        return versions[min(self.asked, len(versions)) - 1]


@dataclass(slots=True)
class Conduct:
    """How an inbox behaves: how late it answers, in seconds, and what.

    `refusals` are the statuses for the deliveries to come, one each; `share` is the part of all that is answered 503
    after these. `retry_after` goes with 429 and 503, in seconds. `drop` closes connections in place of answers.
    """

    delay: float = 0.0
    refusals: deque[int] = field(default_factory=deque)
    share: float = 0.0
    retry_after: int = 1
    drop: bool = False


class House:
    """A server at `url`, an origin without a slash at the end.

    `software` is what its NodeInfo names. `accepts`: whether a Follow of one of its actors is accepted by itself.
    """

    def __init__(self, url: str, *, software: str = "assay-lab") -> None:
        self.url, self.software, self.accepts = url, software, True
        self.host = hosts.server_name(url)
        self.conduct = Conduct()
        self.actors: dict[str, LabActor] = {}
        self.documents: dict[str, Json] = {}
        self.files: dict[str, Served] = {}
        self.arrivals: deque[Arrival] = deque(maxlen=MOST)
        self.fetches: deque[Fetch] = deque(maxlen=MOST)

    def add(self, actor: LabActor) -> LabActor:
        """Let an actor live here."""
        self.actors[actor.path] = actor
        return actor

    def serve(self, path: str, document: Json) -> str:
        """Serve a document at a path; return its id."""
        _make_room(self.documents)
        self.documents[path] = document
        return f"{self.url}{path}"

    def file(self, path: str, media_type: str, content: bytes) -> str:
        """Serve a file at a path; return its address. `files[path]` says how."""
        _make_room(self.files)
        self.files[path] = Served(media_type, content)
        return f"{self.url}{path}"

    def asked(self, url: str) -> list[Fetch]:
        """Return the requests for an address here that were answered, the first to come first."""
        path = urlsplit(url).path
        return [fetch for fetch in self.fetches if fetch.path == path and fetch.status == 200]

    def named(self, resource: str) -> LabActor | None:
        """Return the actor of a WebFinger resource: an id, or `acct:NAME@HOST`."""
        for actor in self.actors.values():
            if resource in {actor.id, f"acct:{actor.name}@{self.host}"}:
                return actor
        return None

    def came(self, kind: str | None = None, *, since: int = 0) -> Iterable[Arrival]:
        """Return what came with a good signature and was taken, of one type or of all, after the arrival `since`."""
        for arrival in self.arrivals:
            activity = arrival.activity
            good = arrival.taken and arrival.sender is not None and arrival.number > since
            if good and activity is not None and kind in {None, activity.type}:
                yield arrival


def _make_room(held: dict[str, Json] | dict[str, Served]) -> None:
    if len(held) >= MOST:
        del held[next(iter(held))]
