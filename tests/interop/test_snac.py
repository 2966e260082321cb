"""Two snac2 servers that subscribe to our relay as their manual says (snac(8), "Subscribing to Fediverse Relays")."""

from __future__ import annotations

import asyncio
import json
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio

from relay.adapters.media.canary import canary_pictures, clean_picture
from relay.adapters.system import SystemClock
from tests.interop.logs import logs_in
from tests.interop.processes import KEPT, LOCAL, OurRelay, behind_tls, listens, our_relay, process, run, until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from relay.ports import Clock

ACTOR = "https://relay.test/actor"
ROOT = KEPT / "snac/root"
LIBRARIES = ":".join(str(path) for part in ("usr/lib", "lib") for path in ROOT.glob(f"{part}/*-linux-gnu*"))
QUIET = 5.0
"""Seconds in which a delivery would have arrived: snac looks at its queue every three."""

pytestmark = [pytest.mark.timeout(120), pytest.mark.asyncio(loop_scope="module")]


@dataclass
class Snac:
    """A running snac with the users `alice`, who posts and follows a hashtag, and `relay`, who subscribes."""

    name: str
    folder: Path

    @property
    def base(self) -> Path:
        return self.folder / "snac"

    async def command(self, name: str, *words: str | Path) -> None:
        """Run a command of its own."""
        environment = {"LD_LIBRARY_PATH": LIBRARIES, "EDITOR": "cat"}
        await run(
            self.folder / "commands.log",
            ROOT / "usr/bin/snac",
            name,
            self.base,
            *words,
            environment=environment,
        )

    def posts(self, user: str, folder: str = "private") -> list[dict[str, Any]]:
        """The posts in a folder of a user: `public` are their own, `private` is their timeline."""
        files = sorted((self.base / "user" / user / folder).glob("*.json"))
        return [json.loads(file.read_bytes()) for file in files]

    def timeline(self, user: str) -> list[str]:
        """The ids of the posts in a user's timeline."""
        return [str(one.get("id")) for one in self.posts(user)]

    def follows(self, user: str) -> bool:
        """Whether the relay has accepted that user's Follow."""
        files = (self.base / "user" / user / "following").glob("*.json")
        return any(json.loads(file.read_bytes()).get("type") == "Accept" for file in files)

    def is_followed(self, user: str) -> bool:
        """Whether somebody follows that user."""
        return any((self.base / "user" / user / "followers").glob("*.json"))

    def stored(self, post: str) -> dict[str, Any] | None:
        """A post in its storage, from wherever it came."""
        for file in (self.base / "object").glob("*/*.json"):
            found: dict[str, Any] = json.loads(file.read_bytes())
            if found.get("id") == post:
                return found
        return None

    async def post(self, text: str, *files: Path) -> dict[str, Any]:
        """Let alice post; the value is the Note."""
        before = {one["id"] for one in self.posts("alice", "public")}
        await self.command("note", "alice", text, *files)
        [note] = [one for one in self.posts("alice", "public") if one["id"] not in before]
        return note


@asynccontextmanager
async def snac(name: str, port: int, folder: Path, clock: Clock) -> AsyncIterator[Snac]:
    """A snac at https://<name>."""
    folder.mkdir()  # noqa: ASYNC240 - a test may wait for it
    made = Snac(name, folder)
    answers = f"{LOCAL}\n{port}\n{name}\n\n\n"
    log = folder / "commands.log"
    await run(
        log,
        ROOT / "usr/bin/snac",
        "init",
        made.base,
        environment={"LD_LIBRARY_PATH": LIBRARIES},
        typed=answers.encode(),
    )
    for user in ("alice", "relay"):
        await made.command("adduser", user)
    _change(made.base / "user/alice/user.json", followed_hashtags=["#assay"])
    # With fewer, a server that delivers to itself waits for itself until the time is out.
    _change(made.base / "server.json", num_threads=12)
    command = [ROOT / "usr/bin/snac", "httpd", made.base]
    environment = {"LD_LIBRARY_PATH": LIBRARIES, "DEBUG": "1"}
    async with process(folder / "snac.log", command, environment), behind_tls(name, port):
        await listens(clock, port)
        yield made


