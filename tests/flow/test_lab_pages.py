"""The lab's pages over HTTP: pasting, temporary inboxes, reports; and what strangers cannot do with them."""

from __future__ import annotations

import asyncio
import io
import json
import re
from html import unescape
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode
from xml.etree import ElementTree as ET

import aiohttp
import pytest
import pytest_asyncio

from mediaattest import EXPLANATIONS, from_data_url
from relay.cli.serving import listening, public_app
from relay.domain.errors import RemoteError
from relay.domain.lab.cases import CASES
from relay.protocol.lab.clauses import clauses
from relay.services.lab.inboxes import LARGEST, MOST_DELIVERIES
from relay.services.throttle import client_of
from tests import labs
from tests.fakes import ACTIVITY, PUBLIC, sign_request

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.fakes import FakeActor
    from tests.flow.conftest import World, Worlds

HTML = {"Accept": "text/html,application/xhtml+xml", "Host": "relay.test"}
PRIVATE = re.compile(r"BEGIN (RSA )?PRIVATE KEY")


class Visitor:
    """Somebody with a browser."""

    def __init__(self, world: World, session: aiohttp.ClientSession) -> None:
        self.world, self.session = world, session

    async def get(self, path: str, **headers: str) -> tuple[int, str]:
        async with self.session.get(path, headers={**HTML, **headers}) as answer:
            return answer.status, await answer.text()

    async def post(self, path: str, fields: dict[str, str] | None = None, **headers: str) -> tuple[int, str]:
        body = io.BytesIO(urlencode(fields or {}).encode())
        headers = {**HTML, "Content-Type": "application/x-www-form-urlencoded", **headers}
        async with self.session.post(path, data=body, headers=headers) as answer:
            return answer.status, await answer.text()

    async def verify(self, **fields: str) -> tuple[int, str]:
        return await self.post("/lab/verify", fields)

    async def make_inbox(self) -> str:
        """Make a temporary inbox; return its path."""
        async with self.session.post("/lab/inbox", headers=HTML, allow_redirects=False) as answer:
            assert answer.status == 303
            return answer.headers["Location"]

    async def deliver(self, path: str, actor: FakeActor, activity: dict[str, Any], **extra: Any) -> int:
        """Deliver an activity to a temporary inbox, signed by an actor."""
        request = actor.sign(f"https://relay.test{path}", activity, self.world.clock.now(), **extra)
        async with self.session.post(path, data=request.body, headers=dict(request.headers)) as answer:
            return answer.status

    async def look(self) -> int:
        return await self.world.relay.lab.inboxes.run_once()


@pytest_asyncio.fixture(loop_scope="session")
async def visitor(world: World) -> AsyncIterator[Visitor]:
    async with visiting(world) as found:
        yield found


class visiting:  # noqa: N801 - reads as what it does
    def __init__(self, world: World) -> None:
        self.world = world

    async def __aenter__(self) -> Visitor:
        self.listener = listening(public_app(self.world.relay), "127.0.0.1", 0)
        port = await self.listener.__aenter__()
        self.session = aiohttp.ClientSession(f"http://127.0.0.1:{port}")
        return Visitor(self.world, self.session)

    async def __aexit__(self, *error: object) -> None:
        await self.session.close()
        await self.listener.__aexit__(None, None, None)


# -------------------------------------------------------------------- pages that are the same for everybody


async def test_every_page_is_served_with_a_policy_that_lets_nothing_in(visitor: Visitor) -> None:
    paths = [
        "/lab",
        "/lab/clauses",
        "/lab/explain",
        "/lab/cases",
        "/lab/inbox",
        "/lab/report",
        "/lab/compare",
    ]
    for path in paths:
        async with visitor.session.get(path, headers=HTML) as answer:
            assert answer.status == 200, path
            policy = answer.headers["Content-Security-Policy"]
            assert "default-src 'none'" in policy
            assert "unsafe" not in policy
            assert ("script-src" in policy) == (path == "/lab")
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            assert "style=" not in await answer.text()
    for path in ("/lab/", "/lab/verify"):
        async with visitor.session.get(path, headers=HTML, allow_redirects=False) as answer:
            assert (answer.status, answer.headers["Location"]) == (302, "/lab")
    for path, kind in (("lab.css", "text/css"), ("lab.js", "text/javascript"), ("icon.svg", "image/svg+xml")):
        async with visitor.session.get(f"/static/{path}") as answer:
            assert answer.content_type == kind


