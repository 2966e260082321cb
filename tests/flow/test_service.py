"""Attesting for others: who is served, what is answered, once per file, and what survives a restart."""

from __future__ import annotations

import asyncio
import json
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

import pytest

from mediaattest import verify
from relay.adapters.media.canary import clean_picture
from relay.domain.errors import RemoteError
from relay.domain.submission import Submission
from relay.services.attesting import ATTEMPTS, LEASE
from relay.services.submissions import MOST, MOST_OF_ONE
from tests.fakes import sign_request
from tests.flow.conftest import BASE
from tests.flow.submitters import PATH, at_work, digest_of, serving, submitters
from tests.flow.test_screen import KNOWN, LOCAL, screened

if TYPE_CHECKING:
    from tests.flow.conftest import World, Worlds

pytestmark = pytest.mark.databases


async def test_a_file_is_answered_with_what_goes_into_the_post(worlds: Worlds) -> None:
    world, content = await serving(worlds), clean_picture(200)
    async with submitters(world, "a.test", patience=20) as [server], at_work(world):
        answer = await server.send(content)
    assert (answer.status, answer.headers["Content-Type"]) == (200, "application/json")
    assert set(answer.document) == {"hash", "attestation"}
    assert answer.document["hash"] == f"sha256:{digest_of(content)}"
    actor = json.loads(world.relay.actor)
    checked = verify(
        answer.document["attestation"],
        received=content,
        declared_hashes=(answer.document["hash"],),
        actors={actor["id"]: actor},
        trusted_issuers={actor["id"]},
        accepted_lists=None,
        now=int(world.clock.now()),
    )
    assert checked.valid, checked


async def test_an_answer_that_takes_longer_is_fetched_later(worlds: Worlds) -> None:
    world, content = await serving(worlds), clean_picture(201)
    async with submitters(world, "a.test", "b.test") as [server, other]:
        first = await server.send(content)
        assert (first.status, first.headers["Retry-After"], first.body) == (202, "5", b"")
        assert first.location.startswith(f"{PATH}/jobs/")
        assert (await server.ask(first.location)).status == 202
        assert (await other.ask(first.location)).status == 404
        assert (await server.ask(f"{PATH}/jobs/{'0' * 32}")).status == 404
        answer = await server.final(first)
        assert (answer.status, answer.document["hash"]) == (200, f"sha256:{digest_of(content)}")
        again = await other.send(content)
        assert (again.status, again.document) == (200, answer.document)
    assert world.relay.service.submissions.room.taken == 0


async def test_one_scan_for_a_hundred_submissions_of_one_file(worlds: Worlds) -> None:
    world, content = await serving(worlds), clean_picture(202)
    before = world.relay.decoder.stats.decoded
    async with (
        submitters(world, "a.test", "b.test", patience=20) as servers,
        at_work(world),
        asyncio.TaskGroup() as tasks,
    ):
        sent = [tasks.create_task(servers[number % 2].send(content)) for number in range(100)]
    answers = {task.result().shape for task in sent}
    assert {status for status, _, _ in answers} == {200}
    assert len(answers) == 1
    assert world.relay.decoder.stats.decoded - before == 1
    assert world.relay.service.submissions.room.taken == 0


async def test_the_same_file_has_the_same_address_until_it_is_answered(worlds: Worlds) -> None:
    world = await serving(worlds)
    async with submitters(world, "a.test") as [server]:
        for content in (clean_picture(203), KNOWN):
            first = await server.send(content)
            assert (await server.send(content)).location == first.location
            await world.relay.service.attesting.run_once()
            again = await server.send(content)
            assert again.status == 200 or again.location == first.location
        assert (await server.final(first)).status == 404
        assert (await server.send(KNOWN)).location != first.location


async def test_a_url_of_the_senders_own_server_is_fetched(worlds: Worlds) -> None:
    world, content = await serving(worlds), clean_picture(204)
    url = str(world.server("a.test").picture(content)["url"])
    async with submitters(world, "a.test", "b.test") as [server, other]:
        answer = await server.final(await server.send_url(url))
        assert answer.document["hash"] == f"sha256:{digest_of(content)}"
        foreign = await other.send_url(url)
        assert (foreign.status, foreign.document["code"]) == (403, "foreign-url")
        for wrong, code in (("http://a.test/x", "bad-url"), ("nonsense", "bad-url"), (7, "no-url")):
            refused = await server.send_url(wrong)
            assert (refused.status, refused.document["code"]) == (400, code)
        unread = await server.send(b"{", "application/json")
        assert unread.status == 400
        assert (await server.send(bytes(5000), "application/json")).status == 413


