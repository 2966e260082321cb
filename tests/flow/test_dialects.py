"""What servers do differently, a test each: shapes of real-servers.md and relays.md B4, written anew."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from relay.adapters.media.canary import clean_picture
from relay.domain.errors import Malformed
from tests.fakes import PUBLIC, FakeActor, sign_request
from tests.flow.conftest import BASE, INBOX

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.fakes import FakeServer
    from tests.flow.conftest import World, Worlds

OWN = "https://relay.test/actor"
OPEN = BASE.replace("subscriptions: open", "subscriptions: open, publish_from: anyone")


async def relayed(world: World, actor: FakeActor, activity: Mapping[str, Any]) -> list[Any]:
    """What a subscriber of each dialect gets of an activity; both get the same here."""
    readers = [await world.subscribe(f"{one}.test", dialect=one) for one in ("mastodon", "litepub")]
    await world.post(actor, activity)
    await world.settle()
    first, second = ([one["object"] for one in reader.arrivals("Announce")] for reader in readers)
    assert first == second
    return first


def wrapped(actor: FakeActor, inner: object, number: int = 1, **more: Any) -> dict[str, Any]:
    """An Announce by an actor."""
    return {
        "@context": "https://www.w3.org/ns/activitystreams",
        "id": f"https://{actor.server.name}/activities/announce/{number}",
        "type": "Announce",
        "actor": actor.id,
        "to": [PUBLIC],
        "cc": [f"{actor.id}/followers"],
        "object": inner,
        **more,
    }


async def follow(world: World, actor: FakeActor, follow_id: str, followed: str) -> list[dict[str, Any]]:
    """Follow the relay as an actor; return what the relay answers."""
    asked = {"id": follow_id, "type": "Follow", "actor": actor.id, "object": followed}
    await world.post(actor, asked)
    await world.settle()
    answers = actor.server.arrivals()
    actor.server.inbox.clear()
    return answers


# ---------------------------------------------------------------- microblogs


async def test_misskey_finds_its_own_follow_in_the_answer(world: World) -> None:
    server = world.server("misskey.test")
    follow_id = "https://misskey.test/activities/follow-relay/9abc"
    [answer] = await follow(world, server.actor("/users/relay0"), follow_id, PUBLIC)
    assert answer["type"] == "Accept"
    assert answer["object"] == {
        "id": follow_id,
        "type": "Follow",
        "actor": "https://misskey.test/users/relay0",
        "object": PUBLIC,
    }


async def test_misskey_gets_announces_whose_ids_are_on_the_relays_host(world: World) -> None:
    misskey = await world.subscribe("misskey.test")
    await world.publish(await world.subscribe("origin.test"))
    [announce] = misskey.arrivals("Announce")
    assert announce["id"].startswith("https://relay.test/")
    assert announce["object"].startswith("https://origin.test/")


async def test_misskey_attachments_carry_sensitive_and_comment(world: World) -> None:
    server = await world.subscribe("misskey.test")
    picture = server.picture(clean_picture("misskey"), sensitive=True, comment="a canary")
    note = await world.publish(server, picture)
    found = await world.why(note["id"])
    assert [item["outcome"] for item in found["media"]] == ["no-known-match"]


async def test_pleroma_follows_as_a_person_called_relay_and_is_followed_back(world: World) -> None:
    pleroma = world.server("pleroma.test").actor("/relay", "Person")
    answers = await follow(world, pleroma, "https://pleroma.test/activities/1", OWN)
    assert [one["type"] for one in answers] == ["Accept", "Follow"]
    assert answers[1]["object"] == pleroma.id


async def test_pleroma_announces_to_its_followers_what_is_public_at_its_origin(world: World) -> None:
    pleroma = world.server("pleroma.test").actor("/relay", "Person")
    await follow(world, pleroma, "https://pleroma.test/activities/1", OWN)
    note = pleroma.server.note()
    announce = wrapped(pleroma, note["id"], to=["https://pleroma.test/relay/followers"], cc=[])
    assert await relayed(world, pleroma, announce) == [note["id"]]


async def test_akkoma_names_its_key_without_a_fragment(world: World) -> None:
    server = world.server("akkoma.test")
    actor = server.actor("/relay")
    key_id = "https://akkoma.test/relay"
    document = actor.document()
    server.serve("/relay", {**document, "publicKey": {**document["publicKey"], "id": key_id}})
    asked = {"id": "https://akkoma.test/f/1", "type": "Follow", "actor": actor.id, "object": OWN}
    request = sign(world, actor, asked, key_id)
    assert (await world.send(request)).code == "follow-accepted"


async def test_gotosocial_in_secure_mode_answers_signed_gets_only(world: World) -> None:
    server = world.server("gts.test")
    server.secure = True
    actor, alice = server.actor("/users/gts.test", "Service"), server.actor("/users/alice", "Person")
    for one in (actor, alice):
        stub = {"id": one.id, "publicKey": {**one.document()["publicKey"], "id": f"{one.id}/main-key"}}
        server.serve(f"{one.path}/main-key", stub)
        key = {**one.document()["publicKey"], "id": f"{one.id}/main-key"}
        server.serve(one.path, {**one.document(), "publicKey": key})
    asked = {"id": "https://gts.test/f/1", "type": "Follow", "actor": actor.id, "object": OWN}
    assert (await world.send(sign(world, actor, asked, f"{actor.id}/main-key"))).code == "follow-accepted"
    await world.settle()
    reader = await world.subscribe("reader.test")
    note = server.note(to=PUBLIC, cc=f"{alice.id}/followers")
    create = server.create(note)
    assert (await world.send(sign(world, alice, create, f"{alice.id}/main-key"))).code == "published"
    await world.settle()
    assert [one["object"] for one in reader.arrivals("Announce")] == [note["id"]]


async def test_pixelfed_writes_one_recipient_as_a_string(world: World) -> None:
    server = await world.subscribe("pixelfed.test")
    alice = server.actor("/users/alice", "Person")
    note = server.note(server.picture(clean_picture("pixelfed")), to=PUBLIC, cc=f"{alice.id}/followers")
    assert await relayed(world, alice, server.create(note)) == [note["id"]]


async def test_threads_puts_a_slash_before_the_fragment_of_its_keys(world: World) -> None:
    server = await world.subscribe("threads.test")
    author = server.actor("/ap/users/1784/", "Person")
    note = server.note(attributedTo=author.id)
    assert author.key_id == "https://threads.test/ap/users/1784/#main-key"
    assert await relayed(world, author, {**server.create(note), "actor": author.id}) == [note["id"]]


async def test_wordpress_authors_are_query_strings(worlds: Worlds) -> None:
    world = await worlds.open(OPEN)
    server = world.server("wp.test")
    author = server.actor("/?author=1", "Person")
    article = server.note(type="Article", name="A post", attributedTo=author.id)
    create = {**server.create(article), "actor": author.id}
    assert await relayed(world, author, create) == [article["id"]]


async def test_friendica_follows_with_its_system_account(world: World) -> None:
    friendica = world.server("friendica.test").actor("/friendica")
    answers = await follow(world, friendica, "https://friendica.test/activity/1", OWN)
    assert [one["type"] for one in answers] == ["Accept", "Follow"]
    note = friendica.server.note()
    assert await relayed(world, friendica, wrapped(friendica, note["id"])) == [note["id"]]


@pytest.mark.parametrize("shape", ["bare", "embedded"])
async def test_one_object_in_an_array_is_that_object(world: World, shape: str) -> None:
    server = await world.subscribe("array.test")
    alice, note = server.actor("/users/alice", "Person"), server.note()
    create = {**server.create(note), "object": [note], "to": PUBLIC}
    if shape == "bare":
        actor = server.actor()
        assert await relayed(world, actor, wrapped(actor, [note["id"]])) == [note["id"]]
    else:
        assert await relayed(world, alice, create) == [note["id"]]


async def test_several_objects_are_no_post(world: World) -> None:
    server = await world.subscribe("array.test")
    actor, notes = server.actor(), [server.note()["id"], server.note()["id"]]
    assert await relayed(world, actor, wrapped(actor, notes)) == []


async def test_one_attachment_without_an_array_is_looked_at(world: World) -> None:
    """Takahe and Hollo compact a list of one."""
    server = await world.subscribe("takahe.test")
    picture = server.picture(clean_picture("alone"))
    note = server.note(attachment=picture)
    await world.post(server.actor("/users/alice", "Person"), server.create(note))
    await world.settle()
    assert [item["outcome"] for item in (await world.why(note["id"]))["media"]] == ["no-known-match"]


# ---------------------------------------------------------------- forums and video


async def lemmy(world: World) -> tuple[FakeServer, FakeActor, FakeActor, dict[str, Any]]:
    """A forum that subscribes with its site actor; a community, an author, and a post of the author."""
    server = await world.subscribe("lemmy.test")
    community, author = server.actor("/c/canaries", "Group"), server.actor("/u/alice", "Person")
    page = server.note(
        type="Page", name="A title", attributedTo=author.id, to=[community.id, PUBLIC], audience=community.id
    )
    return server, community, author, page


def inside(server: FakeServer, author: FakeActor, page: Mapping[str, Any], kind: str) -> dict[str, Any]:
    """The activity that a community announces."""
    activity = {**server.create(page), "actor": author.id, "type": kind}
    return {**activity, "id": f"https://{server.name}/activities/{kind.lower()}/7"}


async def test_lemmy_announces_activities_and_one_level_is_unwrapped(world: World) -> None:
    server, community, author, page = await lemmy(world)
    announce = wrapped(community, inside(server, author, page, "Create"))
    assert await relayed(world, community, announce) == [page["id"]]


async def test_lemmy_may_announce_an_activity_by_its_id(world: World) -> None:
    server, community, author, page = await lemmy(world)
    create = inside(server, author, page, "Create")
    server.serve("/activities/create/7", create)
    assert await relayed(world, community, wrapped(community, create["id"])) == [page["id"]]
    assert (await world.why(page["id"]))["state"] == "published"
    # The same post by its own id is the same post.
    await world.post(community, wrapped(community, page["id"], 2))
    await world.settle()
    assert len(world.server("mastodon.test").arrivals("Announce")) == 1


async def test_an_activity_that_was_announced_by_its_id_after_its_post_is_a_repeat(world: World) -> None:
    server, community, author, page = await lemmy(world)
    server.serve("/activities/create/7", inside(server, author, page, "Create"))
    assert await relayed(world, community, wrapped(community, page["id"])) == [page["id"]]
    await world.post(community, wrapped(community, server.url("/activities/create/7"), 2))
    await world.settle()
    assert len(world.server("mastodon.test").arrivals("Announce")) == 1
    found = await world.relay.office.explainer.why(server.url("/activities/create/7"))
    assert found[0]["decisions"][-1]["reason"] == "repeat"


@pytest.mark.parametrize("kind", ["Like", "Dislike", "Undo", "Update", "Delete", "Announce", "Block"])
async def test_what_else_lemmy_announces_is_not_relayed(world: World, kind: str) -> None:
    server, community, author, page = await lemmy(world)
    assert await relayed(world, community, wrapped(community, inside(server, author, page, kind))) == []


async def test_a_community_cannot_pass_off_a_post_of_another_server(world: World) -> None:
    server, community, _, page = await lemmy(world)
    other = world.server("other.test").actor("/u/mallory", "Person")
    forged = inside(server, other, page, "Create")
    assert await relayed(world, community, wrapped(community, forged)) == []


async def test_an_activity_that_wraps_a_post_of_another_server_is_dropped(world: World) -> None:
    server, community, author, _ = await lemmy(world)
    foreign = world.server("other.test").note()
    server.serve("/activities/create/7", inside(server, author, foreign, "Create"))
    assert await relayed(world, community, wrapped(community, server.url("/activities/create/7"))) == []


async def test_a_boost_by_a_person_is_not_relayed(world: World) -> None:
    server, _, author, page = await lemmy(world)
    assert server.actors
    assert await relayed(world, author, wrapped(author, page["id"])) == []


async def test_nodebb_categories_announce_whole_articles(world: World) -> None:
    server = await world.subscribe("nodebb.test")
    category = server.actor("/category/1", "Group")
    article = server.note(type="Article", name="A topic")
    forged = {**article, "content": "<p>not what the origin says</p>"}
    assert await relayed(world, category, wrapped(category, forged)) == [article["id"]]


async def test_nodebb_numbers_instead_of_authors_are_no_post(world: World) -> None:
    server = await world.subscribe("nodebb.test")
    category, article = server.actor("/category/1", "Group"), server.note(type="Article", attributedTo=1)
    with pytest.raises(Malformed):
        await world.post(category, wrapped(category, dict(article)))
    assert await relayed(world, category, wrapped(category, article["id"], 2)) == []


async def test_peertube_channels_announce_videos_with_files_in_links(world: World) -> None:
    server = await world.subscribe("peertube.test")
    channel, account = (
        server.actor("/video-channels/main", "Group"),
        server.actor("/accounts/alice", "Person"),
    )
    file = server.serve("/v/1.mp4", b"\0\0\0\x18ftypmp42", "video/mp4")
    video = server.note(
        type="Video",
        attributedTo=[{"type": "Person", "id": account.id}, {"type": "Group", "id": channel.id}],
        url=[
            {"type": "Link", "mediaType": "text/html", "href": "https://peertube.test/w/1"},
            {"type": "Link", "mediaType": "video/mp4", "href": file, "height": 720},
        ],
    )
    await world.post(channel, wrapped(channel, video["id"]))
    await world.settle()
    found = await world.why(video["id"])
    assert [(item["kind"], item["outcome"]) for item in found["media"]] == [("video", "unscannable")]


# ---------------------------------------------------------------- accounts that are gone


async def test_a_deletion_by_an_account_that_answers_410_is_accepted(world: World) -> None:
    server = await world.subscribe("gone.test")
    alice = server.actor("/users/alice", "Person")
    server.serve("/users/alice", b"", status=410)
    delete = {"id": f"{alice.id}#delete", "type": "Delete", "actor": alice.id, "object": alice.id}
    assert (await world.post(alice, {**delete, "to": [PUBLIC]})).code == "ignored-gone"


async def test_a_deletion_with_a_tombstone_purges(world: World) -> None:
    server = await world.subscribe("pixelfed.test")
    reader = await world.subscribe("reader.test")
    note = await world.publish(server)
    alice = server.actor("/users/alice", "Person")
    tombstone = {"id": note["id"], "type": "Tombstone"}
    delete = {"id": f"{note['id']}#delete", "type": "Delete", "actor": alice.id, "object": tombstone}
    assert (await world.post(alice, delete)).code == "withdrawn"
    await world.settle()
    assert [one["type"] for one in reader.arrivals()] == ["Announce"]
    assert (await world.why(note["id"]))["state"] == "published"
    async with world.relay.office.store.reading() as tx:
        assert [row["body"] for row in await tx.activities.about(note["id"])] == [b"{}"]


def sign(world: World, actor: FakeActor, activity: Mapping[str, Any], key_id: str) -> Any:
    """Sign with a key id that is not the usual one."""
    body = json.dumps(activity).encode()
    return sign_request(actor.key, key_id, INBOX, body, world.clock.now())
