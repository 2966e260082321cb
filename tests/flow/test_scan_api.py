"""Media servers that have files checked: pict-rs and its relatives, and Pleroma's policy, over real HTTP."""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

from relay.adapters.media.canary import canary_pictures, clean_picture, photograph
from relay.adapters.media.samples import clip
from relay.cli.serving import admin_app, listening, public_app
from relay.config.load import InvalidConfiguration, load
from relay.domain.errors import RemoteError
from relay.domain.hashlist import HashAlgorithm, ListEntry
from relay.domain.hashsubmission import About, entries_of
from relay.services import filechecks
from tests.flow.conftest import BASE
from tests.flow.submitters import chunks, digest_of
from tests.flow.test_screen import KNOWN, LOCAL, screened

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.flow.conftest import World, Worlds

LEMMY = "lemmy-0123456789-abcdef"
AKKOMA = "akkoma-0123456789-abcde"
CLIENTS = f"[{{name: lemmy, token: {LEMMY}}}, {{name: akkoma, token: {AKKOMA}}}]"
PLACE = f"/api/v1/scan/lemmy?token={LEMMY}"


@dataclass
class Media:
    """A relay that checks files, and a connection to it."""

    world: World
    session: aiohttp.ClientSession

    async def send(self, content: bytes, kind: str = "image/png", place: str = PLACE, **more: Any) -> int:
        """Ask about a file as pict-rs does: in pieces, and without saying how much it is."""
        headers = {"Content-Type": kind} | more.pop("headers", {})
        async with self.session.post(place, data=chunks(content), headers=headers) as answer:
            self.answer = await answer.read()
            return answer.status

    async def score(self, url: str, place: str = f"/api/v1/nsfw/{AKKOMA}/") -> tuple[int, dict[str, Any]]:
        """Ask about an address as the policy of Pleroma does: the address as it is, behind `?url=`."""
        from yarl import URL

        asked = URL(f"{self.session._base_url}".rstrip("/") + f"{place}?url={url}", encoded=True)
        async with aiohttp.ClientSession() as session, session.get(asked) as answer:
            return answer.status, await answer.json(content_type=None)

    @property
    def counts(self) -> dict[str, int]:
        return {
            label: count
            for (name, label), count in self.world.relay.tally.counts.items()
            if name == "scan_api"
        }


@asynccontextmanager
async def asked(worlds: Worlds, rules: str = "", media: str = "") -> AsyncIterator[Media]:
    config = f"{BASE}{LOCAL}{media}scan_api: {{clients: {CLIENTS}{rules}}}\n"
    world = await screened(worlds, config)
    async with (
        listening(public_app(world.relay), "127.0.0.1", 0) as port,
        aiohttp.ClientSession(f"http://127.0.0.1:{port}", connector=aiohttp.TCPConnector(limit=0)) as session,
    ):
        yield Media(world, session)


async def test_a_clean_file_is_taken_and_one_on_a_list_is_not(worlds: Worlds) -> None:
    async with asked(worlds) as media:
        assert await media.send(clean_picture(700)) == 200
        assert json.loads(media.answer) == {"accepted": True}
        assert await media.send(KNOWN) == 406
        refused = media.answer
        assert await media.send(canary_pictures()["canary.png"]) == 406  # so that operators can try it
        assert await media.send(b"no picture at all", "image/jpeg") == 406
        assert media.answer == refused  # one form of no
        assert await media.send(clip([photograph("a"), photograph("b")]), "video/mp4") == 200
        assert media.counts == {"lemmy:clean": 2, "lemmy:match": 2, "lemmy:unknown": 1}


async def test_hashes_that_nobody_reviewed_are_no_match(worlds: Worlds) -> None:
    handed_in = '  - {name: own, kind: submitted, category: ncii, purpose: "a test", country: any}\n'
    content = clean_picture(710)
    entries = [ListEntry(HashAlgorithm.SHA256, digest_of(content), "")]
    async with asked(worlds, media=handed_in) as media:
        await media.world.relay.office.lists.add(
            "own", "t", entries_of(About.ADULT, entries, accepted=False), who="me"
        )
        await media.world.relay.watch.run_once()
        assert await media.send(content) == 406
        assert media.counts == {"lemmy:unknown": 1}
        assert await media.world.relay.office.findings.all() == []