async def test_a_url_that_fails_for_now_is_tried_again(worlds: Worlds) -> None:
    world, content = await serving(worlds), clean_picture(205)
    media = world.server("a.test")
    url = str(media.picture(content)["url"])
    async with submitters(world, "a.test") as [server]:
        first = await server.send_url(url)
        media.fault = RemoteError("down")
        await world.relay.service.attesting.run_once()
        media.fault = None
        assert (await server.final(first)).status == 200


@pytest.mark.parametrize(
    ("extra", "name", "status", "code"),
    [
        ("", "stranger.test", 403, "not-served"),
        (", service: off", "a.test", 404, "service-off"),
        (", issue: false", "a.test", 404, "service-off"),
        (", service: listed", "a.test", 403, "not-served"),
        (", service: listed, service_for: ['*.friend.test']", "sub.friend.test", 202, None),
        (", service: listed, service_for: [a.test]", "b.test", 403, "not-served"),
    ],
)
async def test_who_is_served(worlds: Worlds, extra: str, name: str, status: int, code: str | None) -> None:
    world = await serving(worlds, extra)
    async with submitters(world, name) as [server]:
        answer = await server.send(clean_picture(206))
    assert answer.status == status
    if code is not None:
        assert answer.document["code"] == code


async def test_without_a_list_that_may_be_attested_nothing_is_offered(worlds: Worlds) -> None:
    world = await screened(worlds, BASE)
    async with submitters(world, "a.test") as [server]:
        assert (await server.send(clean_picture(207))).status == 404


