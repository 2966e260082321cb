"""The stage of the lab: real sockets, the relay's own services on both ends."""

from __future__ import annotations

import json
import socket
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import aiohttp
import click
import pytest

from mediaattest import digest_of, unverified
from relay.cli.lab.stage import Part, StageOptions, on_stage
from relay.domain.scheme import Scheme
from relay.protocol.documents import AS2
from relay.services.lab.house import Served
from tests.flow.operators import at_a_prompt

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from relay.adapters.canonical.pool import CanonicalProcesses
    from relay.services.lab.stage import Stage


@asynccontextmanager
async def stage(canonicalizer: CanonicalProcesses, count: int = 2) -> AsyncIterator[Stage]:
    options = StageOptions(canonicalizer=canonicalizer, timeout=10.0)
    async with on_stage(options, "http://127.0.0.1", [Part()] * count) as opened:
        yield opened


def note(actor: str) -> dict[str, Any]:
    return {"@context": AS2, "id": f"{actor}/1", "type": "Create", "actor": actor, "object": f"{actor}/2"}


async def test_a_delivery_is_recorded_with_what_its_signature_says(canonicalizer: CanonicalProcesses) -> None:
    async with stage(canonicalizer) as world:
        here, there = world.houses
        actor, body = here.actors["/actor"], json.dumps(note(f"{here.url}/actor")).encode()
        for scheme in Scheme:
            letter = world.outgoing.letter(actor, f"{there.url}/inbox", body, scheme=scheme, beside='"a.b.c"')
            assert (await world.outgoing.post(letter)).status == 202
        assert await world.until(lambda: len(there.arrivals) == 2, 10)
        first, second = sorted(there.arrivals, key=lambda one: one.number)
        assert (first.scheme, second.scheme) == (Scheme.DRAFT, Scheme.RFC9421)
        for arrival in (first, second):
            assert arrival.body == body
            assert arrival.sender is not None
            assert arrival.sender.actor == actor.id
            assert "media-attestation" in arrival.covered
            assert arrival.values("media-attestation") == ['"a.b.c"']
        assert [one.number for one in there.came("Create")] == [1, 2]
        assert not list(there.came("Delete"))


async def test_bad_signatures_and_replays_are_told(canonicalizer: CanonicalProcesses) -> None:
    async with stage(canonicalizer) as world:
        here, there = world.houses
        actor, author = here.actors["/actor"], here.actors["/users/lab"]
        letter = world.outgoing.letter(actor, f"{there.url}/inbox", note(actor.id))
        await world.outgoing.post(letter)
        assert await world.until(lambda: len(there.arrivals) == 1, 10)
        await world.outgoing.post(letter)
        author.keys, kept = actor.keys, author.keys
        forged = world.outgoing.letter(author, f"{there.url}/inbox", note(author.id))
        author.keys = kept
        await world.outgoing.post(forged)
        await world.outgoing.send_unsigned(f"{there.url}/inbox", note(actor.id))
        assert await world.until(lambda: len(there.arrivals) == 4, 10)
        first, again, bad, none = sorted(there.arrivals, key=lambda one: one.number)
        assert first.sender is not None
        assert again.sender is not None
        assert (first.sender.replayed, again.sender.replayed) == (False, True)
        assert bad.problem is not None
        assert bad.problem.startswith("bad-signature")
        assert none.problem is not None
        assert none.problem.startswith("missing-signature")


async def test_a_follow_is_accepted(canonicalizer: CanonicalProcesses) -> None:
    async with stage(canonicalizer) as world:
        here, there = world.houses
        actor, followed = here.actors["/actor"], there.actors["/actor"]
        follow = {"@context": AS2, "id": f"{here.url}/f", "type": "Follow", "actor": actor.id}
        await world.outgoing.send(actor, followed.inbox, follow | {"object": followed.id})
        assert await world.until(lambda: bool(list(here.came("Accept"))), 10)
        [accept] = here.came("Accept")
        assert accept.activity is not None
        assert accept.activity.object_id == f"{here.url}/f"


