"""The lab's test of issuers: our relay passes it, with everything that it can offer; others are told what is wrong."""

from __future__ import annotations

import hashlib
import json
import os
import sys
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

import aiohttp
import pytest
from aiohttp import web

from mediaattest import Check, IssuerKey, StatusReference, describe_key, digest_of, issue
from relay.adapters.remote import client_tls
from relay.adapters.system import SystemClock
from relay.adapters.throwaway import make_keys
from relay.cli.demo.certificates import make_authority
from relay.cli.demo.loopback import NETWORK, LoopbackResolver, free_ports
from relay.cli.lab.issuer import make_pictures, run_issuer
from relay.cli.lab.stage import StageOptions
from relay.cli.serving import listening
from relay.domain.lab.cases.issuer import ISSUER
from relay.domain.lab.grading import assess
from relay.domain.lab.model import Grade, Outcome, Run
from relay.protocol.documents import AS2, PROFILE
from tests.fakes import pem_of, rsa_key, sign_request
from tests.flow.test_lab_carrier import CONFIG, near, told

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from relay.adapters.canonical.pool import CanonicalProcesses
    from relay.adapters.media.sandbox import SandboxedDecoder

NAME = "issuer.test"
TERMS = {
    "pdna": "https://purl.archive.org/socialweb/photodna#",
    "hash": {"@id": "pdna:hash", "@type": "@id"},
    "attestation": {"@id": "pdna:attestation", "@type": "@id"},
}
WITH_LISTS = CONFIG.replace("withhold: 0%", "withhold: 0%, status_list: true")


def outcomes(run: Run) -> dict[str, Outcome]:
    return {result.code: result.outcome for result in run.results}


def failed(run: Run) -> dict[str, str]:
    return {result.code: result.detail for result in run.results if result.outcome is Outcome.FAILED}


class Quick(SystemClock):
    """A relay's clock that draws the shortest waits: "no" comes after ten seconds in place of up to thirty."""

    def jitter(self) -> float:
        return 0.0