async def test_every_statement_outcome_and_case_has_a_page_and_every_link_on_it_leads_somewhere(
    visitor: Visitor,
) -> None:
    codes = [one.code for one in EXPLANATIONS.values()]
    pages = [f"/lab/explain/{code}" for code in {*codes, *CASES}] + [
        f"/lab/clauses/{one}" for one in clauses()
    ]
    links: set[str] = set()
    for path in ["/lab", "/lab/cases", "/lab/explain", "/lab/clauses", *pages]:
        status, text = await visitor.get(path)
        assert status == 200, path
        links |= set(re.findall(r'href="(/lab/(?:explain|clauses|cases)[^"#]*)"', text))
    assert links <= {"/lab/cases", "/lab/explain", "/lab/clauses", *pages}
    for path in ("/lab/explain/nothing", "/lab/clauses/Z-99", "/lab/inbox/zz", f"/lab/report/{'0' * 32}"):
        status, text = await visitor.get(path)
        assert (status, "not-found" in text) == (404, True)
        async with visitor.session.get(path, headers={"Host": "relay.test"}) as answer:
            assert (answer.status, answer.content_type) == (404, "application/problem+json")


async def test_without_pages_there_is_no_lab(worlds: Worlds) -> None:
    world = await worlds.open(
        "relay: {url: https://relay.test, data: data}\nlab: {pages: false}\nattestation: {withhold: 0%}\n"
    )
    async with visiting(world) as visitor:
        for path in ("/lab", "/lab/inbox", "/static/lab.css"):
            assert (await visitor.get(path))[0] == 404
        assert "/lab" not in (await visitor.get("/"))[1]
        assert "/lab" not in (await visitor.get("/robots.txt"))[1]
        token = "0" * 32
        status, _ = await visitor.get(f"/.well-known/webfinger?resource=acct:lab-{token}@relay.test")
        assert status == 404
    await asyncio.wait_for(world.relay.lab.run(), 5)  # nothing to do: it returns


# -------------------------------------------------------------------- pasting


async def test_a_pasted_document_is_verified_step_by_step_and_nothing_of_it_is_stored(
    visitor: Visitor,
) -> None:
    visitor.world.server("issuer.test").serve("/actor", labs.actor())
    store = visitor.world.relay.office.store
    before, commits = store.changes, store.commits
    status, text = await visitor.verify(
        document=json.dumps(labs.create(labs.attestation())),
        digests=f"https://a.test/media/boat.png {labs.HASH}",
        fetch="yes",
    )
    assert status == 200
    assert "Every attestation is valid" in text
    assert text.count('class="sign passed"') >= 10
    assert "https://issuer.test/actor" in text
    assert 'href="/lab/clauses/V-29"' in text
    assert "Nothing was stored" in text
    assert visitor.world.fediverse.fetched == [labs.ISSUER]  # the actor and no media
    assert (store.changes, store.commits) == (before, commits)
    assert "<script>alert" not in text


@pytest.mark.parametrize(
    ("token", "code"),
    [
        (labs.forged(), "bad-signature"),
        (labs.attestation(at=labs.START - 90 * 86400), "expired"),
        (labs.attestation(f"sha256:{'0' * 64}"), "hash-mismatch-declared"),
        ("1234567890", "malformed-grammar"),
    ],
)
async def test_what_fails_is_explained(visitor: Visitor, token: str, code: str) -> None:
    status, text = await visitor.verify(
        document=json.dumps(labs.create(token)), keys=json.dumps(labs.actor())
    )
    assert status == 200
    assert "Not every attestation is valid" in text
    assert f'href="/lab/explain/{code}"' in text
    assert 'class="sign failed"' in text
    assert visitor.world.fediverse.fetched == []
    assert (await visitor.get(f"/lab/explain/{code}"))[0] == 200


async def test_keys_come_from_the_paste_or_from_the_issuer_or_are_said_to_be_missing(
    visitor: Visitor,
) -> None:
    document = json.dumps(labs.create(labs.attestation()))
    assert "nothing was fetched" in (await visitor.verify(document=document))[1]
    assert visitor.world.fediverse.fetched == []
    _, text = await visitor.verify(document=document, keys=json.dumps([labs.actor()]))
    assert "Every attestation is valid" in text
    assert "could not be had" in (await visitor.verify(document=document, fetch="yes"))[1]
    visitor.world.clock.forward(3600)
    visitor.world.server("issuer.test")  # it answers, and knows no such actor
    assert "knows no such actor" in (await visitor.verify(document=document, fetch="yes"))[1]


