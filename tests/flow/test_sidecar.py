"""The example in examples/sidecar: a small server whose pictures are attested before its posts are signed."""

from __future__ import annotations

import asyncio
import json
import re
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

from examples.sidecar.__main__ import arguments, make
from examples.sidecar.hook import Office, Sidecar
from examples.sidecar.server import ACTIVITY, Server
from examples.sidecar.signing import Signer
from mediaattest import digest_of, parse_header, verify
from relay.adapters.media.canary import clean_picture
from relay.cli.serving import listening, public_app
from tests.fakes import private_pem, rsa_key
from tests.flow.submitters import at_work, serving
from tests.flow.test_screen import KNOWN

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.flow.conftest import World, Worlds

SMALL = "https://small.test"


@dataclass
class Scene:
    """The relay at work, the server, and its sidecar."""

    world: World
    server: Server
    sidecar: Sidecar

    async def publish(self, picture: bytes, name: str = "cat.png") -> dict[str, Any]:
        """Let the server publish a picture, and the fake fediverse see what the server serves."""
        fake = self.world.server("small.test")
        fake.serve(f"/media/{name}", picture, "image/png")
        create = await self.server.publish("A cat.", picture, name)
        fake.serve(
            create["object"]["id"].removeprefix(SMALL),
            self.server.documents[f"/notes/{len(self.server.documents)}"],
        )
        await self.world.settle()
        return create


@asynccontextmanager
async def opened(worlds: Worlds, tmp_path: Path) -> AsyncIterator[Scene]:
    """Everything at work: relay, server, sidecar."""
    world = await serving(worlds)
    await world.subscribe("small.test")
    actor = world.server("small.test").actor()
    signer = Signer.load(actor.key_id, private_pem(actor.key), world.clock.now)
    media = tmp_path / "media"
    media.mkdir()

    async def sleep(seconds: float) -> None:
        await world.clock.sleep(seconds)
        await asyncio.sleep(0.02)  # noqa: TID251 - the relay works on real files meanwhile

    async with AsyncExitStack() as stack:
        port = await stack.enter_async_context(listening(public_app(world.relay), "127.0.0.1", 0))
        await stack.enter_async_context(at_work(world))
        session = await stack.enter_async_context(aiohttp.ClientSession())
        relay = f"http://127.0.0.1:{port}"
        office = Office("https://relay.test", session, signer, connect=relay, sleep=sleep)
        sidecar = Sidecar(office, {f"{SMALL}/media/": media})
        beside = await stack.enter_async_context(listening(sidecar.app(), "127.0.0.1", 0))
        recipients = {"https://relay.test/inbox": f"{relay}/inbox"}
        server = Server(SMALL, media, signer, session, f"http://127.0.0.1:{beside}/", recipients)
        yield Scene(world, server, sidecar)


async def test_a_post_is_attested_before_it_is_signed_and_sent(worlds: Worlds, tmp_path: Path) -> None:
    async with opened(worlds, tmp_path) as scene:
        content = clean_picture(340)
        create = await scene.publish(content)
        [image] = create["object"]["attachment"]
        relay = json.loads(scene.world.relay.actor)
        verified = verify(
            image["attestation"],
            received=content,
            declared_hashes=(image["hash"],),
            actors={relay["id"]: relay},
            trusted_issuers={relay["id"]},
            accepted_lists=None,
            now=int(scene.world.clock.now()),
        )
        assert (verified.verdict, image["hash"]) == ("valid", digest_of(content))
        assert {"hash", "attestation"} <= create["@context"][-1].keys()
        [received] = scene.world.server("b.test").inbox
        assert received.activity["object"] == create["object"]["id"]
        assert parse_header(received.headers["media-attestation"])


async def test_what_the_server_serves_is_what_it_sent(worlds: Worlds, tmp_path: Path) -> None:
    async with opened(worlds, tmp_path) as scene:
        create = await scene.publish(clean_picture(341))
        async with (
            listening(scene.server.app(), "127.0.0.1", 0) as port,
            aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session,
        ):
            async with session.get("/notes/1") as answer:
                assert answer.content_type == ACTIVITY
                served = await answer.json()
            async with session.get("/media/cat.png") as answer:
                assert digest_of(await answer.read()) == create["object"]["attachment"][0]["hash"]
            async with session.get("/notes/2") as answer:
                assert answer.status == 404
        assert served == {"@context": create["@context"], **create["object"]}