async def test_conduct_of_inboxes_and_files(canonicalizer: CanonicalProcesses) -> None:
    async with stage(canonicalizer) as world, aiohttp.ClientSession() as session:
        here, there = world.houses
        there.conduct.refusals.extend([503, 404])
        actor, inbox = here.actors["/actor"], f"{there.url}/inbox"
        answers = [await world.outgoing.send(actor, inbox, note(actor.id)) for _ in range(3)]
        assert [one.status for one in answers] == [503, 404, 202]
        assert answers[0].retry_after == 1
        there.conduct.share = 1.0
        assert (await world.outgoing.send(actor, inbox, note(actor.id))).status == 503
        url = here.file("/media/1.jpg", "image/jpeg", b"one")
        here.files["/media/1.jpg"].others = (b"two",)
        found = []
        for _ in range(3):
            async with session.get(url) as response:
                found.append(await response.read())
                assert response.content_type == "image/jpeg"
        assert found == [b"one", b"two", b"two"]
        assert len(here.asked(url)) == 3
        here.files["/media/1.jpg"].location = "http://10.0.0.1/"
        async with session.get(url, allow_redirects=False) as response:
            assert (response.status, response.headers["Location"]) == (302, "http://10.0.0.1/")
        async with session.get(f"{here.url}/nothing") as response:
            assert response.status == 404
        here.files["/media/1.jpg"] = Served("image/jpeg", b"", status=410, delay=0.01)
        async with session.get(url) as response:
            assert response.status == 410
        here.files["/media/1.jpg"] = Served("image/jpeg", b"never sent", drop=True)
        with pytest.raises(aiohttp.ClientError):
            await session.get(url)
        async with session.put(url) as response:
            assert response.status == 405
        async with session.get(here.url, headers={"Host": "elsewhere.example"}) as response:
            assert response.status == 421


async def test_actors_are_found_and_attest(canonicalizer: CanonicalProcesses) -> None:
    async with stage(canonicalizer, 1) as world, aiohttp.ClientSession() as session:
        [here] = world.houses
        author = here.actors["/users/lab"]
        async with session.get(
            f"{here.url}/.well-known/webfinger", params={"resource": f"acct:lab@{here.host}"}
        ) as answer:
            found = await answer.json(content_type=None)
        assert [link["href"] for link in found["links"]] == [author.id]
        async with session.get(author.id) as answer:
            document = await answer.json(content_type=None)
        claim = unverified(author.attest(digest_of(b"x")))
        assert claim is not None
        assert [one["id"] for one in document["assertionMethod"]] == [claim.kid]
        assert document["test"] is True
        async with session.get(f"{here.url}/nodeinfo/2.0") as answer:
            assert (await answer.json(content_type=None))["software"]["name"] == "assay-lab"


# -------------------------------------------------------------------- where it listens, and under which names


async def names(canonicalizer: CanonicalProcesses, *urls: str, count: int = 3) -> list[str]:
    """The URLs of a stage that was told these."""
    options = StageOptions(urls=urls, canonicalizer=canonicalizer)
    async with on_stage(options, "https://relay.example", [Part()] * count) as opened:
        return [house.url for house in opened.houses]


async def test_urls_are_those_that_were_given(canonicalizer: CanonicalProcesses) -> None:
    given = ("https://a.example", "https://b.example:8443", "https://c.example")
    assert await names(canonicalizer, *given) == list(given)
    assert await names(canonicalizer, *given, count=2) == list(given[:2])


async def test_a_star_stands_for_a_name(canonicalizer: CanonicalProcesses) -> None:
    assert await names(canonicalizer, "https://*.lab.example") == [
        "https://one.lab.example",
        "https://two.lab.example",
        "https://three.lab.example",
    ]


@pytest.mark.parametrize(
    ("urls", "said"),
    [
        (("https://a.example", "https://b.example"), "needs 3 servers"),
        (("https://a.example", "https://a.example", "https://A.example:443"), "needs 3 servers"),
        (("https://a.example", "http://b.example", "https://c.example"), "all of them"),
    ],
)
async def test_urls_that_do_not_do(
    canonicalizer: CanonicalProcesses, urls: tuple[str, ...], said: str
) -> None:
    with pytest.raises(click.BadParameter, match=said):
        await names(canonicalizer, *urls)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--listen", "somewhere"), "HOST:PORT"),
        (("--listen", "127.0.0.1:99999"), "HOST:PORT"),
        (("--url", "lab.example"), "Write https://lab.example"),
        (("--allow-private", "10.0.0.1/8"), "10.0.0.0/8"),
        (("--tls-cert", "nothing.pem"), "nothing.pem"),
        (("--timeout", "0"), "0.1"),
    ],
)
def test_options_that_do_not_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], said: str
) -> None:
    operator = at_a_prompt(tmp_path, monkeypatch)
    assert said in operator.run("lab", "test", "carrier", "https://relay.example", *words, status=2).stderr


def test_a_port_that_is_taken_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        words = (
            "lab",
            "test",
            "carrier",
            "http://127.0.0.1",
            "--listen",
            f"127.0.0.1:{taken.getsockname()[1]}",
        )
        found = at_a_prompt(tmp_path, monkeypatch).fail(*words, status=69, code="port-taken")
    assert "cannot listen" in found["detail"]