async def test_a_single_attestation_and_a_header_can_be_pasted(visitor: Visitor) -> None:
    text, keys = labs.attestation(), json.dumps(labs.actor())
    bare = from_data_url(text)
    for document in (text, bare, f"  {bare}\n"):
        assert "Every attestation is valid" in (await visitor.verify(document=document, keys=keys))[1]
    status, found = await visitor.verify(
        document=json.dumps({"type": "Note", "id": "https://a.test/1"}),
        header=f'Media-Attestation: "{bare}"',
        keys=keys,
        digests=labs.HASH.removeprefix("sha256:").upper(),
    )
    assert (status, "header[0]" in found) == (200, True)


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"document": " "}, "nothing to verify"),
        ({"document": "{"}, "document cannot be read"),
        ({"document": '{"a": 1, "a": 2}'}, "document cannot be read"),
        ({"document": "{}", "keys": "["}, "actor document cannot be read"),
        ({"document": "{}", "keys": "[1]"}, "has no id"),
        ({"document": "{}", "digests": "https://a.test/x"}, "on a line"),
        ({"document": "{}", "digests": "a b " + "0" * 64}, "on a line"),
    ],
)
async def test_what_cannot_be_read_is_said_beside_the_form(
    visitor: Visitor, fields: dict[str, str], sentence: str
) -> None:
    status, text = await visitor.verify(**fields)
    assert (status, sentence in text) == (400, True)
    shown = [unescape(one) for one in re.findall(r"<textarea[^>]*>([^<]*)</textarea>", text)]
    assert shown == [fields.get(name, "") for name in ("document", "keys", "header", "digests")]


async def test_forms_are_bounded_and_come_from_this_site(visitor: Visitor) -> None:
    assert (await visitor.verify(document="x" * (64 * 1024 + 1)))[0] == 413
    assert (await visitor.verify(document="x" * (4 * 1024 * 1024)))[0] == 413
    status, text = await visitor.post("/lab/verify", {"document": "{}"}, **{"Sec-Fetch-Site": "cross-site"})
    assert (status, "own page" in text) == (403, True)
    async with visitor.session.post(
        "/lab/verify", data=b"\xff", headers={**HTML, "Content-Type": "multipart/form-data"}
    ) as answer:
        assert answer.status == 400


async def test_a_client_may_ask_so_often_and_all_together_so_often(worlds: Worlds) -> None:
    world = await worlds.open(
        "relay: {url: https://relay.test, data: data}\n"
        "lab: {rate: 2 per minute, rate_of_all: 3 per minute}\nattestation: {withhold: 0%}\n"
    )
    async with visiting(world) as visitor:
        statuses = []
        for address in ("192.0.2.1", "192.0.2.1", "192.0.2.1", "192.0.2.2", "192.0.2.3"):
            # What comes before the last address is the client's own invention.
            headers = {"X-Forwarded-For": f"198.51.100.7, {address}"}
            status, text = await visitor.post("/lab/verify", {"document": "{}"}, **headers)
            statuses.append(status)
        assert statuses == [200, 200, 429, 200, 429]
        assert "everybody together" in text
        world.clock.forward(60)
        assert (await visitor.verify(document="{}"))[0] == 200


def test_clients_are_addresses_or_networks() -> None:
    assert client_of("192.0.2.1") == "192.0.2.1"
    assert client_of("::ffff:192.0.2.1") == "192.0.2.1"
    assert client_of("2001:db8::1") == client_of("2001:db8::ffff:1") == "2001:db8::/64"
    assert client_of("fe80::1%eth0") == "fe80::/64"
    assert client_of("") == client_of("x") == "unknown"


async def test_blocked_issuers_are_not_asked_and_of_many_only_a_few(worlds: Worlds) -> None:
    world = await worlds.open(
        "relay: {url: https://relay.test, data: data}\nfederation: {block: [issuer.test]}\n"
        "attestation: {withhold: 0%}\n"
    )
    async with visiting(world) as visitor:
        document = json.dumps(labs.create(labs.attestation()))
        assert "blocked here" in (await visitor.verify(document=document, fetch="yes"))[1]
        assert world.fediverse.fetched == []


# -------------------------------------------------------------------- temporary inboxes


