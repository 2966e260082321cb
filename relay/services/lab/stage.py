"""The stage: the lab's own small fediverse, in which a server is tested. See `house` for what a server of it is.

It serves, and takes what is delivered: each delivery is answered at once and looked at afterwards, its HTTP signature
by the relay's own services. Everybody who waits for something is told of each change.
"""

from __future__ import annotations

import asyncio
import hashlib
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qs, urlsplit

from relay.domain.activity import parse_activity
from relay.domain.errors import Malformed, RelayError, RemoteError
from relay.domain.scheme import Scheme
from relay.protocol import discovery, documents
from relay.protocol.documents import CONTENT_TYPE, FollowEcho
from relay.protocol.httpsig import Failure, inspect
from relay.services.lab.house import Arrival, Fetch

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from relay.domain.activity import Activity
    from relay.ports import Clock
    from relay.protocol.httpsig import SignedRequest
    from relay.services.authenticate import Authenticator
    from relay.services.lab.house import House
    from relay.services.lab.outgoing import Outgoing

LARGEST: Final = 256 * 1024
"""Bytes of a delivery that are taken."""
AT_ONCE: Final = 200
"""Deliveries that are being looked at; of more each is answered 503."""
_JSON: Final = "application/json"


@dataclass(frozen=True, slots=True)
class Answer:
    """What is answered; `drop`: nothing is, and the connection is closed."""

    status: int
    content_type: str = "text/plain"
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    drop: bool = False


class Chance:
    """Chance that comes out the same for the same seed."""

    def __init__(self, seed: str) -> None:
        self._seed, self._drawn = seed, 0

    def draw(self) -> float:
        """Return a number in [0, 1)."""
        self._drawn += 1
        digest = hashlib.sha256(f"{self._seed}/{self._drawn}".encode()).digest()
        return int.from_bytes(digest[:6], "big") / float(1 << 48)


