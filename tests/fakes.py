"""A small fediverse in memory: servers with actors, keys, posts and media, and everything that can go wrong.

`FakeFediverse` is the port `Remote`: what the relay fetches comes from these servers, what it delivers lands in their
inboxes, signatures checked as a strict server would. Nothing of the relay itself is replaced.
"""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import json
from base64 import b64encode
from dataclasses import dataclass, field
from email.utils import formatdate
from functools import cache, partial
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from relay.adapters.inside import refuse_in_transaction
from relay.domain.errors import RemoteError
from relay.domain.remote import Fetched, First, Headers, Posted
from relay.domain.scheme import Scheme
from relay.protocol.httpsig import Signature, SignedRequest, inspect, verify

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

PUBLIC = "https://www.w3.org/ns/activitystreams#Public"
ACTIVITY = "application/activity+json"
START = 1_795_300_000.0
"""22 November 2026, when the recordings were made."""


class FakeClock:
    """Port `Clock`, moved by hand. Names and tokens count up, jitter is in the middle unless `chance` is replaced."""

    def __init__(self, now: float = START) -> None:
        self.time = now
        self.chance: Callable[[], float] = lambda: 0.5
        self.slept: list[float] = []
        self._ids = itertools.count(1)

    def now(self) -> float:
        return self.time

    def monotonic(self) -> float:
        return self.time

    def jitter(self) -> float:
        return self.chance()

    def new_id(self) -> str:
        return f"{next(self._ids):032x}"

    def token(self, size: int) -> bytes:
        return next(self._ids).to_bytes(size, "big")

    async def sleep(self, seconds: float) -> None:
        self.time += seconds
        self.slept.append(seconds)
        await asyncio.sleep(0)  # noqa: TID251 - lets others run; no time passes

    def forward(self, seconds: float) -> None:
        """Let time pass."""
        self.time += seconds


@cache
def rsa_key(number: int) -> RSAPrivateKey:
    """One of a few keys: making them is slow, and the tests do not depend on which."""
    assert number < 8
    return generate_private_key(public_exponent=65537, key_size=2048)