async def test_a_picture_on_a_list_gets_no_properties_and_the_relay_holds_the_post(
    worlds: Worlds, tmp_path: Path
) -> None:
    async with opened(worlds, tmp_path) as scene:
        create = await scene.publish(KNOWN)
        assert set(create["object"]["attachment"][0]) == {"type", "mediaType", "url"}
        assert create["@context"] == "https://www.w3.org/ns/activitystreams"
        assert (await scene.world.why(create["object"]["id"]))["state"] == "held"


async def test_without_sidecar_or_relay_the_post_goes_out_as_it_is(worlds: Worlds, tmp_path: Path) -> None:
    async with opened(worlds, tmp_path) as scene:
        content = clean_picture(342)
        down = Office(
            "https://relay.test", scene.server.session, scene.server.signer, connect="http://127.0.0.1:1"
        )
        assert await down.ask(content, "image/png") is None
        stranger = Signer(f"{SMALL}/nobody#key", scene.server.signer.key, scene.world.clock.now)
        office = scene.sidecar.office
        assert (
            await Office(office.url, office.session, stranger, office.connect).ask(content, "image/png")
            is None
        )
        scene.server.sidecar = "http://127.0.0.1:1/"
        create = await scene.publish(content)
        assert "hash" not in create["object"]["attachment"][0]
        assert (await scene.world.why(create["object"]["id"]))["state"] == "published"


async def test_files_of_others_and_outside_the_folder_are_left_alone(worlds: Worlds, tmp_path: Path) -> None:
    async with opened(worlds, tmp_path) as scene:
        (tmp_path / "secret.png").write_bytes(clean_picture(343))
        (tmp_path / "media/own.png").write_bytes(clean_picture(344))
        file = scene.sidecar.file
        assert file(f"{SMALL}/media/own.png") == (tmp_path / "media/own.png").resolve()
        for url in (
            "https://other.test/media/own.png",
            f"{SMALL}/media/../secret.png",
            f"{SMALL}/media/%2e%2e/secret.png",
            f"{SMALL}/media/{tmp_path}/secret.png",
            f"{SMALL}/media/",
            f"{SMALL}/media/none.png",
            None,
            5,
        ):
            assert file(url) is None, url


async def test_media_are_found_where_posts_have_them(worlds: Worlds, tmp_path: Path) -> None:
    async with opened(worlds, tmp_path) as scene:
        (tmp_path / "media/own.png").write_bytes(clean_picture(345))
        medium = {"type": "Image", "mediaType": "image/png", "url": f"{SMALL}/media/own.png"}
        for document in (
            dict(medium),
            {"type": "Note", "attachment": dict(medium)},
            {"type": "Article", "image": [dict(medium)], "attachment": [{"type": "PropertyValue"}, "x"]},
            {"type": "Update", "object": {"type": "Note", "icon": dict(medium)}},
            {"type": "Note", "attachment": medium | {"url": [{"type": "Link", "href": medium["url"]}]}},
            {"type": "Note", "attachment": medium | {"url": {"type": "Link", "href": medium["url"]}}},
        ):
            found = await scene.sidecar.attest(document)
            assert json.dumps(found).count("data:application/jwt,") == 1, document
        attested = {**medium, "attestation": "data:application/jwt,a.b.c"}
        assert await scene.sidecar.attest(dict(attested)) == attested


@pytest.mark.parametrize("body", [b"", b"[]", b"{"])
async def test_what_is_no_document_is_refused(worlds: Worlds, tmp_path: Path, body: bytes) -> None:
    async with (
        opened(worlds, tmp_path) as scene,
        scene.server.session.post(scene.server.sidecar, data=body) as answer,
    ):
        assert answer.status == 400


async def test_the_program_of_the_readme_runs(tmp_path: Path) -> None:
    (tmp_path / "actor.pem").write_bytes(private_pem(rsa_key(1)))
    (tmp_path / "cat.png").write_bytes(clean_picture(346))
    readme = (Path(__file__).parents[2] / "examples/sidecar/README.md").read_text()
    [line] = re.findall(r"^python -m sidecar (.*)$", readme, re.MULTILINE)
    line = line.replace("actor.pem", str(tmp_path / "actor.pem")).replace(
        "/var/lib/small/media", str(tmp_path)
    )
    app = await make(arguments([*line.split(), "--connect", "http://127.0.0.1:1"]))
    post = {"type": "Note", "attachment": {"type": "Image", "url": "https://small.example/media/cat.png"}}
    async with (
        listening(app, "127.0.0.1", 0) as port,
        aiohttp.ClientSession() as session,
        session.post(f"http://127.0.0.1:{port}/", json=post) as answer,
    ):
        assert await answer.json() == post  # nobody listens where the relay should be
