"""Waves, incidents, holds and subscribers on the admin pages: one click each, on record, and never a picture."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio

from relay.adapters.media.canary import clean_picture
from relay.domain.hashsubmission import About, SubmissionState
from relay.domain.log import HoldState
from relay.services.triage import PAGE
from tests.flow.conftest import BASE, follow
from tests.flow.office import visiting
from tests.flow.spammers import SPAM, Crowd

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.flow.conftest import World, Worlds
    from tests.flow.office import Admin

HELD = """
policy:
  mode: enforce
  rules:
    - {name: Cats wait, when: {hashtags: cats}, then: quarantine, reason: cats}
    - {name: Text only, when: {media: none}, then: relay}
"""
KNOWN = clean_picture("this one stands for known material")


@pytest_asyncio.fixture(loop_scope="session")
async def world(worlds: Worlds) -> World:
    return await worlds.open(BASE + HELD)


@pytest_asyncio.fixture(loop_scope="session")
async def admin(world: World) -> AsyncIterator[Admin]:
    async with visiting(world.relay) as opened:
        await opened.sign_in(world.relay)
        yield opened


async def cats(world: World, name: str, count: int) -> list[str]:
    """Let somebody of a server post about cats; return the ids."""
    server = world.server(name)
    found = []
    for _ in range(count):
        note = server.note(tag=[{"type": "Hashtag", "name": "#cats"}], content="<p>my <b>cat</b></p>")
        await world.post(server.actor("/users/alice", "Person"), server.create(note))
        found.append(note["id"])
    await world.settle()
    return found


async def states(world: World, state: HoldState) -> int:
    return len(await world.relay.office.holds.all(state))


async def test_an_entry_that_matches_everywhere_is_on_the_first_page(world: World, admin: Admin) -> None:
    async with world.relay.office.store.transaction() as tx:
        for number in range(21):
            await tx.hash_lists.hit(
                [("local", "sha256:1a2b3c")], f"https://a.test/{number}", world.clock.now()
            )
    assert "1 entry of a hash list matches everywhere" in (await admin.get("/")).text
    world.clock.forward(3_601)
    await admin.sign_in(world.relay)
    assert "matches everywhere" not in (await admin.get("/")).text


async def test_hashes_that_wait_for_review_are_told(world: World, admin: Admin) -> None:
    assert "for your review" not in (await admin.get("/")).text
    async with world.relay.office.store.transaction() as tx:
        for secret in "ab":
            await tx.hash_lists.submissions.open(secret=secret, about=About.ADULT, list_name="own", at=10.0)
    page = (await admin.get("/")).text
    assert "2 submissions of hashes wait for your review: <code>assay hashes list</code>" in page
    async with world.relay.office.store.transaction() as tx:
        await tx.hash_lists.submissions.change(1, SubmissionState.REFUSED, at=11.0)
    assert "1 submission of hashes waits for your review" in (await admin.get("/")).text


# -------------------------------------------------------------------- holds


async def test_a_hold_is_shown_by_its_facts_and_released(world: World, admin: Admin) -> None:
    await world.subscribe("a.test")
    receiver = await world.subscribe("b.test")
    [note] = await cats(world, "a.test", 1)
    assert "1 post held" in (await admin.get("/")).text
    page = await admin.get("/holds")
    assert "Hold 1" in page.text
    page = await admin.get("/holds/1")
    for said in (note, "cats, by rule “Cats wait”", "https://a.test/users/alice", "Cats wait</strong>:"):
        assert said in page.text
    assert "my" not in dict(page.forms("/holds/1")[0]).values()
    assert "<img" not in page.text
    page = await admin.submit(page, "/holds/1", do="release", note="a nice cat")
    assert "1 released" in page.text
    await world.settle()
    assert receiver.arrivals()
    hold = await world.relay.office.holds.find(1)
    assert (hold.state, hold.decided_by, hold.note) == (HoldState.RELEASED, "admin", "a nice cat")
    page = await admin.get("/holds/1")
    assert "It is released by admin: “a nice cat”" in page.text
    assert not page.forms("/holds/1")


async def test_holds_are_dropped_from_the_list(world: World, admin: Admin) -> None:
    await world.subscribe("a.test")
    await cats(world, "a.test", 2)
    page = await admin.submit(await admin.get("/holds"), "/holds/2", do="drop")
    assert "1 dropped" in page.text
    assert await states(world, HoldState.DROPPED) == 1
    assert (await admin.submit(page, "/holds/1", do="keep")).status == 400
    assert (await admin.get("/holds/77")).status == 404


async def test_a_group_is_decided_at_once_and_no_more_than_was_seen(world: World, admin: Admin) -> None:
    for name in ("a.test", "b.test"):
        await world.subscribe(name)
    await cats(world, "a.test", 3)
    await cats(world, "b.test", 2)
    page = await admin.get("/holds")
    assert 'href="/holds?server=a.test"' in page.text
    page = await admin.get("/holds?server=a.test")
    assert "3 posts wait for a person here" in page.text
    await cats(world, "a.test", 1)  # came after the page was loaded
    page = await admin.submit(page, "/holds/group", do="drop")
    assert "3 dropped" in page.text
    assert await states(world, HoldState.OPEN) == 3
    page = await admin.submit(
        await admin.get("/holds?reason=cats&rule=Cats+wait"), "/holds/group", do="release"
    )
    assert "3 released" in page.text
    assert await states(world, HoldState.OPEN) == 0
    assert (await admin.get("/holds")).text.count("Nothing is held") == 1


async def test_many_holds_have_pages(world: World, admin: Admin) -> None:
    await world.subscribe("a.test")
    await cats(world, "a.test", PAGE + 3)
    page = await admin.get("/holds")
    assert f"{PAGE + 3} posts wait" in page.text
    assert page.text.count("<strong><a") == PAGE
    assert f"/holds?before={4}" in page.text
    assert (await admin.get("/holds?before=4")).text.count("<strong><a") == 3


async def test_a_known_match_is_released_only_by_itself_and_knowingly(worlds: Worlds) -> None:
    digest = hashlib.sha256(KNOWN).hexdigest()
    header = "algorithm,value,category,source,note"
    (worlds.folder / "local.csv").write_text(f"{header}\nsha256,{digest},csam,test,\n")
    lists = "scanners: [{name: local, kind: list, file: local.csv, category: csam, purpose: a test, country: any}]\n"
    world = await worlds.open(BASE + lists)
    server = await world.subscribe("a.test")
    await world.publish(server, server.picture(KNOWN))
    async with visiting(world.relay) as admin:
        await admin.sign_in(world.relay)
        page = await admin.submit(await admin.get("/holds"), "/holds/group", do="release")
        assert "could not be released in a group" in page.text
        page = await admin.submit(await admin.get("/holds"), "/holds/1", do="release")
        assert page.status == 400
        page = await admin.get("/holds/1")
        assert "list “local”, category csam" in page.text
        assert "<img" not in page.text
        page = await admin.submit(page, "/holds/1", do="release")
        assert page.status == 400
        page = await admin.submit(await admin.get("/holds/1"), "/holds/1", do="release", sure="yes")
        assert "1 released" in page.text


# -------------------------------------------------------------------- waves and incidents


async def test_a_wave_is_seen_and_purged_and_that_is_taken_back(world: World, admin: Admin) -> None:
    crowd = Crowd(world, [await world.subscribe(f"s{number}.test") for number in range(5)])
    await crowd.wave(20)
    page = await admin.get("/")
    assert "Spam wave 1" in page.text
    assert "Drop 11" in page.text
    page = await admin.submit(page, "/waves/1/purge")
    assert page.path == "/waves/1?done=purged&n=11"
    assert "11 posts are dropped" in page.text
    page = await admin.submit(page, "/waves/1/restore")
    assert "11 posts that were dropped go through the policy again" in page.text
    page = await admin.submit(await admin.get("/waves"), "/waves/1/end")
    assert "It is over." in page.text


async def test_a_wave_is_released(world: World, admin: Admin) -> None:
    crowd = Crowd(world, [await world.subscribe(f"s{number}.test") for number in range(5)])
    await crowd.wave(20)
    page = await admin.get("/waves")
    assert "Release 11" in page.text
    page = await admin.submit(page, "/waves/1/release")
    assert "11 posts go through the policy again" in page.text
    world.clock.forward(3600)
    await world.settle()
    assert not (await admin.get("/waves/1")).forms("/waves/1/release")


async def test_an_incident_starts_holds_shows_its_text_and_ends(world: World, admin: Admin) -> None:
    server = await world.subscribe("s.test")
    page = await admin.get("/")
    page = await admin.submit(
        page, "/incidents", kind="server", server="https://S.test/about", note="flooded"
    )
    assert "Incident 1" in page.text
    assert "from a server: s.test" in page.text
    assert "“flooded”" in page.text
    note = server.note(content=f"<p>{SPAM}<br>&amp; more <script>x</script></p>")
    await world.post(server.actor("/users/alice", "Person"), server.create(note))
    await world.settle()
    page = await admin.get("/waves/1")
    assert SPAM in page.text
    assert "&amp; more" in page.text
    assert "<script" not in page.text
    assert "/holds?brake=1" in page.text
    assert "Hold 1" in (await admin.get("/holds?brake=1")).text
    page = await admin.submit(page, "/waves/1/extend", unit="days", **{"for": "2"})
    assert "It lasts longer now." in page.text
    page = await admin.submit(page, "/waves/1/end")
    assert "It is over since" in page.text
    assert "Nothing is held up" in (await admin.get("/")).text


@pytest.mark.parametrize(
    "wrong",
    [
        {"for": ""},
        {"for": "soon"},
        {"for": "0"},
        {"for": "8", "unit": "days"},
        {"for": "1e400"},
        {"for": "nan"},
        {"unit": "years"},
        {"kind": "everything"},
        {"kind": "server", "server": ""},
        {"kind": "server", "server": "not a server"},
        {"note": "x" * 501},
    ],
)
async def test_an_incident_always_has_an_end_and_something_that_it_is_about(
    world: World, admin: Admin, wrong: dict[str, Any]
) -> None:
    page = await admin.submit(await admin.get("/waves"), "/incidents", **wrong)
    assert page.status == 400
    assert await world.relay.office.waves.all() == []


# -------------------------------------------------------------------- the rest


async def test_a_server_that_wants_to_subscribe_is_approved(worlds: Worlds) -> None:
    world = await worlds.open("relay: {url: https://relay.test, data: data}\n")
    for name in ("a.test", "b.test"):
        server = world.server(name)
        await world.post(server.actor(), follow(server))
    async with visiting(world.relay) as admin:
        await admin.sign_in(world.relay)
        assert "2 servers want to subscribe" in (await admin.get("/")).text
        page = await admin.submit(await admin.get("/subscribers"), "/subscribers", do="approve")
        assert "a.test may subscribe" in page.text
        page = await admin.submit(page, "/subscribers", do="reject")
        assert "b.test may not subscribe" in page.text
        assert not page.forms("/subscribers")
    await world.settle()
    assert world.server("a.test").arrivals("Accept")
    assert world.server("b.test").arrivals("Reject")


async def test_what_stands_behind_the_numbers(world: World, admin: Admin) -> None:
    server = await world.subscribe("a.test")
    note = await world.publish(server)
    await cats(world, "a.test", 1)
    page = await admin.get("/")
    assert '<a href="/posts?done=relayed">1</a>' in page.text
    assert '<a href="/posts?done=held">1</a>' in page.text
    assert note["id"] in (await admin.get("/posts")).text
    assert "Cats wait" in (await admin.get("/posts?done=held")).text
    assert (await admin.get("/posts?done=eaten")).status == 404
    page = await admin.get(f"/why?post={note['id']}")
    assert "<strong>Text only</strong>:" in page.text
    assert "did not fit, because hashtags is none" in page.text
    assert "Nothing is known of this" in (await admin.get("/why?post=https://x.test/1")).text
    assert (await admin.get(f"/why?post={'x' * 3000}")).status == 400


async def test_what_enforcing_would_do_is_on_the_first_page(worlds: Worlds) -> None:
    world = await worlds.open(BASE + HELD.replace("enforce", "observe"))
    await world.subscribe("a.test")
    await cats(world, "a.test", 2)
    async with visiting(world.relay) as admin:
        page = await admin.sign_in(world.relay)
        assert "only observes" in page.text
        assert "would have held <strong>2</strong>" in page.text
