"""Every recorded request of real servers, replayed: the right answer, and what came of it.

The clock stands where the request was sent, the Host is the recorded one, actors and notes are answered from the
recordings, media by the test. What was sent to a relay goes through the whole server over HTTP; what servers sent each
other goes to the inbox of a relay that has the name of the receiver. `expected.json` holds what each must lead to; it
was read line by line when it was made.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from relay.adapters.media.canary import clean_picture
from relay.cli.serving import listening, public_app
from relay.domain.activity import parse_activity
from relay.domain.errors import RelayError
from relay.domain.media import MediaKind
from relay.domain.subscription import Dialect, Upstream, UpstreamState
from relay.protocol.httpsig import Signature, inspect, verify
from relay.web.problems import status_of
from tests.fakes import ACTIVITY
from tests.flow.conftest import BASE
from tests.unit.captured import ACTORS, CAPTURES, KEYS, TO_RELAY, Capture, answers

if TYPE_CHECKING:
    from tests.flow.conftest import World, Worlds

EXPECTED: dict[str, dict[str, str]] = json.loads((Path(__file__).parent / "expected.json").read_text())
HOSTS = sorted({capture.facts["host"] for capture in CAPTURES})
CREATES = {"Create", "Announce"}


async def test_every_request_to_the_relay_has_its_outcome_and_arrives(worlds: Worlds) -> None:
    async with AsyncExitStack() as stack:
        # Both take what could not be checked, too: there are videos among the recordings.
        world = await worlds.open(BASE.replace("open}", "open, profile: open}"))
        port = await stack.enter_async_context(listening(public_app(world.relay), "127.0.0.1", 0))
        mastodon = await world.subscribe("witness.test")
        litepub = await world.subscribe("pleroma.test", dialect="litepub")
        serve_recordings(world)
        outcomes, passed_on = {}, []
        for capture in sorted((one for one in TO_RELAY if one.facts["host"] == "relay.test"), key=place):
            arrange(world, capture)
            outcomes[capture.name] = await outcome(world, port, capture)
            if any(one.body == capture.body for one in mastodon.inbox):
                passed_on.append(capture)
    assert outcomes == EXPECTED["relay.test"]
    # Whatever carries a Linked Data signature and was relayed arrives byte for byte, Update and Delete, too.
    relayed = [one for one in TO_RELAY if outcomes.get(one.name, "").endswith(("published", "withdrawn"))]
    signed = [one for one in relayed if b"RsaSignature2017" in one.body]
    assert passed_on == sorted(signed, key=place)
    assert Counter(one.facts["type"] for one in passed_on) == {"Create": 22, "Update": 4, "Delete": 2}
    # A LitePub server is told of every post, and of nothing else.
    told = [one["object"] for one in litepub.arrivals("Announce")]
    posts = [one for one in relayed if one.facts["type"] in CREATES]
    assert sorted(told) == sorted(parse_activity(one.body).object_id or "" for one in posts)
    assert {one["type"] for one in litepub.arrivals()} == {"Announce"}


@pytest.mark.parametrize("host", [host for host in HOSTS if host != "relay.test"])
async def test_every_request_between_servers_has_its_outcome(worlds: Worlds, host: str) -> None:
    world = await worlds.open(
        BASE.replace("relay.test", host).replace("open}", "open, publish_from: anyone}")
    )
    serve_recordings(world)
    await follow_relays(world)
    outcomes = {}
    for capture in (one for one in CAPTURES if one.facts["host"] == host):
        arrange(world, capture)
        try:
            receipt = await world.send(capture.request)
        except RelayError as error:
            outcomes[capture.name] = f"{status_of(error)} {error.code}"
            continue
        await world.settle()
        outcomes[capture.name] = f"202 {await screened(world, capture, receipt.code)}"
    assert outcomes == EXPECTED[host]


async def follow_relays(world: World) -> None:
    """Let the relay follow those that were recorded, so that what they pass on is looked at."""
    for actor in ("https://relay.test/actor", "https://relay2.test/actor"):
        accepted = Upstream(
            actor, actor.split("/")[2], Dialect.MASTODON, UpstreamState.ACCEPTED, "f", 0.0, 0.0
        )
        async with world.relay.office.store.transaction() as tx:
            await tx.upstreams.save(accepted)


def arrange(world: World, capture: Capture) -> None:
    """Let the world be as it was when the request was sent."""
    world.clock.time = capture.now
    serve_key(world, capture)
    serve_media(world, capture)


def place(capture: Capture) -> tuple[bool, str]:
    """As recorded, but for one Undo of Misskey: it followed again, and that Follow is not among the recordings."""
    return "000251_misskey" in capture.name, capture.name


async def outcome(world: World, port: int, capture: Capture) -> str:
    """Replay a capture and let everything happen; say what came of it."""
    counts = world.relay.tally.counts.copy()
    status, code = await replay(port, capture)
    if status != 202:
        return f"{status} {code}"
    [(_, receipt)] = world.relay.tally.counts - counts
    await world.settle()
    return f"202 {await screened(world, capture, receipt)}"


async def screened(world: World, capture: Capture, receipt: str) -> str:
    """What screening came to, or the receipt when there was nothing to screen."""
    if receipt != "screening":
        return receipt
    [found, *_] = await world.relay.office.explainer.why(capture.facts["activity_id"])
    return f"screened, {found['decisions'][-1]['rule']}: {found['state']}"


def serve_media(world: World, capture: Capture) -> None:
    """Serve a picture at every media URL that is said to be one, and something undecodable at the others."""
    activity = parse_activity(capture.body)
    for number, ref in enumerate(activity.object.media if activity.object else ()):
        host, _, path = ref.url.removeprefix("https://").partition("/")
        content = (
            clean_picture(f"{ref.url} {number}") if ref.kind is MediaKind.IMAGE else b"\0\0\0\x18ftypmp42"
        )
        world.server(host).serve(f"/{path}", content, "application/octet-stream")


def serve_recordings(world: World) -> None:
    """Let the fake servers answer with the recorded actors and notes, and with pictures for their media."""
    for document in ACTORS.values():
        serve(world, document["id"], document)
    for _, body in answers("*note*"):
        document = json.loads(body)
        serve(world, document["id"], document)


def serve(world: World, url: str, document: dict[str, Any]) -> None:
    host, _, path = url.removeprefix("https://").partition("/")
    world.server(host).serve(f"/{path}", document, ACTIVITY)


def serve_key(world: World, capture: Capture) -> None:
    """Serve the key that the server had at that time: two of them changed theirs while it was recorded."""
    signature = inspect(capture.request, now=capture.now, hosts=capture.hosts)
    if not isinstance(signature, Signature) or signature.key_id not in KEYS:
        return
    owner, address = capture.facts["actor"], signature.key_id.partition("#")[0]
    if capture.name.startswith("from_relay/"):
        owner = address
    key = {"id": signature.key_id, "owner": owner, "publicKeyPem": key_since(capture, signature.key_id)}
    if address == f"{owner}/main-key":
        serve(
            world, address, {"id": owner, "preferredUsername": "alice", "publicKey": key}
        )  # GoToSocial's stub
    elif address != owner:
        serve(world, address, {**key, "type": "CryptographicKey"})
    actor = next((one for one in ACTORS.values() if one["id"] == owner), None)
    if actor is not None:
        serve(world, owner, {**actor, "publicKey": key})


def key_since(capture: Capture, key_id: str) -> str:
    """The key that made this signature, or the first one after it: a new key is served before it is used."""
    for later in CAPTURES[CAPTURES.index(capture) :]:
        signature = inspect(later.request, now=later.now, hosts=later.hosts)
        if isinstance(signature, Signature) and signature.key_id == key_id:
            for pem in KEYS[key_id]:
                if verify(signature, later.request, pem):
                    return pem
    return KEYS[key_id][0]


async def replay(port: int, capture: Capture) -> tuple[int, str]:
    """Send the recorded bytes as they are; return the status and the code of the problem, if any."""
    raw = (Path(__file__).parents[1] / "golden" / "captures" / capture.name).read_bytes()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(raw)
    await writer.drain()
    status = int((await reader.readline()).split(b" ")[1])
    length = 0
    while (line := (await reader.readline()).strip()) != b"":
        if line.lower().startswith(b"content-length:"):
            length = int(line.split(b":")[1])
    body = await reader.readexactly(length)
    writer.close()
    await writer.wait_closed()
    return status, json.loads(body)["code"] if body else ""