@pytest.mark.timeout(120)
async def test_our_relay_is_an_issuer(
    tmp_path: Path,
    decoder: SandboxedDecoder,
    canonicalizer: CanonicalProcesses,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
    command = f"{sys.executable} -m relay keys rotate --config {tmp_path / 'config.yaml'}"
    async with near(tmp_path, decoder, canonicalizer, config=WITH_LISTS, clock=Quick()) as relay:
        run = await run_issuer(f"{relay.url}/actor", relay.options, rotate_command=command)
    found = outcomes(run)
    assert failed(run) == {}
    assert set(found) == {case.code for case in ISSUER}
    # a relay publishes nothing of its own, and nothing was taken back
    assert {code for code, outcome in found.items() if outcome is not Outcome.PASSED} == {
        *(f"ATT-{number}" for number in range(121, 128)),
        "ATT-133",
    }, told(run)
    assert (assess(run).grade, assess(run).conforms) == (Grade.A, True)


# ---------------------------------------------------------------- a publisher that does it all wrong


@dataclass
class Publisher:
    """A server with an issuing actor, posts, files and a status list, all of it as the test likes."""

    url: str
    keys: Any = field(default_factory=make_keys)
    documents: dict[str, Any] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    browsers: dict[str, bytes] = field(default_factory=dict)
    secure: bool = False
    """Whether unsigned requests are refused."""

    def __post_init__(self) -> None:
        self.documents["/actor"] = {
            "@context": AS2,
            "id": self.id,
            "type": "Service",
            "inbox": f"{self.url}/inbox",
            "outbox": f"{self.url}/outbox",
            "generator": {"type": "Application", "implements": [{"id": PROFILE}]},
            "assertionMethod": [describe_key(IssuerKey(self.kid, self.id, self.public))],
        }

    @property
    def id(self) -> str:
        return f"{self.url}/actor"

    @property
    def kid(self) -> str:
        return f"{self.id}#att-2026-11"

    @property
    def public(self) -> bytes:
        raw: bytes = self.keys.ed25519.public_key().public_bytes_raw()
        return raw

    def token(self, content: bytes, *, jti: bytes = b"", **more: Any) -> str:
        given = {"checks": [Check("pdq", f"{self.url}/lists/1")], "now": int(SystemClock().now())} | more
        return issue(
            private_key=self.keys.ed25519,
            kid=self.kid,
            issuer=self.id,
            digest=digest_of(content),
            jti=jti or os.urandom(16),
            **given,
        )

    def post(self, name: str, content: bytes, attestation: object, **more: Any) -> str:
        self.files[f"/media/{name}"] = content
        self.documents[f"/notes/{name}"] = {
            "@context": [AS2, TERMS],
            "id": f"{self.url}/notes/{name}",
            "type": "Note",
            "attributedTo": self.id,
            "attachment": [
                {
                    "type": "Image",
                    "url": f"{self.url}/media/{name}",
                    "hash": digest_of(content),
                    "attestation": attestation,
                }
            ],
        } | more
        return f"{self.url}/notes/{name}"

    def app(self) -> web.Application:
        app = web.Application()
        app.add_routes([web.get("/{path:.*}", self._get)])
        return app

    async def _get(self, request: web.Request) -> web.Response:
        if self.secure and "Signature" not in request.headers:
            raise web.HTTPUnauthorized
        if request.path in self.documents:
            return web.json_response(self.documents[request.path], content_type="application/activity+json")
        if request.path not in self.files:
            raise web.HTTPNotFound
        agent = request.headers.get("User-Agent", "")
        files = self.files | (self.browsers if "Mozilla" in agent else {})
        return web.Response(body=files[request.path], content_type="image/jpeg")


P = TypeVar("P", bound=Publisher)


@asynccontextmanager
async def publishing(
    folder: Path, canonicalizer: CanonicalProcesses, kind: type[P] = Publisher
) -> AsyncIterator[tuple[P, StageOptions]]:
    clock, names = SystemClock(), [NAME, "localhost"]
    authority, resolver = make_authority(folder, names, clock.now()), LoopbackResolver(names)
    [port] = free_ports(1)
    publisher = kind(f"https://{NAME}:{port}")
    options = StageOptions(
        tls_cert=folder / "localhost.pem",
        ca=authority.ca_file,
        private=(NETWORK,),
        timeout=2.0,
        seed="the same each time",
        resolver=resolver,
        canonicalizer=canonicalizer,
    )
    async with listening(publisher.app(), "127.0.0.1", port, tls=authority.server_side(NAME)):
        yield publisher, options


async def test_a_publisher_that_does_it_right(tmp_path: Path, canonicalizer: CanonicalProcesses) -> None:
    async with publishing(tmp_path, canonicalizer) as (server, options):
        notes = [server.post(name, name.encode(), server.token(name.encode())) for name in ("1", "2", "3")]
        server.documents["/outbox"] = {"type": "OrderedCollection", "first": f"{server.url}/page"}
        server.documents["/page"] = {
            "orderedItems": [
                {"type": "Create", "actor": server.id, "object": notes[0]},
                f"{server.url}/notes/2",
                server.documents["/notes/3"],
                f"{server.url}/nothing",
            ]
        }
        run = await run_issuer(server.id, options)
        again = await run_issuer(server.id, options, notes[:1])
    assert failed(run) == {}
    passed = {code for code, outcome in outcomes(run).items() if outcome is Outcome.PASSED}
    assert passed >= {f"ATT-{number}" for number in (*range(101, 106), *range(111, 119), 121, 122, 124, 127)}
    assert (assess(run).grade, assess(run).conforms) == (Grade.A, True)
    assert outcomes(again)["ATT-113"] is Outcome.CANNOT_TELL  # one token tells nothing of the next


async def test_a_publisher_that_does_it_wrong(tmp_path: Path, canonicalizer: CanonicalProcesses) -> None:
    async with publishing(tmp_path, canonicalizer) as (server, options):
        long = server.token(b"1", jti=b"x" * 16, lifetime=29 * 86_400)
        shown = server.token(b"2", jti=b"x" * 16, status=StatusReference(f"{server.url}/status/1", 1))
        notes = [
            server.post("1", b"1", [long]),
            server.post("2", b"changed", shown, **{"@context": [AS2]}),
        ]
        embedded = {"id": "https://elsewhere.test/1", "type": "Image", "attestation": long, "hash": "x"}
        server.documents["/notes/1"]["inReplyTo"] = embedded
        server.browsers["/media/1"] = b"another"
        actor = server.documents["/actor"]
        key = actor["assertionMethod"][0]
        actor |= {"authentication": [key["id"]], "generator": {"implements": "https://elsewhere.test/"}}
        actor["assertionMethod"] = [
            key,
            describe_key(IssuerKey(f"{server.id}#key", server.id, bytes(range(32)))),
        ]
        run = await run_issuer(server.id, options, [*notes, f"{server.url}/nothing"])
    found = failed(run)
    assert set(found) >= {
        *("ATT-103", "ATT-104", "ATT-105", "ATT-111", "ATT-113", "ATT-114"),
        *("ATT-122", "ATT-124", "ATT-125", "ATT-127", "ATT-141"),
    }, told(run)
    assert "authentication" in found["ATT-104"]
    assert "status/1 was answered 404" in found["ATT-141"]
    assert not assess(run).conforms


async def test_a_server_in_secure_mode(tmp_path: Path, canonicalizer: CanonicalProcesses) -> None:
    async with publishing(tmp_path, canonicalizer) as (server, options):
        note = server.post("1", b"1", server.token(b"1"))
        server.secure = True
        run = await run_issuer(server.id, options, [note])
    assert set(failed(run)) == {"ATT-101"}
    assert outcomes(run)["ATT-102"] is Outcome.PASSED


@pytest.mark.parametrize("document", [{"id": "https://issuer.test/other"}, [], None])
async def test_what_is_no_issuer(document: object, tmp_path: Path, canonicalizer: CanonicalProcesses) -> None:
    async with publishing(tmp_path, canonicalizer) as (server, options):
        server.documents["/actor"] = document
        if document is None:
            del server.documents["/actor"]
        run = await run_issuer(server.id, options)
        gone = await run_issuer(f"https://{NAME}:1/actor", options)
    assert set(failed(run)) <= {"ATT-101", "ATT-102"}
    assert outcomes(run)["ATT-111"] is Outcome.UNTESTED
    assert set(failed(gone)) == {"ATT-101"}
    assert not assess(run).conforms
    assert json.dumps(failed(run))


# ---------------------------------------------------------------- a service that tells too much


@dataclass
class Careless(Publisher):
    """An issuer with a service that serves everybody at once, fetches whatever it is told and says why it refuses."""

    session: aiohttp.ClientSession | None = None
    known: str = field(default_factory=lambda: hashlib.sha256(make_pictures("any").match).hexdigest())

    def __post_init__(self) -> None:
        super().__post_init__()
        self.documents["/actor"] |= {
            "endpoints": {"mediaAttestation": f"{self.url}/media/sha256/"},
            "publicKey": {"id": f"{self.id}#main-key", "owner": self.id, "publicKeyPem": pem_of(rsa_key(3))},
        }

    def app(self) -> web.Application:
        app = web.Application(client_max_size=1 << 24)
        app.add_routes(
            [
                web.post("/inbox", self._inbox),
                web.post("/media", self._submit),
                web.get("/media/sha256/{digest}", self._look_up),
                web.get("/{path:.*}", self._get),
            ]
        )
        return app

    async def _inbox(self, request: web.Request) -> web.Response:
        follow = await request.json()
        if follow["type"] == "Follow":
            accept = {
                "@context": AS2,
                "id": f"{self.url}/a",
                "type": "Accept",
                "actor": self.id,
                "object": follow,
            }
            inbox, body = f"{follow['actor']}/inbox", json.dumps(accept).encode()
            signed = sign_request(rsa_key(3), f"{self.id}#main-key", inbox, body, SystemClock().now())
            assert self.session is not None
            async with self.session.post(inbox, data=body, headers=dict(signed.headers)) as answer:
                assert answer.status == 202
        return web.Response(status=202)

    async def _submit(self, request: web.Request) -> web.Response:
        content = await request.read()
        if request.content_type == "application/json":
            assert self.session is not None
            async with self.session.get(json.loads(content)["url"]) as answer:
                content = await answer.read()
        if len(content) > 100_000:
            return web.json_response({"error": "too large"}, status=413)
        if not content.startswith(b"\xff\xd8") or not content.endswith(b"\xff\xd9"):
            return web.json_response({"error": "broken"}, status=422)
        if hashlib.sha256(content).hexdigest() == self.known:
            return web.json_response({"error": "match"}, status=451)
        return web.json_response({"hash": digest_of(content), "attestation": self.token(content)})

    async def _look_up(self, request: web.Request) -> web.Response:
        return web.Response(status=404, text=f"nothing about {request.match_info['digest']}")


async def test_a_service_that_tells_too_much(tmp_path: Path, canonicalizer: CanonicalProcesses) -> None:
    async with publishing(tmp_path, canonicalizer, Careless) as (server, options):
        assert options.ca is not None
        assert options.resolver is not None
        connector = aiohttp.TCPConnector(ssl=client_tls(options.ca), resolver=options.resolver)
        async with aiohttp.ClientSession(connector=connector) as server.session:
            run = await run_issuer(server.id, options)
    found = failed(run)
    assert set(found) == {*(f"ATT-{number}" for number in (119, 131, 132, 134, 151, 154, 155, 156))}, told(
        run
    )
    assert "the address was fetched" in found["ATT-151"]
    assert found["ATT-132"] == "Two answers differ in their body."
    assert found["ATT-155"] == "The file on another server was fetched."
    assert found["ATT-156"] == "The redirect to plain http on this machine was followed."
    assert outcomes(run)["ATT-153"] is Outcome.PASSED
