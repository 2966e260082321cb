"""Servers on the loopback that do as they are told, however rude, and count who came."""

from __future__ import annotations

import asyncio
import socket
import ssl
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from typing import TYPE_CHECKING

from aiohttp.abc import AbstractResolver, ResolveResult
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from relay.adapters.guard import AddressPolicy
from relay.adapters.remote import GuardedRemote
from relay.adapters.system import SystemClock

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
    from pathlib import Path

    from relay.ports import Clock

LOOPBACK = AddressPolicy(allowed_private=(ip_network("127.0.0.0/8"), ip_network("::1/128")))
# A stand-in for the public internet: one loopback address is allowed, its neighbours are not.
PUBLIC = "127.0.0.2"
ONLY_PUBLIC = AddressPolicy(allowed_private=(ip_network(PUBLIC),))


@dataclass
class Peer:
    """A running server: where it is, how many connections it got, the heads of the requests it read."""

    port: int
    host: str
    scheme: str
    connections: int = 0
    heads: list[bytes] = field(default_factory=list)

    def url(self, path: str = "/", *, host: str | None = None) -> str:
        """The URL of `path` here, under another name if `host` is given."""
        return f"{self.scheme}://{host or self.host}:{self.port}{path}"

    @property
    def targets(self) -> list[str]:
        """The request targets, in order, as they were on the wire."""
        return [head.split(b" ", 2)[1].decode() for head in self.heads]


@dataclass
class Exchange:
    """One request and the means to answer it as badly as one likes."""

    target: str
    head: bytes
    body: bytes
    writer: asyncio.StreamWriter

    async def send(self, *parts: str | bytes) -> None:
        """Write, with CRLF after each string."""
        for part in parts:
            self.writer.write(part if isinstance(part, bytes) else part.encode() + b"\r\n")
        await self.writer.drain()

    async def answer(self, status: int = 200, body: bytes = b"", *headers: str) -> None:
        """A well-formed answer."""
        await self.send(f"HTTP/1.1 {status} Whatever", *headers, f"Content-Length: {len(body)}", "", body)

    def reset(self) -> None:
        """Break the connection off with RST."""
        raw = self.writer.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
        self.writer.transport.abort()

    async def hang(self) -> None:
        """Never come back (the server's end cancels it)."""
        await asyncio.Event().wait()


@asynccontextmanager
async def serving(
    behave: Callable[[Exchange], Awaitable[None]],
    *,
    host: str = PUBLIC,
    tls: ssl.SSLContext | None = None,
    greeting: bytes = b"",
    reads_bodies: bool = True,
) -> AsyncIterator[Peer]:
    """Run a server that calls `behave` for every request until the connection ends.

    `greeting` is sent before anything is read; without `reads_bodies` the bodies of requests are left unread.
    """
    tasks: set[asyncio.Task[None]] = set()
    peer = Peer(0, f"[{host}]" if ":" in host else host, "https" if tls else "http")

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        peer.connections += 1
        try:
            writer.write(greeting)
            while not writer.is_closing():
                await behave(await _read(reader, writer, peer, reads_bodies=reads_bodies))
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            tasks.discard(task)
            writer.transport.abort()

    server = await asyncio.start_server(connected, host, 0, ssl=tls, limit=2**16)
    peer.port = server.sockets[0].getsockname()[1]
    try:
        yield peer
    finally:
        server.close()
        for task in tuple(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await server.wait_closed()


async def _read(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, peer: Peer, *, reads_bodies: bool
) -> Exchange:
    head = await reader.readuntil(b"\r\n\r\n")
    peer.heads.append(head)
    length = next(
        (
            int(line.split(b":")[1])
            for line in head.split(b"\r\n")
            if line.lower().startswith(b"content-length")
        ),
        0,
    )
    body = await reader.readexactly(length if reads_bodies else 0)
    return Exchange(head.split(b" ", 2)[1].decode(), head, body, writer)


class Names(AbstractResolver):
    """A name server: for each name a list of answers, given in turn, the last one for ever."""

    def __init__(self, **answers: list[list[str]]) -> None:
        self.answers = {name.replace("_", "."): list(turns) for name, turns in answers.items()}
        self.asked: list[str] = []

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """The next answer for `host`, or what the system says about a name that is not there."""
        self.asked.append(host)
        turns = self.answers.get(host)
        if turns is None:
            raise socket.gaierror(socket.EAI_NONAME, "no such name")
        return [
            ResolveResult(hostname=host, host=address, port=port, family=family, proto=0, flags=0)
            for address in (turns.pop(0) if len(turns) > 1 else turns[0])
        ]

    async def close(self) -> None:
        """Nothing is open."""


def client(
    addresses: AddressPolicy = ONLY_PUBLIC,
    *,
    allow_http: bool = True,
    clock: Clock | None = None,
    own_hosts: Iterable[str] = (),
    ca_file: Path | None = None,
    resolver: AbstractResolver | None = None,
    answer_patience: float = 2.0,
) -> GuardedRemote:
    """A client with the settings of most tests."""
    return GuardedRemote(
        clock=clock or SystemClock(),
        user_agent="Assay/test",
        addresses=addresses,
        own_hosts=own_hosts,
        allow_http=allow_http,
        ca_file=ca_file,
        resolver=resolver,
        answer_patience=answer_patience,
    )


class Authority:
    """A certificate authority for one test, with its certificate in `folder`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "A test's authority")])
        constraints = x509.BasicConstraints(ca=True, path_length=None)
        certificate = self._builder(self._name, self._key).add_extension(constraints, critical=True)
        self.file = folder / "authority.pem"
        self.file.write_bytes(certificate.sign(self._key, hashes.SHA256()).public_bytes(Encoding.PEM))

    def server(self, name: str) -> ssl.SSLContext:
        """What a server needs to be `name`."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        names = x509.SubjectAlternativeName([x509.DNSName(name)])
        certificate = self._builder(subject, key).add_extension(names, critical=False)
        file = self._folder / f"{name}.pem"
        file.write_bytes(
            key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
            + certificate.sign(self._key, hashes.SHA256()).public_bytes(Encoding.PEM)
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        return context

    def _builder(self, subject: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
        now = datetime.fromtimestamp(SystemClock().now(), UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(hours=1))
            .not_valid_after(now + timedelta(hours=1))
        )