async def test_a_temporary_inbox_is_actor_inbox_and_page_and_is_found_by_name(visitor: Visitor) -> None:
    path = await visitor.make_inbox()
    token = path.rpartition("/")[2]
    assert re.fullmatch(r"/lab/inbox/[0-9a-f]{32}", path)
    status, page = await visitor.get(path)
    assert (status, f"@lab-{token}@relay.test" in page) == (200, True)
    assert not PRIVATE.search(page)
    for accept in (ACTIVITY, "*/*", f"{ACTIVITY}, text/html;q=0.1"):
        async with visitor.session.get(path, headers={"Accept": accept}) as answer:
            assert answer.content_type == ACTIVITY
            actor = await answer.json(content_type=None)
    assert actor["id"] == actor["inbox"] == f"https://relay.test{path}"
    assert actor["publicKey"]["owner"] == actor["id"]
    for resource in (f"acct:lab-{token}@relay.test", actor["id"]):
        async with visitor.session.get("/.well-known/webfinger", params={"resource": resource}) as answer:
            found = await answer.json(content_type=None)
        assert found["links"][0]["href"] == actor["id"]
    for name in ("outbox", "followers", "following"):
        async with visitor.session.get(f"{path}/{name}") as answer:
            assert (await answer.json(content_type=None))["totalItems"] == 0
    for resource in (
        f"acct:lab-{'0' * 32}@relay.test",
        f"acct:lab-{token}@other.test",
        "acct:lab-x@relay.test",
    ):
        async with visitor.session.get("/.well-known/webfinger", params={"resource": resource}) as answer:
            assert answer.status == 404


async def test_a_delivery_is_taken_at_once_and_looked_at_afterwards(visitor: Visitor) -> None:
    world, path = visitor.world, await visitor.make_inbox()
    server = world.server("a.test")
    server.hang = asyncio.Event()  # never answers a delivery: nothing may wait for it
    world.server("issuer.test").serve("/actor", labs.actor())
    alice = server.actor("/users/alice", "Person")
    activity = labs.create(labs.attestation())
    tokens = f'"{from_data_url(labs.attestation())}"'
    assert await visitor.deliver(path, alice, activity, extra={"media-attestation": tokens}) == 202
    assert world.fediverse.fetched == []
    assert "being looked at" in (await visitor.get(path))[1]
    assert await visitor.look() == 1
    _, page = await visitor.get(path)
    assert "being looked at" not in page
    for seen in (
        "draft-cavage-12",
        f"{alice.id}#main-key",
        "which the signature covers",
        "in the object itself",
    ):
        assert seen in page
    assert page.count('class="sign passed" aria-hidden="true">✓</span>\n    valid') == 2
    assert "<script>alert" not in page
    async with visitor.session.get(f"{path}/deliveries/1", headers=HTML) as answer:
        assert json.loads(await answer.read()) == activity
        assert answer.headers["Content-Disposition"].startswith("attachment")
    assert (await visitor.get(f"{path}/deliveries/2"))[0] == 404


async def test_a_bug_in_looking_at_one_delivery_ends_nothing_and_is_not_met_again(visitor: Visitor) -> None:
    world, path = visitor.world, await visitor.make_inbox()
    good, bad = world.server("a.test"), world.server("b.test")
    world.server("issuer.test").serve("/actor", labs.actor())
    for server in (bad, good):
        alice = server.actor("/users/alice", "Person")
        activity = labs.create(labs.attestation(), server=server.name)
        assert await visitor.deliver(path, alice, activity) == 202
    bad.fault = ArithmeticError("a bug")
    assert await visitor.look() == 2
    _, page = await visitor.get(path)
    assert "being looked at" not in page
    assert "not-looked-at" in page
    assert "a bug" not in page
    assert page.count("draft-cavage-12") == 1
    assert await visitor.look() == 0


@pytest.mark.parametrize("target", ["me", PUBLIC])
async def test_a_follow_is_accepted_in_the_name_of_the_inbox(visitor: Visitor, target: str) -> None:
    world, path = visitor.world, await visitor.make_inbox()
    me = f"https://relay.test{path}"
    server = world.server("m.test")
    follow = {
        "id": server.url("/follows/1"),
        "type": "Follow",
        "actor": server.actor().id,
        "object": me if target == "me" else target,
    }
    async with visitor.session.get(path, headers={"Accept": ACTIVITY}) as answer:
        world.fediverse.relay_key = (await answer.json(content_type=None))["publicKey"]["publicKeyPem"]
    assert await visitor.deliver(path, server.actor(), follow) == 202
    world.fediverse.relay_key = (
        None  # the key of the actor is fetched in the relay's name, the Accept is not sent so
    )
    await visitor.look()
    [accept] = server.arrivals("Accept")
    assert (accept["actor"], accept["object"]["id"]) == (me, follow["id"])
    assert f'keyId="{me}#main-key"' in server.inbox[0].headers["signature"]
    assert "which answered 202" in (await visitor.get(path))[1]