def _change(file: Path, **values: object) -> None:
    """Change values in a JSON file, as its owner would with an editor."""
    file.write_text(json.dumps(json.loads(file.read_bytes()) | values))


@dataclass
class World:
    """Our relay and two snacs that have subscribed to it."""

    clock: Clock
    relay: OurRelay
    one: Snac
    two: Snac
    folder: Path

    async def subscribe(self, server: Snac) -> None:
        """Let a snac follow the relay, and the relay follow it back."""
        await server.command("follow", "relay", ACTOR)
        await until(self.clock, lambda: server.follows("relay"), f"the relay accepts {server.name}")
        await until(self.clock, lambda: server.is_followed("relay"), f"the relay follows {server.name}")

    async def arrives(self, note: dict[str, Any], server: Snac) -> dict[str, Any]:
        """Wait until a post is in the storage of a server and announced to its subscribing user; return it."""
        seen = partial(_is_in, server, note["id"])
        await until(self.clock, seen, f"{note['id']} is on {server.name}")
        found = server.stored(note["id"])
        assert found is not None
        return found

    def picture(self, name: str, content: bytes) -> Path:
        """A file with that content."""
        file = self.folder / name
        file.write_bytes(content)
        return file


def _is_in(server: Snac, note: str) -> bool:
    return note in server.timeline("relay")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    folder, clock = logs_in(tmp_path_factory.mktemp("snac")), SystemClock()
    async with AsyncExitStack() as stack:
        relay = await stack.enter_async_context(our_relay(folder / "ours", clock))
        one = await stack.enter_async_context(snac("s1.test", 8101, folder / "s1", clock))
        two = await stack.enter_async_context(snac("s2.test", 8102, folder / "s2", clock))
        made = World(clock, relay, one, two, folder)
        async with asyncio.TaskGroup() as both:
            both.create_task(made.subscribe(one))
            both.create_task(made.subscribe(two))
        yield made


async def test_pictures_travel_between_two_snacs_both_ways(world: World) -> None:
    for sender, receiver in ((world.one, world.two), (world.two, world.one)):
        content = clean_picture(f"interop {sender.name}", width=320, height=240)
        note = await sender.post("a picture #assay", world.picture(f"{sender.name}.jpg", content))
        arrived = await world.arrives(note, receiver)
        assert arrived["attachment"] == note["attachment"]
        assert arrived["attachment"][0]["mediaType"] == "image/jpeg"
        follower = partial(receiver.timeline, "alice")
        await until(world.clock, lambda note=note, seen=follower: note["id"] in seen(), "it is in a timeline")
        [why] = (await world.relay.asks("why", note["id"]))["found"]
        assert why["decisions"][-1]["verb"] == "relay-and-attest"
        [media] = why["media"]
        assert media["outcome"] == "no-known-match"


async def test_a_canary_is_held_and_what_follows_it_arrives(world: World) -> None:
    canary = world.picture("canary.png", canary_pictures()["canary.png"])
    held = await world.one.post("a picture that the relay knows", canary)
    await world.relay.until(
        world.clock, ("holds", "list"), lambda found: held["id"] in {one["object"] for one in found["holds"]}
    )
    words = await world.one.post("only words")
    await world.arrives(words, world.two)
    found = await world.relay.asks("holds", "list")
    assert [(one["object"], one["reason"]) for one in found["holds"]] == [(held["id"], "test-match")]
    assert held["id"] not in world.two.timeline("relay")
    assert world.two.stored(held["id"]) is None


async def test_a_snac_that_left_receives_nothing_and_may_come_back(world: World) -> None:
    await world.two.command("unfollow", "relay", ACTOR)
    left = await world.relay.until(
        world.clock, ("subscribers", "list"), lambda found: len(found["subscribers"]) == 1
    )
    assert left["subscribers"][0]["server"] == "s1.test"
    note = await world.one.post("a post after the other server left")
    relayed = await world.relay.until(world.clock, ("why", note["id"]), lambda found: bool(found["found"]))
    assert relayed["found"][0]["state"] == "published"
    await world.clock.sleep(QUIET)
    assert world.two.stored(note["id"]) is None

    await world.subscribe(world.two)
    again = await world.one.post("a post after it came back")
    await world.arrives(again, world.two)