async def test_what_is_over_the_quota_waits_and_more_is_refused(worlds: Worlds) -> None:
    pictures = [clean_picture(number) for number in range(208, 212)]
    largest = max(map(len, pictures))
    rate = max(1, sum(map(len, pictures[:3])) // 1000)  # three files take longer than anything may wait
    limits = f"media: {{max_size: {largest} bytes}}\n"
    world = await serving(worlds, f", service_quota: {rate} bytes", limits)
    service = world.relay.service
    async with submitters(world, "a.test", "b.test") as [server, other]:
        first, second = [await server.send(content) for content in pictures[:2]]
        assert await service.attesting.run_once() == 1  # at once: as much as the largest file
        assert (await server.ask(first.location)).status == 200
        assert (await server.ask(second.location)).status == 202
        assert (await server.send(pictures[2])).status == 202
        refused = await server.send(pictures[3])
        assert (refused.status, int(refused.headers["Retry-After"]) > 0) == (429, True)
        assert (await other.send(pictures[2])).status == 202  # others are not concerned
        world.clock.forward(len(pictures[1]) / rate + 1)
        await service.attesting.run_once()
        assert (await server.ask(second.location)).status == 200


async def test_room_is_taken_before_the_file_is_read(worlds: Worlds) -> None:
    world, content = await serving(worlds, "", "media: {max_size: 64 KiB}\n"), clean_picture(213)
    room = world.relay.service.submissions.room
    async with submitters(world, "a.test", "b.test") as [server, other]:
        with room.take("a.test", 2 * 64 * 1024):
            own = await server.send(content)
            assert (own.status, own.headers["Retry-After"]) == (429, "20")
            assert (await other.send(content)).status == 202
            with room.take("c.test", 6 * 64 * 1024 - room.taken):
                full = await other.send(clean_picture(214))
                assert (full.status, full.headers["Retry-After"]) == (503, "20")
        assert (await server.send(content)).status == 202


async def test_a_restart_continues_with_urls_and_forgets_files(worlds: Worlds) -> None:
    contents = [clean_picture(number) for number in range(215, 218)]
    async with AsyncExitStack() as stack:
        rows = f"algorithm,value,category,source,note\nsha256,{'a' * 64},,,\n"
        (worlds.folder / "local.csv").write_text(rows)
        before = await worlds.open(BASE + LOCAL, stack=stack)
        await before.subscribe("a.test")
        url = str(before.server("a.test").picture(contents[0])["url"])
        async with submitters(before, "a.test") as [server]:
            by_url = await server.send_url(url)
            gone, returned = [await server.send(content) for content in contents[1:]]
    world = await worlds.open(BASE + LOCAL)
    async with submitters(world, "a.test") as [server]:
        await world.relay.service.attesting.run_once()
        assert (await server.ask(by_url.location)).status == 200
        assert (await server.ask(gone.location)).status == 202
        assert (await server.send(contents[2])).location == returned.location
        assert (await server.final(returned)).status == 200
        assert (await server.final(gone)).status == 404
        assert (await server.final(await server.send(contents[1]))).status == 200


async def test_row_18_and_19_the_signature_covers_the_file(worlds: Worlds) -> None:
    world, content = await serving(worlds), clean_picture(218)
    async with submitters(world, "a.test") as [server]:
        other = await server.send(content, instead=content[:-1] + b"x")
        assert (other.status, other.document["code"]) == (401, "digest-mismatch")
        uncovered = await server.send(content, sign={"covered": "(request-target) host date"})
        assert (uncovered.status, uncovered.document["code"]) == (401, "digest-not-covered")
        md5 = await server.send(content, headers={"digest": "MD5=1B2M2Y8AsgTpgAmY7PhCfg=="})
        assert md5.status == 401
        unsigned = await server.send(content, headers={"signature": ""})
        assert unsigned.status in {400, 401}
    assert world.relay.service.submissions.room.taken == 0


async def test_row_21_and_23_old_and_misdirected_signatures(worlds: Worlds) -> None:
    world, content = await serving(worlds), clean_picture(219)
    async with submitters(world, "a.test") as [server]:
        first = await server.send(content)
        actor, now = world.server("a.test").actor(), world.clock.now()
        for url, at in ((first.location, now - 7200), (first.location, now + 7200), ("/inbox", now)):
            request = sign_request(actor.key, actor.key_id, f"https://relay.test{url}", b"", at, method="GET")
            async with server.session.get(first.location, headers=dict(request.headers)) as answer:
                assert answer.status == 401


async def test_what_is_no_media_is_refused_by_its_type(worlds: Worlds) -> None:
    world = await serving(worlds)
    async with submitters(world, "a.test") as [server]:
        for kind in ("text/html", "application/activity+json", "image/"):
            answer = await server.send(b"x", kind)
            assert (answer.status, answer.document["code"]) == (400, "bad-content-type")


async def test_a_file_without_a_length_is_taken(worlds: Worlds) -> None:
    world, content = await serving(worlds), clean_picture(220)
    async with submitters(world, "a.test") as [server]:
        assert (await server.final(await server.send(content, chunked=True))).status == 200
    assert world.relay.service.submissions.room.taken == 0


async def fill(world: World, server: str, number: int) -> None:
    """Let submissions of a server wait that nobody works on."""
    now = world.clock.now()
    async with world.relay.office.store.transaction() as tx:
        for each in range(number):
            name = f"{server}-{each}"
            actor = f"https://{server}/alice"
            await tx.submissions.add(
                Submission(name, server, actor, name, None, f"https://{server}/{each}", now, now + 1e6, 12.0)
            )


async def test_row_38_submissions_that_wait_are_bounded_by_server_and_in_all(worlds: Worlds) -> None:
    world, content = await serving(worlds), clean_picture(221)
    async with submitters(world, "a.test", "b.test") as [server, other]:
        await fill(world, "a.test", MOST_OF_ONE)
        own = await server.send(content)
        assert (own.status, own.headers["Retry-After"]) == (429, "20")
        assert (await other.send(content)).status == 202
        await fill(world, "c.test", MOST - MOST_OF_ONE)
        full = await other.send(clean_picture(222))
        assert (full.status, full.headers["Retry-After"]) == (503, "20")


async def test_a_submission_that_kills_its_worker_ends_after_some_attempts(worlds: Worlds) -> None:
    world, content = await serving(worlds), clean_picture(223)
    store = world.relay.office.store
    async with submitters(world, "a.test") as [server]:
        first = await server.send(content)
        for _ in range(ATTEMPTS):  # taken, and never heard of again
            async with store.transaction() as tx:
                now = world.clock.now()
                held = world.relay.service.submissions.room.names
                taken = await tx.submissions.claim(now=now, until=now + 60, most=9, held=held, grace=0.0)
                assert len(taken) == 1
            world.clock.forward(61)
        assert (await server.final(first)).status == 404
        assert world.relay.service.submissions.room.taken == 0
        assert (await server.final(await server.send(content))).status == 200


class FaultyScanner:
    """A scanner with a bug: it raises, which no scanner may."""

    name = "faulty"
    attests = True

    def __init__(self) -> None:
        self.asked = asyncio.Event()

    @property
    def version(self) -> str:
        return "1"

    async def scan(self, digests: object, decoded: object, content: object = None) -> Any:
        self.asked.set()
        raise ZeroDivisionError


async def test_a_bug_stops_neither_the_worker_nor_the_submission(worlds: Worlds) -> None:
    world, content = await serving(worlds), clean_picture(224)
    scanners, faulty = world.relay.inspector.scanners, FaultyScanner()
    async with submitters(world, "a.test", patience=20) as [server], at_work(world):
        world.relay.inspector.scanners = (faulty,)
        async with asyncio.TaskGroup() as tasks:
            sent = tasks.create_task(server.send(content))
            await faulty.asked.wait()
            world.relay.inspector.scanners = scanners
            world.clock.forward(LEASE + 1)
    assert sent.result().status == 200