def pem_of(key: RSAPrivateKey) -> str:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def private_pem(key: RSAPrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def sign_request(
    key: RSAPrivateKey,
    key_id: str,
    url: str,
    body: bytes,
    now: float,
    *,
    extra: Mapping[str, str] | None = None,
    method: str = "POST",
    covered: str | None = None,
) -> SignedRequest:
    """Sign a request as Mastodon does (draft-cavage-12, rsa-sha256), written apart from the relay's own code."""
    parts = urlsplit(url)
    target = parts.path + (f"?{parts.query}" if parts.query else "")
    digest = "SHA-256=" + b64encode(hashlib.sha256(body).digest()).decode()
    headers = {"host": parts.netloc, "date": formatdate(now, usegmt=True)}
    if method == "POST":
        headers |= {"digest": digest, "content-type": ACTIVITY}
    headers |= dict(extra or {})
    names = (covered or " ".join(["(request-target)", *headers])).split()
    lines = [
        f"{name}: {method.lower()} {target}" if name == "(request-target)" else f"{name}: {headers[name]}"
        for name in names
    ]
    value = b64encode(key.sign("\n".join(lines).encode(), PKCS1v15(), SHA256())).decode()
    headers["signature"] = (
        f'keyId="{key_id}",algorithm="rsa-sha256",headers="{" ".join(names)}",signature="{value}"'
    )
    return SignedRequest(method, target, tuple(headers.items()), body)


@dataclass
class Received:
    """A delivery as a server received it."""

    url: str
    headers: dict[str, str]
    body: bytes

    @property
    def activity(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.body)
        return found


@dataclass
class FakeActor:
    """An actor of a fake server, with its key."""

    server: FakeServer
    path: str
    type: str
    key: RSAPrivateKey
    published: str | None = None
    """When the account was made, as Mastodon says; Misskey does not."""

    @property
    def id(self) -> str:
        return f"https://{self.server.name}{self.path}"

    @property
    def key_id(self) -> str:
        return f"{self.id}#main-key"

    @property
    def inbox(self) -> str:
        return f"{self.id}/inbox"

    def document(self) -> dict[str, Any]:
        made = {} if self.published is None else {"published": self.published}
        return made | {
            "@context": ["https://www.w3.org/ns/activitystreams", "https://w3id.org/security/v1"],
            "id": self.id,
            "type": self.type,
            "preferredUsername": self.path.rsplit("/", 1)[-1],
            "inbox": self.inbox,
            "endpoints": {"sharedInbox": f"https://{self.server.name}/inbox"},
            "publicKey": {"id": self.key_id, "owner": self.id, "publicKeyPem": pem_of(self.key)},
        }

    def sign(self, url: str, activity: Mapping[str, Any], now: float, **options: Any) -> SignedRequest:
        """Sign a delivery of an activity."""
        return sign_request(self.key, self.key_id, url, json.dumps(activity).encode(), now, **options)


@dataclass
class FakeServer:
    """A server: its actors, documents, media, what it received, and how it misbehaves."""

    world: FakeFediverse
    name: str
    number: int
    actors: dict[str, FakeActor] = field(default_factory=dict)
    documents: dict[str, tuple[int, str, bytes]] = field(default_factory=dict)
    inbox: list[Received] = field(default_factory=list)
    status: int = 202
    retry_after: float | None = None
    meanwhile: Callable[[], None] | None = None
    """What happens when something is fetched here."""
    fault: Exception | None = None
    """What every request to it ends with; anything but a RemoteError stands for a bug of ours."""
    hang: asyncio.Event | None = None
    held: list[Callable[[], object]] | None = None
    """The answers that it holds back, if it does: each is given once it is called."""
    secure: bool = False
    """Whether unsigned GETs are refused (authorized fetch)."""
    refused: int = 0
    """Deliveries that it refused."""
    refuses: dict[str, int] = field(default_factory=dict)
    """Statuses for deliveries whose body contains a text."""
    ahead: float = 0.0
    """By how many seconds its clock is ahead of the relay's."""
    tolerance: float = 300.0
    """By how many seconds a signature may be off for it; others are answered with `refusal`."""
    schemes: frozenset[Scheme] = frozenset(Scheme)
    """The signatures that it understands; others are answered with `refusal`."""
    refusal: int = 401
    knocks: list[Scheme] = field(default_factory=list)
    """How the requests were signed that reached it."""
    redirects: dict[str, str] = field(default_factory=dict)
    """Paths that lead to other URLs."""
    etags: bool = False
    """Whether it answers with an ETag, and 304 to one that still holds."""
    connected: bool = False
    """Whether the relay keeps an open connection to it."""
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    _posts: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    async def arrived(self, count: int) -> None:
        """Return when so many deliveries have arrived."""
        while len(self.inbox) < count:
            self.changed.clear()
            await self.changed.wait()

    def actor(self, path: str = "/actor", kind: str = "Application") -> FakeActor:
        """An actor, made at first use."""
        if path not in self.actors:
            self.actors[path] = FakeActor(self, path, kind, rsa_key(self.number % 8))
        return self.actors[path]

    def url(self, path: str) -> str:
        return f"https://{self.name}{path}"

    def serve(
        self, path: str, body: bytes | Mapping[str, Any], kind: str = ACTIVITY, status: int = 200
    ) -> str:
        """Serve bytes or a document at a path; return the URL."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.documents[path] = (status, kind, content)
        return self.url(path)

    def note(self, *media: Mapping[str, Any], public: bool = True, **more: Any) -> dict[str, Any]:
        """A Note by alice, served at its id."""
        author = self.actor("/users/alice", "Person")
        path = f"/notes/{next(self._posts)}"
        note = {
            "@context": "https://www.w3.org/ns/activitystreams",
            "id": self.url(path),
            "type": "Note",
            "attributedTo": author.id,
            "content": "<p>hello</p>",
            "to": [PUBLIC] if public else [f"{author.id}/followers"],
            "cc": [f"{author.id}/followers"],
            "attachment": list(media),
            **more,
        }
        self.serve(path, note)
        return note

    def create(self, note: Mapping[str, Any], **more: Any) -> dict[str, Any]:
        """A Create of a note by its author."""
        return {
            "@context": "https://www.w3.org/ns/activitystreams",
            "id": f"{note['id']}/activity",
            "type": "Create",
            "actor": note["attributedTo"],
            "to": note["to"],
            "cc": note["cc"],
            "object": dict(note),
            **more,
        }

    def picture(self, content: bytes, path: str | None = None, **more: Any) -> dict[str, Any]:
        """A Document whose bytes are served."""
        where = path or f"/media/{hashlib.sha256(content).hexdigest()[:16]}.png"
        url = self.serve(where, content, "image/png")
        return {"type": "Document", "mediaType": "image/png", "url": url, **more}

    def knock(self, scheme: Scheme | None) -> int | None:
        """Note a request; return the status if its signature is not understood here."""
        if scheme is None:
            return None
        self.knocks.append(scheme)
        return None if scheme in self.schemes else self.refusal

    def arrivals(self, kind: str | None = None) -> list[dict[str, Any]]:
        """Activities that arrived in any inbox, in order."""
        return [a for r in self.inbox if (a := r.activity) and kind in {None, a["type"]}]


class FakeFediverse:
    """Every server there is. Port `Remote`."""

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.servers: dict[str, FakeServer] = {}
        self.fetched: list[str] = []
        self.relay_key: str | None = None
        """The relay's public key, to check deliveries with."""

    def server(self, name: str) -> FakeServer:
        """A server, made at first use."""
        return self.servers.setdefault(name, FakeServer(self, name, len(self.servers)))

    async def get(
        self,
        url: str,
        *,
        accept: str,
        limit: int,
        timeout: float,
        sign: Callable[[str], Awaitable[Mapping[str, str]]] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Fetched:
        refuse_in_transaction()
        self.fetched.append(url)
        scheme = None if sign is None else self._check(url, dict(await sign(url)), b"", "GET")
        server, path = self._find(url)
        if path in server.redirects:
            url = server.redirects[path]
            server, path = self._find(url)
        status, kind, body = self._document(server, path)
        status = server.knock(scheme) or status
        if server.secure and sign is None:
            status = 401
        if status != 200:
            temporary = status in {408, 425, 429} or status >= 500
            raise RemoteError(f"status {status}", code="status", temporary=temporary, status=status)
        etag = f'"{hashlib.sha256(body).hexdigest()[:16]}"' if server.etags else ""
        if etag and (headers or {}).get("If-None-Match") == etag:
            raise RemoteError("status 304", code="status", temporary=False, status=304)
        if len(body) > limit:
            raise RemoteError(code="too-large", temporary=False)
        return Fetched(url, kind, body, etag)

    async def post(self, url: str, *, headers: Headers, body: bytes, timeout: float) -> Posted:
        refuse_in_transaction()
        server, _ = self._find(url)
        if server.hang is not None:
            await server.hang.wait()
        posted = self._answer(server, url, await made(headers), body)
        if server.held is not None:
            let_go = asyncio.Event()
            server.held.append(let_go.set)
            await let_go.wait()
        return posted

    def post_now(
        self,
        url: str,
        *,
        headers: Mapping[str, str],
        body: bytes,
        timeout: float,
        answered: Callable[[First], None],
    ) -> bool:
        """To a server that answered before: its connection is open."""
        refuse_in_transaction()
        server = self.servers.get(urlsplit(url).netloc)
        if server is None or not server.connected or server.hang is not None:
            return False
        first: First
        try:
            first = self._answer(self._find(url)[0], url, headers, body)
        except RemoteError as error:
            first, server.connected = error, False
        if server.held is None:
            asyncio.get_running_loop().call_soon(answered, first)
        else:
            server.held.append(partial(answered, first))
        return True

    def give_up(self) -> None:
        """Forget whom answers that are held back are for."""
        for server in self.servers.values():
            if server.held is not None:
                server.held.clear()

    def _answer(self, server: FakeServer, url: str, headers: Mapping[str, str], body: bytes) -> Posted:
        server.connected = True
        misunderstood = server.knock(self._check(url, dict(headers), body, "POST"))
        if abs(server.ahead) > server.tolerance:
            misunderstood = server.refusal
        refused = next((status for text, status in server.refuses.items() if text.encode() in body), None)
        status = misunderstood or refused or server.status
        server.refused += status >= 400
        if 200 <= status < 300:
            server.inbox.append(Received(url, {k.lower(): v for k, v in headers.items()}, body))
            server.changed.set()
        return Posted(
            status, server.retry_after, date=self.clock.now() + server.ahead if status >= 400 else None
        )

    def _find(self, url: str) -> tuple[FakeServer, str]:
        parts = urlsplit(url)
        server = self.servers.get(parts.netloc)
        if server is None:
            raise RemoteError(f"no such server: {parts.netloc}", code="unreachable")
        if server.meanwhile is not None:
            server.meanwhile()
        if server.fault is not None:
            raise server.fault
        return server, parts.path + (f"?{parts.query}" if parts.query else "")

    @staticmethod
    def _document(server: FakeServer, path: str) -> tuple[int, str, bytes]:
        if path in server.documents:
            return server.documents[path]
        if path in server.actors:
            return 200, ACTIVITY, json.dumps(server.actors[path].document()).encode()
        return 404, "text/plain", b""

    def _check(self, url: str, headers: dict[str, str], body: bytes, method: str) -> Scheme:
        """Check a signature as strictly as the relay checks others'; return which kind it is."""
        parts = urlsplit(url)
        target = parts.path + (f"?{parts.query}" if parts.query else "")
        request = SignedRequest(method, target, tuple((k.lower(), v) for k, v in headers.items()), body)
        signature = inspect(request, now=self.clock.now(), hosts=frozenset({parts.netloc}))
        assert isinstance(signature, Signature), signature
        assert self.relay_key is None or verify(signature, request, self.relay_key)
        if "media-attestation" in dict(request.headers):
            assert "media-attestation" in signature.covered
        return Scheme.DRAFT if signature.base is None else Scheme.RFC9421


async def made(headers: Headers) -> Mapping[str, str]:
    """Return the headers of a request, as whoever has a connection for it asks for them."""
    return await headers() if callable(headers) else headers
