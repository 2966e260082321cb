"""`/submit`: hashes come in, are in force or not, and go again; nothing but hashes is taken."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

import pytest

from relay.adapters.media.canary import clean_picture
from relay.domain.errors import Conflict, NotFound
from relay.domain.hashlist import BatchState, HashAlgorithm, ListEntry
from relay.domain.hashsubmission import MOST_AT_ONCE
from relay.domain.recall import Cause, RecallState
from relay.services.hashsubmissions import FORGOTTEN_AFTER
from relay.web.submit import LARGEST
from tests.flow.conftest import BASE
from tests.flow.people import CONFIG, LISTS, PAGES, hashes_of, person

if TYPE_CHECKING:
    from pathlib import Path

    from tests.flow.conftest import World, Worlds

PICTURE = clean_picture("somebody's own")
OTHER = clean_picture("nobody's")
HASHES = hashes_of(PICTURE)
STRICT = """
policy:
  version: 1
  mode: enforce
  rules: [{name: Drop it, when: {match: [known, ncii]}, then: drop, reason: known-match}]
  otherwise: relay
"""
WITH_BENIGN = LISTS + '  - {name: fine, kind: benign, purpose: "a test", country: any}\n'


async def opened(worlds: Worlds, config: str = CONFIG) -> World:
    world = await worlds.open(config)
    for name in ("a.test", "b.test"):
        await world.subscribe(name)
    return world


async def posted(world: World, content: bytes = PICTURE) -> str:
    """Post a picture; return what became of it."""
    await world.relay.watch.run_once()
    server = world.server("a.test")
    note = await world.publish(server, server.picture(content))
    state: str = (await world.why(note["id"]))["state"]
    return state


async def test_hashes_are_in_force_at_once_and_what_they_match_is_held(worlds: Worlds) -> None:
    world = await opened(worlds)
    async with person(world) as somebody:
        assert await posted(world) == "published"
        link = await somebody.hand_in(*HASHES)
        assert await posted(world) == "held"
        assert await posted(world, OTHER) == "published"
        assert "In use" in (await somebody.page(link))[1]
        assert "Taken back" in (await somebody.withdraw(link))[1]
        assert await posted(world) == "published"


async def test_adults_and_minors_are_kept_apart(worlds: Worlds) -> None:
    world = await opened(worlds)
    async with person(world) as somebody:
        await somebody.hand_in(HASHES[0])
        await somebody.hand_in(HASHES[1], about="minor")
    lists = world.relay.office.library
    built = {source.name: (await lists.built(source)).lookup for source in lists.sources}
    assert dict(built["own-adults"].sizes) == {HashAlgorithm.SHA256: 1}
    assert dict(built["own-minors"].sizes) == {HashAlgorithm.PDQ: 1}
    assert built["own-adults"].exact(HashAlgorithm.SHA256, bytes.fromhex(HASHES[0]["value"])) == (
        "ncii-unreviewed"
    )


async def test_what_nobody_has_reviewed_is_never_dropped_and_never_relayed(worlds: Worlds) -> None:
    world = await opened(worlds, CONFIG + STRICT)
    async with person(world) as somebody:
        await somebody.hand_in(*HASHES)
        assert await posted(world) == "held"
    await world.relay.office.hash_submissions.accept(1, who="me")
    assert await posted(world) == "dropped"


async def test_what_was_relayed_before_is_stopped_and_nobody_told_until_somebody_looked(
    worlds: Worlds,
) -> None:
    world = await opened(worlds)
    assert await posted(world) == "published"
    async with person(world) as somebody:
        await somebody.hand_in(*HASHES)
    for _ in range(2):
        await world.relay.watch.run_once()
        await world.relay.rematching.run_once()
        world.clock.forward(86_400)
    [found] = await world.relay.office.recalls.all()
    assert (found.recall.state, found.recall.cause) == (RecallState.WAITING, Cause.UNREVIEWED)
    await world.relay.letters.run_once()
    assert not world.server("b.test").arrivals("Flag")


async def test_in_observe_it_is_held_all_the_same(worlds: Worlds) -> None:
    world = await opened(worlds, CONFIG + STRICT.replace("enforce", "observe"))
    async with person(world) as somebody:
        await somebody.hand_in(*HASHES)
    assert await posted(world) == "held"


async def test_what_another_rule_drops_is_dropped(worlds: Worlds) -> None:
    rule = "{name: Not here, when: {from: a.test}, then: drop, reason: not-here}"
    world = await opened(worlds, CONFIG + STRICT.replace("rules: [", f"rules: [{rule}, "))
    async with person(world) as somebody:
        await somebody.hand_in(*HASHES)
    assert await posted(world) == "dropped"


async def test_hashes_of_harmless_pictures_are_overruled_until_somebody_accepts_them(worlds: Worlds) -> None:
    world = await opened(worlds, BASE + WITH_BENIGN + PAGES)
    async with person(world) as somebody:
        await somebody.hand_in(*HASHES)
    famous = ListEntry(HashAlgorithm.SHA256, HASHES[0]["value"], "famous")
    await world.relay.office.lists.add("fine", "f", [famous], who="me")
    assert await posted(world) == "published"
    await world.relay.office.hash_submissions.accept(1, who="me")
    assert await posted(world) == "held"


async def test_with_review_before_nothing_is_in_force_until_it_is_accepted(worlds: Worlds) -> None:
    world = await opened(worlds, CONFIG.replace("pages: true", "pages: true, review: before"))
    submissions = world.relay.office.hash_submissions
    async with person(world) as somebody:
        link = await somebody.hand_in(*HASHES)
        assert await posted(world) == "published"
        assert "not in use yet" in (await somebody.page(link))[1]
        await submissions.accept(1, who="me", note="Thank you.")
        assert await posted(world) == "held"
        assert "Thank you." in (await somebody.page(link))[1]
        await submissions.refuse(1, who="me")
        assert await posted(world) == "published"
        assert "Not used" in (await somebody.page(link))[1]


async def test_more_comes_later_and_waits_for_review_again(worlds: Worlds) -> None:
    world = await opened(worlds)
    submissions = world.relay.office.hash_submissions
    async with person(world) as somebody:
        link = await somebody.hand_in(HASHES[0])
        await submissions.accept(1, who="me")
        status, answer = await somebody.post(f"{link}/hashes", {"hashes": hashes_of(OTHER)})
        assert (status, answer["state"], answer["hashes"]) == (200, "received", 3)
        assert answer["link"].endswith(link)
        assert await posted(world, OTHER) == "held"
        assert (await submissions.accept(1, who="me")).in_force == 3
        with pytest.raises(Conflict):
            await submissions.accept(1, who="me")
        await submissions.withdraw_for(1, who="me")
        assert await posted(world, OTHER) == "published"
        status, answer = await somebody.post(f"{link}/hashes", {"hashes": HASHES})
        assert (status, answer["code"]) == (409, "ended")


async def test_withdrawing_deletes_every_hash_and_leaves_those_of_others(worlds: Worlds) -> None:
    world = await opened(worlds)
    async with person(world) as somebody:
        mine, _yours = [await somebody.hand_in(*HASHES) for _ in range(2)]
        assert (await somebody.withdraw(mine))[0] == 200
        assert await posted(world) == "held"
    office = world.relay.office
    async with office.store.reading() as tx:
        assert await tx.hash_lists.submissions.total() == len(HASHES)
        assert await tx.hash_lists.submissions.parts(1) == []
        states = {
            one.source: (one.state, await tx.hash_lists.packs(one.number))
            for one in await tx.hash_lists.batches()
        }
    assert states == {"submission 1": (BatchState.UNDONE, 0), "submission 2": (BatchState.DONE, 1)}


async def test_a_batch_that_the_operator_undid_is_not_called_in_use(worlds: Worlds) -> None:
    world = await opened(worlds)
    office = world.relay.office
    async with person(world) as somebody:
        link = await somebody.hand_in(*HASHES)
        await office.lists.undo((await office.lists.batches())[0].number, who="me")
        assert "not in use yet" in (await somebody.page(link))[1]
        assert "Taken back" in (await somebody.withdraw(link))[1]


async def test_what_was_answered_is_there_after_a_restart(worlds: Worlds) -> None:
    async with AsyncExitStack() as stack:
        world = await worlds.open(CONFIG, stack=stack)
        async with person(world) as somebody:
            link = await somebody.hand_in(*HASHES)
    world = await opened(worlds)
    async with person(world) as somebody:
        assert "In use" in (await somebody.page(link))[1]
    assert await posted(world) == "held"


@pytest.mark.parametrize(
    ("content_type", "status"),
    [("image/png", 415), ("multipart/form-data; boundary=x", 415), ("application/json", 400)],
)
async def test_a_picture_is_refused_however_it_is_called(
    worlds: Worlds, content_type: str, status: int
) -> None:
    world = await opened(worlds)
    headers = {"Content-Type": content_type}
    async with (
        person(world) as somebody,
        somebody.session.post(f"{somebody.base}/submit", data=PICTURE, headers=headers) as answer,
    ):
        assert answer.status == status
    assert await world.relay.office.hash_submissions.all() == []


@pytest.mark.parametrize(
    ("document", "status", "code"),
    [
        ({"hashes": HASHES}, 400, "bad-about"),
        ({"about": "adult", "hashes": [{**HASHES[0], "name": "me.jpg"}]}, 400, "only-hashes"),
        ({"about": "adult", "hashes": HASHES, "picture": "x" * 1000}, 400, "only-hashes"),
        ({"about": "adult", "hashes": HASHES, "picture": "x" * LARGEST}, 413, "too-large"),
        ({"about": "adult", "hashes": [HASHES[0]] * (MOST_AT_ONCE + 1)}, 413, "too-large"),
    ],
)
async def test_nothing_but_hashes_is_taken(worlds: Worlds, document: object, status: int, code: str) -> None:
    world = await opened(worlds)
    async with person(world) as somebody:
        found, answer = await somebody.post("/submit", document)
        assert (found, answer["code"]) == (status, code)
        link = await somebody.hand_in(*HASHES)
        if code == "bad-about":  # there it goes without saying
            return
        found, answer = await somebody.post(f"{link}/hashes", document)
        assert (found, answer["code"]) == (status, code)


async def test_other_sites_and_strangers_get_nowhere(worlds: Worlds) -> None:
    world = await opened(worlds)
    cross = {"Sec-Fetch-Site": "cross-site"}
    async with person(world) as somebody:
        link = await somebody.hand_in(*HASHES)
        document = {"about": "adult", "hashes": HASHES}
        assert (await somebody.post("/submit", document, headers=cross))[0] == 403
        assert (await somebody.withdraw(link, **cross))[0] == 403
        for guess in ("/submit/" + "0" * 32, "/submit/1", "/submit/..%2f"):
            assert (await somebody.page(guess))[0] == 404
            assert (await somebody.post(f"{guess}/hashes", {"hashes": HASHES}))[0] == 404
            async with somebody.session.get(somebody.base + guess) as answer:
                assert answer.status == 404
        assert (await somebody.post(f"{link}/hashes", {"about": "minor", "hashes": HASHES}))[0] == 409
        async with somebody.session.get(somebody.base + link) as answer:
            assert (await answer.json())["hashes"] == 2
        async with somebody.session.get(somebody.base + "/robots.txt") as answer:
            assert "Allow: /submit$" in await answer.text()


async def test_many_at_once_are_slowed_down_and_everybody_is_told_how_long(worlds: Worlds) -> None:
    world = await opened(worlds, BASE + LISTS + "submit: {pages: true, rate: 2 per hour, most: 5}\n")
    async with person(world) as somebody:
        link = await somebody.hand_in(*HASHES)
        await somebody.hand_in(*HASHES)
        async with somebody.session.post(
            somebody.base + f"{link}/hashes", json={"hashes": hashes_of(OTHER)}
        ) as answer:
            assert answer.status == 429
            assert 0 < int(answer.headers["Retry-After"]) <= 1800
        worlds.clock.forward(3600)
        status, answer = await somebody.post(f"{link}/hashes", {"hashes": hashes_of(OTHER)})
        assert (status, answer["code"]) == (503, "busy")
        assert (await somebody.withdraw(link))[0] == 200
        assert (await somebody.post("/submit", {"about": "adult", "hashes": HASHES}))[0] == 201


async def test_what_ended_is_forgotten_after_a_while(worlds: Worlds) -> None:
    world = await opened(worlds)
    async with person(world) as somebody:
        link = await somebody.hand_in(*HASHES)
        await world.relay.office.hash_submissions.refuse(1, who="me")
        worlds.clock.forward(FORGOTTEN_AFTER + 1)
        await somebody.hand_in(*HASHES)
        assert (await somebody.page(link))[0] == 404
    with pytest.raises(NotFound):
        await world.relay.office.hash_submissions.get(1)
    with pytest.raises(NotFound):
        await world.relay.office.hash_submissions.refuse(9, who="me")


async def test_nothing_of_the_pages_is_kept_and_all_of_it_comes_from_here(worlds: Worlds) -> None:
    world = await opened(worlds)
    async with person(world) as somebody:
        link = await somebody.hand_in(*HASHES)
        for path in ("/submit", link, "/static/submit.js", "/static/pdq.js", "/static/submit.css"):
            async with somebody.session.get(somebody.base + path, headers={"Accept": "text/html"}) as answer:
                assert answer.headers["Cache-Control"] == "no-store", path
        async with somebody.session.get(somebody.base + "/submit") as answer:
            policy = answer.headers["Content-Security-Policy"]
            assert "default-src 'none'" in policy
            assert "connect-src 'self'" in policy
            assert "http" not in policy
            assert answer.headers["Referrer-Policy"] == "no-referrer"
            assert "Set-Cookie" not in answer.headers


async def test_no_page_without_the_setting_and_the_other_list_is_explained(worlds: Worlds) -> None:
    world = await worlds.open(BASE + LISTS)
    async with person(world) as somebody:
        assert (await somebody.page("/submit"))[0] == 404
        assert (await somebody.post("/submit", {"about": "adult", "hashes": HASHES}))[0] == 404
        assert "/submit" not in (await somebody.page("/"))[1]


async def test_a_relay_for_adults_only_says_where_others_can_go(worlds: Worlds, tmp_path: Path) -> None:
    adults = "\n".join(line for line in LISTS.splitlines() if "minor" not in line)
    world = await worlds.open(f"{BASE}{adults}\n{PAGES}")
    async with person(world) as somebody:
        _, text = await somebody.page("/submit")
        assert 'id="minor"' not in text
        assert "takes no fingerprints of it" in text
        document: dict[str, Any] = {"about": "minor", "hashes": HASHES}
        assert (await somebody.post("/submit", document))[0] == 400
        assert "/submit" in (await somebody.page("/"))[1]