class Stage:
    """The servers of the lab. `tasks` runs what happens after an answer; `authenticator` knows all their hosts."""

    def __init__(
        self,
        houses: Sequence[House],
        *,
        clock: Clock,
        chance: Chance,
        authenticator: Authenticator,
        outgoing: Outgoing,
        tasks: asyncio.TaskGroup,
    ) -> None:
        self.houses = tuple(houses)
        self.clock, self.outgoing = clock, outgoing
        self._chance, self._authenticator, self._tasks = chance, authenticator, tasks
        self._by_host = {house.host: house for house in houses}
        self._changed = asyncio.Condition()
        self._arrived = self._looking = 0
        self._is_open = True

    @property
    def now(self) -> int:
        """The number of the newest arrival: what comes later has a higher one."""
        return self._arrived

    def close(self) -> None:
        """Take no more deliveries: the run is over, and nobody would look at them."""
        self._is_open = False

    async def until(self, happened: Callable[[], bool], seconds: float) -> bool:
        """Wait until something is so, at most so long; return whether it is. Looked at whenever something came."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds), self._changed:
                await self._changed.wait_for(happened)
        return happened()

    async def quiet(self, seconds: float, most: float) -> None:
        """Return when nothing was delivered for so long, or after `most` seconds."""
        end = self.clock.monotonic() + most
        while self.clock.monotonic() < end:
            before = self._arrived
            if not await self.until(lambda before=before: self._arrived > before, seconds):  # type: ignore[misc]
                return

    async def changed(self) -> None:
        """Tell everybody who waits to look again."""
        async with self._changed:
            self._changed.notify_all()

    # ------------------------------------------------------------------ what is asked for

    async def answer(self, host: str, request: SignedRequest) -> Answer:
        """Answer a request to the server of that Host header."""
        house = self._by_host.get(host.lower()) or self._by_host.get(host.lower().removesuffix(":443"))
        if house is None:
            return Answer(421, body=b"No server of this name is here.")  # RFC 9110 15.5.20
        if request.method == "POST":
            return await self._take(house, request)
        path = urlsplit(request.target).path
        found = self._document(house, request)
        if found is None:
            found = await self._file(house, path)
        key_id = _key_id(request)
        agent = next(iter(request.values("user-agent")), "")
        house.fetches.append(Fetch(path, self.clock.now(), found.status, key_id, agent[:200]))
        await self.changed()
        return found

    def _document(self, house: House, request: SignedRequest) -> Answer | None:
        parts = urlsplit(request.target)
        if parts.path in house.actors:
            return _found(house.actors[parts.path].document())
        if parts.path in house.documents:
            return _found(house.documents[parts.path])
        if parts.path == "/.well-known/webfinger":
            return _webfinger(house, parse_qs(parts.query).get("resource", [""])[0])
        if parts.path == "/.well-known/nodeinfo":
            return _found(discovery.nodeinfo_links(url=house.url), _JSON)
        if parts.path.startswith("/nodeinfo/"):
            return _nodeinfo(house, parts.path.removeprefix("/nodeinfo/"))
        path, _, last = parts.path.rpartition("/")
        if path in house.actors and last in {"outbox", "followers", "following"}:
            return _found(documents.collection(id=f"{house.url}{parts.path}"))
        return None

    async def _file(self, house: House, path: str) -> Answer:
        served = house.files.get(path)
        if served is None:
            return Answer(404, body=b"There is nothing here.")
        if served.delay:
            await self.clock.sleep(served.delay)
        content = served.next()
        if served.location is not None:
            return Answer(302, headers={"Location": served.location})
        if served.status != 200:
            return Answer(served.status)
        headers = {"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"}
        return Answer(200, served.media_type, content, headers, served.drop)

    # ------------------------------------------------------------------ what is delivered

    async def _take(self, house: House, request: SignedRequest) -> Answer:
        path = urlsplit(request.target).path
        if path != "/inbox" and path.removesuffix("/inbox") not in house.actors:
            return Answer(404, body=b"There is no inbox here.")
        if self._looking >= AT_ONCE or not self._is_open:
            return Answer(503, headers={"Retry-After": "1"})
        conduct = house.conduct
        status = self._status(house)
        # Looked at once it was answered: a server must not wait for us to fetch its key from it.
        self._arrived += 1
        self._looking += 1
        self._tasks.create_task(self._arrive(house, request, self._arrived, status))
        if conduct.delay:
            await self.clock.sleep(conduct.delay)
        late = status in {429, 503}
        headers = {"Retry-After": str(conduct.retry_after)} if late else {}
        return Answer(status, headers=headers, drop=conduct.drop)

    def _status(self, house: House) -> int:
        conduct = house.conduct
        if conduct.refusals:
            return conduct.refusals.popleft()
        return 503 if conduct.share and self._chance.draw() < conduct.share else 202

    async def _arrive(self, house: House, request: SignedRequest, number: int, status: int) -> None:
        try:
            arrival = await self._looked_at(request, number, status)
        finally:
            self._looking -= 1
        house.arrivals.append(arrival)
        await self.changed()
        activity = arrival.activity
        if house.accepts and arrival.taken and arrival.sender is not None and activity is not None:
            await self._accept(house, activity)

    async def _looked_at(self, request: SignedRequest, number: int, status: int) -> Arrival:
        activity, at = None, self.clock.now()
        with suppress(Malformed):
            activity = parse_activity(request.body)
        path = urlsplit(request.target).path
        plain = Arrival(number, path, at, request.headers, request.body, status, activity)
        return await self._signed(plain, request)

    async def _signed(self, arrival: Arrival, request: SignedRequest) -> Arrival:
        hosts, scheme = frozenset(self._by_host), urlsplit(self.houses[0].url).scheme
        signature = inspect(request, now=arrival.at, hosts=hosts, scheme=scheme)
        if isinstance(signature, Failure):
            return replace(arrival, problem=f"{signature.code}: {signature.sentence}")
        used = Scheme.DRAFT if signature.base is None else Scheme.RFC9421
        arrival = replace(arrival, scheme=used, covered=signature.covered)
        try:
            sender = await self._authenticator.authenticate(request)
        except RelayError as error:
            return replace(arrival, problem=f"{error.code}: {error}")
        self._authenticator.acted_on(sender)
        return replace(arrival, sender=sender)

    async def _accept(self, house: House, activity: Activity) -> None:
        """Accept a Follow of one of our actors, as servers do whose relay follows back (relays.md B2)."""
        followed = next((one for one in house.actors.values() if one.id == activity.object_id), None)
        echo = FollowEcho.of(activity)
        if activity.type != "Follow" or followed is None or echo is None:
            return
        new_id = f"{house.url}/accepts/{self.clock.new_id()}"
        with suppress(RemoteError):
            inbox = await self.outgoing.inbox_of(activity.actor)
            await self.outgoing.send(
                followed, inbox, documents.accept(id=new_id, actor=followed.id, follow=echo)
            )


def _found(document: documents.Json | None, content_type: str = CONTENT_TYPE) -> Answer:
    if document is None:
        return Answer(404)
    return Answer(200, content_type, documents.dump(document), {"Cache-Control": "no-store"})


def _webfinger(house: House, resource: str) -> Answer:
    actor = house.named(resource)
    if actor is None:
        return Answer(404)
    link = {"rel": "self", "type": CONTENT_TYPE, "href": actor.id}
    jrd: documents.Json = {
        "subject": f"acct:{actor.name}@{house.host}",
        "aliases": [actor.id],
        "links": [link],
    }
    return _found(jrd, discovery.WEBFINGER_TYPE)


def _nodeinfo(house: House, version: str) -> Answer:
    document = discovery.nodeinfo(
        version, software_version="1", repository="https://w3id.org/assay", is_open=False, metadata={}
    )
    if document is not None:
        document["software"] = {"name": house.software, "version": "1"}
    return _found(document, _JSON)


def _key_id(request: SignedRequest) -> str | None:
    """Whose key signs a request by its own account."""
    text = ",".join([*request.values("signature"), *request.values("signature-input")])
    for mark in ('keyId="', 'keyid="'):
        _, found, rest = text.partition(mark)
        if found:
            return rest.partition('"')[0][:2048]
    return None