async def test_a_form_with_the_file_is_taken_too(worlds: Worlds) -> None:
    async with asked(worlds) as media:
        for content, status in ((clean_picture(701), 200), (KNOWN, 406)):
            form = aiohttp.FormData()
            form.add_field("note", "not the file")
            form.add_field("file", content, filename="../../cat.png", content_type="image/png")
            async with media.session.post(PLACE, data=form) as answer:
                assert answer.status == status
        form = aiohttp.FormData()
        form.add_field("other", KNOWN, filename="cat.png")
        async with media.session.post(PLACE, data=form) as answer:
            assert (answer.status, (await answer.json(content_type=None))["code"]) == (400, "no-file")
        broken = {"Content-Type": "multipart/form-data"}
        async with media.session.post(PLACE, data=b"nonsense", headers=broken) as answer:
            assert (answer.status, (await answer.json(content_type=None))["code"]) == (400, "bad-form")


async def test_only_a_server_with_a_token_is_answered(worlds: Worlds) -> None:
    async with asked(worlds) as media:
        content = clean_picture(702)
        bearer = {"headers": {"Authorization": f"Bearer {LEMMY}"}}
        assert await media.send(content, place="/api/v1/scan/anything", **bearer) == 200
        assert await media.send(content, place=f"/api/v1/scan/{LEMMY}") == 200
        for wrong in (
            "/api/v1/scan/lemmy",
            f"/api/v1/scan/127.0.0.1?token={LEMMY}x",
            "/api/v1/scan/x?token=",
        ):
            # Neither a private address nor what a proxy says makes anybody trusted.
            local = {"headers": {"X-Forwarded-For": "10.0.0.1", "Authorization": "Bearer é"}}
            assert await media.send(content, place=wrong, **local) == 401
        assert await media.send(content, place="/api/v1/scan/x", headers={"Authorization": LEMMY}) == 401
        assert (await media.score("https://a.test/x.png", "/api/v1/nsfw"))[0] == 401
        assert (await media.score("https://a.test/x.png", "/api/v1/nsfw/"))[0] == 401
        assert media.counts == {"lemmy:clean": 2, "unauthorized": 6}


async def test_without_clients_there_is_nothing(worlds: Worlds) -> None:
    world = await screened(worlds)
    async with (
        listening(public_app(world.relay), "127.0.0.1", 0) as port,
        aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session,
    ):
        for method, path in (("POST", "/api/v1/scan/x"), ("GET", "/api/v1/scan/x"), ("GET", "/api/v1/nsfw")):
            async with session.request(method, path) as answer:
                assert answer.status == 404


async def test_nothing_but_a_post_is_ever_answered_yes(worlds: Worlds) -> None:
    """A redirect from http to https makes a GET of a POST: that must not let a file in unseen."""
    async with asked(worlds) as media:
        for method in ("GET", "HEAD", "PUT"):
            async with media.session.request(method, PLACE) as answer:
                assert answer.status == 405
                assert method == "PUT" or answer.headers["Allow"] == "POST"
        async with media.session.get("/api/v1/scan/lemmy") as answer:
            assert answer.status == 401
        async with media.session.get(PLACE) as answer:
            assert "by POST" in (await answer.json(content_type=None))["detail"]


@pytest.mark.parametrize(("rule", "status"), [("", 406), (", on_unknown: accept", 200)])
async def test_what_cannot_be_checked_is_answered_as_the_operator_said(
    worlds: Worlds, rule: str, status: int
) -> None:
    async with asked(worlds, f"{rule}, max_size: 64 KiB") as media:
        assert await media.send(b"nothing that is decoded") == status
        assert await media.send(b"") == status
        large = clean_picture(703) + bytes(300_000)
        assert await media.send(large) == status  # in pieces
        async with media.session.post(PLACE, data=large) as answer:  # and announced
            assert answer.status == status
        form = aiohttp.FormData()
        form.add_field("file", large, filename="cat.png")
        async with media.session.post(PLACE, data=form) as answer:
            assert answer.status == status
        assert await media.send(KNOWN) == 406  # what is known is never taken
        assert media.counts == {"lemmy:unknown": 5, "lemmy:match": 1}