async def test_a_follow_that_somebody_else_signed_or_that_is_about_others_is_not_accepted(
    visitor: Visitor,
) -> None:
    path = await visitor.make_inbox()
    server, other = visitor.world.server("m.test"), visitor.world.server("o.test")
    me = f"https://relay.test{path}"
    follow = {"id": server.url("/f"), "type": "Follow", "actor": server.actor().id, "object": me}
    await visitor.deliver(path, other.actor(), follow)
    await visitor.deliver(path, server.actor(), follow | {"object": "https://x.test/"})
    await visitor.deliver(path, server.actor(), follow | {"id": None})
    await visitor.look()
    assert server.arrivals() == other.arrivals() == []


async def test_an_accept_goes_nowhere_but_to_the_followers_own_server(visitor: Visitor) -> None:
    path = await visitor.make_inbox()
    server, victim = visitor.world.server("m.test"), visitor.world.server("victim.test")
    server.serve("/actor", server.actor().document() | {"inbox": "https://victim.test/inbox"})
    await visitor.deliver(path, server.actor(), follow_of(server.actor(), path))
    await visitor.look()
    assert "is on another server" in (await visitor.get(path))[1]
    assert victim.arrivals() == []


async def test_an_accept_that_does_not_arrive_is_told(visitor: Visitor) -> None:
    path = await visitor.make_inbox()
    server = visitor.world.server("m.test")
    await visitor.deliver(path, server.actor(), {"type": "Like", "id": server.url("/1")})
    await visitor.look()  # from now on its key and its actor are known
    server.fault = RemoteError("no route")
    await visitor.deliver(path, server.actor(), follow_of(server.actor(), path))
    await visitor.look()
    assert "could not be delivered: no route" in (await visitor.get(path))[1]


def follow_of(actor: FakeActor, path: str) -> dict[str, Any]:
    """A Follow of a temporary inbox."""
    me = f"https://relay.test{path}"
    return {"id": f"{actor.id}/follows/1", "type": "Follow", "actor": actor.id, "object": me}


async def test_why_a_signature_is_not_verified_is_told(visitor: Visitor) -> None:
    world, path = visitor.world, await visitor.make_inbox()
    server = world.server("a.test")
    alice = server.actor("/users/alice", "Person")
    url = f"https://relay.test{path}"
    note = {"type": "Create", "id": "https://a.test/1", "actor": alice.id}
    other = world.server("b.test").actor().key
    requests = [
        sign_request(other, alice.key_id, url, json.dumps(note).encode(), world.clock.now()),
        sign_request(alice.key, "https://gone.test/a#k", url, b"[1, 2]", world.clock.now()),
        sign_request(alice.key, alice.key_id, url, b"{not json", world.clock.now() - 86400),
    ]
    for request in requests:
        async with visitor.session.post(path, data=request.body, headers=dict(request.headers)) as answer:
            assert answer.status == 202
    async with visitor.session.post(path, data=b"\xff", headers={"Signature-Input": "x", "X-Odd": "\udcff"}):
        pass
    async with visitor.session.post(path, data=b"{}", headers={"Host": "relay.test"}) as answer:
        assert answer.status == 202
    assert await visitor.look() == 5
    _, page = await visitor.get(path)
    for code in ("bad-signature", "key-unavailable", "stale", "missing-signature"):
        assert f"<code>{code}</code>" in page
    assert "no activity" in page
    assert "is no document" in page
    assert "RFC 9421" in page


async def test_an_inbox_is_bounded_and_says_what_it_did_not_keep(visitor: Visitor) -> None:
    path = await visitor.make_inbox()
    for _ in range(MOST_DELIVERIES + 2):
        async with visitor.session.post(path, data=b"{}") as answer:
            assert answer.status == 202
    async with visitor.session.post(path, data=b" " * (LARGEST + 1)) as answer:
        assert answer.status == 413
    async with visitor.session.post(
        path, data=b"", headers={f"x-{n}": "y" * 4000 for n in range(5)}
    ) as answer:
        assert answer.status in {400, 413}
    await visitor.look()
    _, page = await visitor.get(path)
    assert page.count('class="delivery"') == MOST_DELIVERIES
    assert "2 more came and were not kept" in page