async def test_a_scanner_that_fails_is_never_read_as_clean(worlds: Worlds) -> None:
    service = (
        "  - {name: bank, kind: hma, url: 'http://127.0.0.1:9', country: any, purpose: a test}\n"
        "federation: {allow_http: true, private_addresses: [127.0.0.0/8]}\n"
    )
    base = BASE.replace("federation: {subscriptions: open}\n", "")
    config = f"{base}{LOCAL}{service}scan_api: {{clients: {CLIENTS}}}\n".replace(
        "{allow_http", "{subscriptions: open, allow_http"
    )
    world = await screened(worlds, config)
    async with (
        listening(public_app(world.relay), "127.0.0.1", 0) as port,
        aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session,
    ):
        media = Media(world, session)
        assert await media.send(clean_picture(704)) == 406
        assert await media.send(KNOWN) == 406
        assert media.counts == {"lemmy:unknown": 1, "lemmy:match": 1}


@pytest.mark.parametrize(("rule", "status"), [("", 406), (", on_unknown: accept", 200)])
async def test_a_file_that_takes_too_long_is_answered_in_time(worlds: Worlds, rule: str, status: int) -> None:
    async with asked(worlds, f"{rule}, time_limit: 0.3 seconds") as media:
        release = asyncio.Event()

        async def drip() -> AsyncIterator[bytes]:
            yield KNOWN[:100]
            await release.wait()

        async with media.session.post(PLACE, data=drip()) as answer:
            assert answer.status == status
            release.set()
        assert media.counts == {"lemmy:unknown": 1}
        assert await media.send(KNOWN) == 406  # the place is free again


async def endless(begun: asyncio.Semaphore, release: asyncio.Event) -> AsyncIterator[bytes]:
    """A file that never ends by itself."""
    yield b"x"
    begun.release()
    await release.wait()


async def test_many_at_once_wait_before_they_are_read_and_one_file_is_scanned_once(worlds: Worlds) -> None:
    async with asked(worlds) as media:
        decoded = media.world.relay.decoder.stats.decoded
        content = clean_picture(705)
        async with asyncio.TaskGroup() as tasks:
            answers = [tasks.create_task(media.send(content)) for _ in range(40)]
        assert {task.result() for task in answers} == {200}
        assert media.world.relay.decoder.stats.decoded - decoded == 1


async def test_whoever_is_one_too_many_is_told_at_once_that_nothing_is_known(worlds: Worlds) -> None:
    async with asked(worlds, ", time_limit: 20 seconds") as media, AsyncExitStack() as stack:
        release, begun = asyncio.Event(), asyncio.Semaphore(0)
        tasks = await stack.enter_async_context(asyncio.TaskGroup())
        sent = [
            tasks.create_task(media.session.post(PLACE, data=endless(begun, release)))
            for _ in range(filechecks.WAITING)
        ]
        for _ in sent:
            await begun.acquire()
        assert await media.send(clean_picture(706)) == 406
        assert await media.send(clean_picture(706), headers={"Authorization": f"Bearer {AKKOMA}"}) == 406
        release.set()
        for task in sent:
            (await task).release()
        assert media.counts == {"lemmy:unknown": filechecks.WAITING + 1, "akkoma:unknown": 1}


async def test_one_server_cannot_keep_another_from_being_answered(worlds: Worlds) -> None:
    async with asked(worlds, ", time_limit: 20 seconds") as media, AsyncExitStack() as stack:
        release, begun = asyncio.Event(), asyncio.Semaphore(0)
        tasks = await stack.enter_async_context(asyncio.TaskGroup())
        sent = [tasks.create_task(media.session.post(PLACE, data=endless(begun, release))) for _ in range(20)]
        for _ in sent:
            await begun.acquire()
        other = f"/api/v1/scan/{AKKOMA}"
        assert await media.send(clean_picture(707), place=other) == 200
        release.set()
        for task in sent:
            (await task).release()


async def test_questions_of_one_server_are_limited_and_counted(worlds: Worlds) -> None:
    """Whoever has a token can try out what matches: not often, and not unseen."""
    async with asked(worlds, ", rate: 3 per minute") as media:
        answers = [await media.send(KNOWN) for _ in range(4)]
        assert answers == [406, 406, 406, 429]
        assert await media.send(KNOWN, place=f"/api/v1/scan/{AKKOMA}") == 406
        [one, other] = await media.world.relay.office.findings.all()
        assert {(found.server, found.times) for found in (one, other)} == {("lemmy", 3), ("akkoma", 1)}
        assert (one.actor, one.digest, one.reason) == ("scan-api", digest_of(KNOWN), "known-match")
        media.world.clock.forward(60)
        assert await media.send(KNOWN) == 406


async def test_what_is_kept_of_a_file_is_facts(worlds: Worlds) -> None:
    content = clean_picture(708)
    async with asked(worlds) as media:
        assert await media.send(content) == 200
        assert await media.send(KNOWN) == 406
    for path in worlds.folder.rglob("*"):
        if path.is_file() and path.name != "local.csv":
            held = path.read_bytes()
            assert content[100:400] not in held
            assert KNOWN[100:400] not in held


async def test_counts_are_on_the_metrics_page_and_tokens_are_nowhere(
    worlds: Worlds, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with asked(worlds) as media:
        assert await media.send(KNOWN) == 406
        async with (
            listening(admin_app(media.world.relay), "127.0.0.1", 0) as port,
            aiohttp.ClientSession() as session,
            session.get(f"http://127.0.0.1:{port}/metrics") as answer,
        ):
            page = await answer.text()
        assert 'assay_scan_api_total{outcome="lemmy:match"} 1.0' in page
        await media.world.relay.office.store._reader.close()  # the relay makes a mistake
        assert await media.send(clean_picture(709), place=f"/api/v1/scan/{LEMMY}") == 500
        assert "POST /api/v1/scan/{id} failed" in caplog.text
        rules = media.world.relay.office.settings.scan_api
        assert LEMMY not in caplog.text + page + repr(rules) + media.answer.decode()


# -------------------------------------------------------------------- Pleroma


async def test_the_policy_of_pleroma_gets_a_score(worlds: Worlds) -> None:
    async with asked(worlds) as media:
        server = media.world.server("files.test")
        server.serve("/media/known.png", KNOWN, "image/png")
        server.serve("/media/cat%20one.png?name=a&b=%2F", clean_picture(710), "image/png")
        status, told = await media.score("https://files.test/media/known.png")
        assert (status, told["score"]) == (200, 1.0)
        url = "https://files.test/media/cat%20one.png?name=a&b=%2F"
        assert await media.score(url) == (200, {"score": 0.0, "url": url})
        # Others encode it, as a form would.
        assert (await media.score("https%3A%2F%2Ffiles.test%2Fmedia%2Fknown.png"))[1]["score"] == 1.0
        assert media.counts == {"akkoma:match": 2, "akkoma:clean": 1}
        [found] = await media.world.relay.office.findings.all()
        assert (found.server, found.digest) == ("akkoma", hashlib.sha256(KNOWN).hexdigest())


async def test_what_could_not_be_checked_has_no_score(worlds: Worlds) -> None:
    """The policy takes that for harmless, whatever the status: see docs/scan.md."""
    async with asked(worlds) as media:
        server = media.world.server("files.test")
        server.serve("/media/a.txt", b"words", "text/plain")
        down = media.world.server("down.test")
        down.fault = RemoteError("down")
        for url in (
            "https://files.test/media/a.txt",
            "https://down.test/x.png",
            "nonsense",
            "file:///etc/hosts",
        ):
            status, told = await media.score(url)
            assert (status, told["code"]) == (502, "not-checked")
            assert "score" not in told
        status, told = await media.score("", f"/api/v1/nsfw/{AKKOMA}")
        assert (status, told["code"]) == (400, "no-url")
        assert media.counts == {"akkoma:unknown": 4}


def problem_in(worlds: Worlds, text: str) -> str:
    path = worlds.folder / "wrong.yaml"
    path.write_text(text)
    with pytest.raises(InvalidConfiguration) as error:
        load(path, {}, 0).require()
    return str(error.value)


async def test_clients_differ_and_tokens_are_long_enough(worlds: Worlds) -> None:
    one, two = f"{{name: a, token: {LEMMY}}}", f"{{name: a, token: {AKKOMA}}}"
    assert "two clients have one name" in problem_in(worlds, f"scan_api: {{clients: [{one}, {two}]}}\n")
    same = f"{{name: b, token: {LEMMY}}}"
    told = problem_in(worlds, f"scan_api: {{clients: [{one}, {same}]}}\n")
    assert "two clients have one token" in told
    assert LEMMY not in told.replace(one, "").replace(same, "")
    assert "token" in problem_in(worlds, "scan_api: {clients: [{name: a, token: short}]}\n")