async def test_there_are_so_many_inboxes_and_they_end(worlds: Worlds) -> None:
    world = await worlds.open(
        "relay: {url: https://relay.test, data: data}\n"
        "lab: {inboxes: 2, inbox_life: 2 hours, rate: unlimited}\nattestation: {withhold: 0%}\n"
    )
    async with visiting(world) as visitor:
        first, second = await visitor.make_inbox(), await visitor.make_inbox()
        status, text = await visitor.post("/lab/inbox")
        assert (status, "in use" in text) == (503, True)
        async with visitor.session.post(first, data=b"{}") as answer:
            assert answer.status == 202
        world.clock.forward(2 * 3600)
        for path in (first, second):
            assert (await visitor.get(path))[0] == 404
            async with visitor.session.post(path, data=b"{}") as answer:
                assert answer.status == 404
        assert await visitor.look() == 1  # what waited is dropped with its inbox
        assert await visitor.look() == 0
        await world.relay.upkeep.run_once()
        third = await visitor.make_inbox()
        assert (await visitor.post(f"{third}/delete"))[0] == 200
        assert (await visitor.get(third))[0] == 404


async def test_a_lab_may_offer_neither_inboxes_nor_reports(worlds: Worlds) -> None:
    world = await worlds.open(
        "relay: {url: https://relay.test, data: data}\nlab: {inboxes: 0, reports: 0}\n"
        "attestation: {withhold: 0%}\n"
    )
    async with visiting(world) as visitor:
        for path in ("/lab/inbox", "/lab/report"):
            status, text = await visitor.get(path)
            assert (status, "<form" in text) == (200, False)
        assert (await visitor.post("/lab/inbox"))[0] == 403
        assert (await visitor.post("/lab/report", {"text": "{}"}))[0] == 403


async def test_what_came_is_a_report_in_every_format_that_can_be_kept(visitor: Visitor) -> None:
    path = await visitor.make_inbox()
    visitor.world.server("issuer.test").serve("/actor", labs.actor())
    server = visitor.world.server("a.test")
    alice = server.actor("/users/alice", "Person")
    await visitor.deliver(path, alice, labs.create(labs.attestation()))
    await visitor.deliver(path, alice, labs.create(labs.forged(), number=2))
    await visitor.deliver(path, alice, {"type": "Like", "id": "https://a.test/like", "actor": alice.id})
    await visitor.look()
    _, text = await visitor.get(f"{path}/report.json")
    found = json.loads(text)
    assert found["role"] == "document"
    failed = [one for one in found["results"] if one["outcome"] == "failed"]
    assert ("ATT-006", "delivery 2, object.attachment[0]") in {
        (one["case"], one["subject"]) for one in failed
    }
    assert ET.fromstring((await visitor.get(f"{path}/report.xml"))[1]) is not None  # noqa: S314 - ours
    assert (await visitor.get(f"{path}/report.tap"))[1].startswith("TAP")
    assert json.loads((await visitor.get(f"{path}/report.jsonld"))[1])
    assert (await visitor.get(f"{path}/report.md"))[1].startswith("# ")
    assert (await visitor.get(f"{path}/report.exe"))[0] == 404
    status, page = await visitor.post(f"{path}/keep")
    assert (status, "Seen by this lab" in page) == (200, True)
    assert (await visitor.get(f"{path}?live"))[1].count('http-equiv="refresh"') == 1


async def test_an_empty_inbox_has_an_empty_report(visitor: Visitor) -> None:
    path = await visitor.make_inbox()
    found = json.loads((await visitor.get(f"{path}/report.json"))[1])
    assert (found["results"], found["grade"]) == ([], "F")


# -------------------------------------------------------------------- reports


async def test_a_report_gets_an_address_every_format_and_a_badge(visitor: Visitor) -> None:
    status, page = await visitor.post("/lab/report", {"text": labs.report_of().decode()})
    assert status == 200
    assert "Made by its uploader" in page
    [address] = set(re.findall(r'src="(/lab/report/[0-9a-f]{32})/badge.svg"', page))
    for suffix in ("json", "xml", "tap", "jsonld", "md"):
        assert (await visitor.get(f"{address}.{suffix}"))[0] == 200
    assert (await visitor.get(f"{address}.exe"))[0] == 404
    async with visitor.session.get(f"{address}/badge.svg") as answer:
        assert answer.content_type == "image/svg+xml"
        assert "script" not in await answer.text()
    assert address not in (await visitor.get("/lab/report"))[1]


async def test_a_report_is_listed_only_when_its_sender_wants_that(visitor: Visitor) -> None:
    fields = {"text": labs.report_of(target="<b>mine</b>").decode(), "listed": "yes"}
    await visitor.post("/lab/report", fields)
    _, page = await visitor.get("/lab/report")
    assert "&lt;b&gt;mine&lt;/b&gt;" in page
    assert "made by its uploader" in page


async def test_a_report_comes_as_a_file_or_from_a_script(visitor: Visitor) -> None:
    form = aiohttp.FormData()
    form.add_field("file", labs.report_of(), filename="report.json", content_type="application/json")
    async with visitor.session.post("/lab/report", data=form, headers=HTML) as answer:
        assert (answer.status, "Made by its uploader" in await answer.text()) == (200, True)
    headers = {"Content-Type": "application/json", "Host": "relay.test"}
    async with visitor.session.post("/lab/report", data=labs.report_of(), headers=headers) as answer:
        assert answer.status == 201
        made = await answer.json()
        assert made["url"] == answer.headers["Location"]
    assert (await visitor.get(made["url"].removeprefix("https://relay.test")))[0] == 200
    async with visitor.session.post("/lab/report", data=b"{}", headers=headers) as answer:
        assert (answer.status, (await answer.json(content_type=None))["code"]) == (400, "bad-report")
    form = aiohttp.FormData()
    form.add_field("file", b"\xff\xfe", filename="report.json")
    async with visitor.session.post("/lab/report", data=form, headers=HTML) as answer:
        assert answer.status == 400


async def test_what_is_no_report_is_refused_beside_the_form(visitor: Visitor) -> None:
    for text in ("", "{}", "[]", "x", '{"version": 99}'):
        status, page = await visitor.post("/lab/report", {"text": text})
        assert (status, "not a report" in page) == (400, True)


async def test_what_a_report_says_of_its_grade_is_not_believed(visitor: Visitor) -> None:
    code = next(iter(CASES))
    text = labs.report_of(failed=(code,)).decode()
    _, page = await visitor.post("/lab/report", {"text": re.sub(r'"grade": "[B-F]"', '"grade": "A"', text)})
    assert "grade grade-A" not in page
    assert "&lt;b&gt;x&lt;/b&gt;" in page


async def test_reports_are_bounded_in_number_and_time(worlds: Worlds) -> None:
    world = await worlds.open(
        "relay: {url: https://relay.test, data: data}\n"
        "lab: {reports: 1, report_life: 1 day, rate: unlimited}\nattestation: {withhold: 0%}\n"
    )
    async with visiting(world) as visitor:
        fields = {"text": labs.report_of().decode(), "listed": "yes"}
        assert (await visitor.post("/lab/report", fields))[0] == 200
        assert (await visitor.post("/lab/report", fields))[0] == 503
        assert (await visitor.post("/lab/report", {"text": " " * (512 * 1024 + 1)}))[0] == 413
        world.clock.forward(86400)
        assert "None yet" in (await visitor.get("/lab/report"))[1]
        assert (await visitor.post("/lab/report", fields))[0] == 200


async def test_two_reports_are_compared(visitor: Visitor) -> None:
    code = next(iter(CASES))
    addresses = []
    for failed in ((code,), ()):
        async with visitor.session.post(
            "/lab/report",
            data=labs.report_of(failed=failed),
            headers={"Content-Type": "application/json", "Host": "relay.test"},
        ) as answer:
            addresses.append(answer.headers["Location"])
    token = addresses[1].rpartition("/")[2]
    _, page = await visitor.get(f"/lab/compare?a={addresses[0]}&b={token}")
    assert f"{code} " in page
    assert "<td>better</td>" in page
    assert "Nothing: both say the same" in (await visitor.get(f"/lab/compare?a={token}&b={token}.json"))[1]
    assert (await visitor.get(f"/lab/compare?a={token}"))[0] == 200
    assert (await visitor.get("/lab/compare?a=x&b=y"))[0] == 404
