"""The facts that policies decide on, from the post to the stored decision; and lists that others keep."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

import pytest

from relay.adapters.media.canary import clean_picture
from relay.domain.errors import RemoteError
from relay.domain.facts import Facts
from relay.domain.policy import decide
from tests.flow.conftest import BASE
from tests.flow.test_blocklists import HEADER, Dataset, change

if TYPE_CHECKING:
    from tests.flow.conftest import World, Worlds

PUBLIC = "https://www.w3.org/ns/activitystreams#Public"
ALICE = "https://a.test/users/alice"


def policy(*rules: str, lists: str = "{}", media: str = "") -> str:
    """A configuration with these rules; what none of them names is relayed."""
    written = "".join(f"    - {rule}\n" for rule in rules)
    return (
        f"{BASE}{media}policy:\n  on_scanner_error: quarantine\n  lists: {lists}\n  rules:\n{written}"
        "  otherwise: relay\n"
    )


async def opened(worlds: Worlds, config: str) -> World:
    world = await worlds.open(config)
    for name in ("a.test", "b.test"):
        await world.subscribe(name)
    return world


async def decided(world: World, note: dict[str, Any]) -> dict[str, Any]:
    told = await world.why(note["id"])
    decision: dict[str, Any] = told["decisions"][-1]
    return decision


async def publish(world: World, *media: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Let alice of a.test post a note and settle; return what was decided."""
    server = world.server("a.test")
    note = server.note(*media, **more)
    await world.post(server.actor("/users/alice", "Person"), server.create(note))
    await world.settle()
    return await decided(world, note)


TAGS = [
    {"type": "Hashtag", "name": "#Crypto", "href": "https://a.test/tags/crypto"},
    {"type": "Mention", "href": "https://b.test/users/bob", "name": "@bob@b.test"},
    {"type": "Mention", "href": "https://b.test/users/eve", "name": "@eve@b.test"},
]
SAYS: dict[str, Any] = {"tag": TAGS, "contentMap": {"pt-BR": "olá"}, "sensitive": True}


@pytest.mark.parametrize(
    "when",
    [
        "hashtags: list:unwanted",
        "mentions: more than 1",
        "language: pt",
        "sensitive: yes",
        f"actor: {ALICE}",
        "from: a.test",
    ],
)
async def test_a_post_without_media_is_decided_by_what_it_says(worlds: Worlds, when: str) -> None:
    rule = f"{{name: Says, when: {{{when}}}, then: drop}}"
    world = await opened(worlds, policy(rule, lists="{unwanted: [crypto, nft]}"))
    assert (await publish(world, **SAYS))["rule"] == "Says"
    other = await world.publish(world.server("b.test"))
    assert (await decided(world, other))["rule"] == "otherwise"


async def test_many_authors_do_not_hide_who_sends_it(worlds: Worlds) -> None:
    world = await opened(worlds, policy(f"{{name: Alice, when: {{actor: {ALICE}}}, then: drop}}"))
    others = [f"https://a.test/users/{number}" for number in range(40)]
    server = world.server("a.test")
    note = server.note(attributedTo=[*others, ALICE])
    await world.post(server.actor("/users/alice", "Person"), {**server.create(note), "actor": ALICE})
    await world.settle()
    assert (await decided(world, note))["rule"] == "Alice"


async def test_the_facts_are_kept_and_can_be_decided_on_again(worlds: Worlds) -> None:
    world = await opened(worlds, policy("{name: Says, when: {hashtags: crypto}, then: drop}"))
    content = clean_picture(1)
    found = await publish(world, world.server("a.test").picture(content), **SAYS)
    facts = found["facts"]
    assert (facts["actor"], facts["hashtags"], facts["language"]) == ([ALICE], ["crypto"], ["pt-br"])
    assert (facts["mentions"], facts["sensitive"]) == (2, "yes")
    assert (facts["media count"], facts["media size"], facts["media type"]) == (
        1,
        len(content),
        ["image/jpeg"],
    )
    again = decide(world.relay.office.decider.policy, Facts.from_json(facts), world.clock.now())
    assert (again.would, again.rule, again.policy) == ("drop", "Says", found["policy"])


async def test_the_type_of_a_file_is_that_of_its_content(worlds: Worlds) -> None:
    world = await opened(
        worlds, policy("{name: JPEG, when: {media type: image/jpeg}, then: drop, reason: x}")
    )
    server = world.server("a.test")
    picture = {**server.picture(clean_picture(2)), "mediaType": "image/webp"}
    assert (await publish(world, picture))["rule"] == "JPEG"


async def test_the_type_of_a_file_that_cannot_be_had_is_what_the_post_says(worlds: Worlds) -> None:
    world = await opened(worlds, policy("{name: Video, when: {media type: video/*}, then: drop, reason: x}"))
    gone = {"type": "Document", "mediaType": "Video/MP4; codecs=x", "url": "https://a.test/nothing.mp4"}
    found = await publish(world, gone)
    assert (found["rule"], found["facts"]["media type"]) == ("Video", ["video/mp4"])
    assert found["facts"]["media size"] is None


async def test_a_file_that_is_too_large_to_fetch_does_not_slip_past_a_rule_about_size(
    worlds: Worlds,
) -> None:
    rule = "{name: Large, when: {media size: more than 1 kB}, then: drop, reason: large}"
    world = await opened(worlds, policy(rule, media="media: {max_size: 1 kB}\n"))
    server = world.server("a.test")
    picture = server.picture(clean_picture(3))
    world.fediverse.server("a.test").serve(
        picture["url"].removeprefix("https://a.test"), b"x" * 5_000, "image/png"
    )
    found = await publish(world, picture)
    assert found["rule"] == "Large"
    assert found["facts"]["media size"] == 1_001


async def test_whom_a_relay_names_without_proof_is_no_fact(worlds: Worlds) -> None:
    world = await opened(worlds, policy("{name: B, when: {from: b.test}, then: relay-marked}"))
    # a.test is a relay that passes on what b.test wrote, without proof: only what b.test itself says counts.
    author, relay = world.server("b.test"), world.server("a.test").actor()
    note = author.note()
    brought = {**author.create(note), "actor": "https://b.test/users/somebody", "object": note["id"]}
    receipt = await world.post(relay, brought)
    assert receipt.code == "screening"
    await world.settle()
    assert (await decided(world, note))["facts"]["actor"] == ["https://b.test/users/alice"]


async def test_who_announces_is_a_fact_beside_the_author(worlds: Worlds) -> None:
    world = await opened(worlds, policy("{name: A, when: {actor: 'https://a.test/actor'}, then: drop}"))
    note, announcer = world.server("b.test").note(), world.server("a.test").actor()
    announce = {"id": f"{announcer.id}/9", "type": "Announce", "actor": announcer.id, "object": note["id"]}
    await world.post(announcer, {**announce, "to": [PUBLIC]})
    await world.settle()
    found = await decided(world, note)
    assert found["facts"]["actor"] == [announcer.id, "https://b.test/users/alice"]
    assert found["facts"]["from"] == ["a.test", "b.test"]
    assert found["rule"] == "A"


async def test_the_scanner_that_found_a_match_is_a_fact(worlds: Worlds) -> None:
    from relay.adapters.media.canary import canary_pictures

    world = await opened(
        worlds, policy("{name: Listed, when: {list: canary}, then: drop, reason: on-a-list}")
    )
    canary = next(iter(canary_pictures().values()))
    found = await publish(world, world.server("a.test").picture(canary))
    assert (found["rule"], found["facts"]["list"]) == ("Listed", ["canary"])


# ------------------------------------------------------------------------ lists that others keep
LISTED = "{name: Listed, when: {from: list:dni}, then: drop, reason: listed}"
FIRES = "{dni: {fires: 'https://fires.test/datasets/1', refresh: 1 hour}}"
CSV = "{dni: {csv: 'https://lists.test/dni.csv'}}"


async def test_a_fires_dataset_is_used_by_the_policy_and_blocks_nobody_by_itself(worlds: Worlds) -> None:
    world = await opened(worlds, policy(LISTED, lists=FIRES))
    dataset = Dataset(world.server("fires.test"))
    dataset.say(change(1, "a.test"), change(2, "b.test", policy="filter"))
    assert (await publish(world))["rule"] == "otherwise"  # nothing was read yet
    [outcome] = await world.relay.moderation.schedule.run_once()
    assert (outcome.list, outcome.gained) == ("policy:dni", 2)
    assert await world.relay.moderation.policy_lists.run_once()
    assert not world.relay.blocks.blocked("a.test")
    assert (await publish(world))["rule"] == "Listed"
    other = await world.publish(world.server("b.test"))
    assert (await decided(world, other))["rule"] == "otherwise"  # what is only filtered is not meant
    assert not await world.relay.moderation.policy_lists.run_once()


async def test_a_csv_at_an_address_covers_subdomains_and_survives_a_restart(worlds: Worlds) -> None:
    async with AsyncExitStack() as stack:
        world = await worlds.open(policy(LISTED, lists=CSV), stack=stack)
        lists = world.server("lists.test")
        lists.serve("/dni.csv", f"{HEADER}a.test,suspend,,,,\n".encode(), "text/csv")
        await world.relay.moderation.schedule.run_once()
    world = await worlds.open(policy(LISTED, lists=CSV))
    members = dict(world.relay.office.decider.policy.lists)["dni"]
    assert members == {"a.test", "*.a.test"}


async def test_a_list_that_cannot_be_had_changes_nothing(worlds: Worlds) -> None:
    world = await opened(worlds, policy(LISTED, lists=CSV))
    lists = world.server("lists.test")
    lists.serve("/dni.csv", f"{HEADER}a.test,suspend,,,,\n".encode(), "text/csv")
    await world.relay.moderation.schedule.run_once()
    await world.relay.moderation.policy_lists.run_once()
    before = world.relay.office.decider.policy
    lists.fault = RemoteError("down")
    world.clock.forward(86_400)
    [outcome] = await world.relay.moderation.schedule.run_once()
    assert outcome.error
    assert not await world.relay.moderation.policy_lists.run_once()
    assert world.relay.office.decider.policy is before
    assert (await publish(world))["rule"] == "Listed"


async def test_another_policy_is_filled_at_the_next_look(worlds: Worlds) -> None:
    world = await opened(worlds, policy(LISTED, lists=CSV))
    lists = world.server("lists.test")
    lists.serve("/dni.csv", f"{HEADER}a.test,suspend,,,,\n".encode(), "text/csv")
    await world.relay.moderation.schedule.run_once()
    decider = world.relay.office.decider
    written = decider.policy
    await world.relay.moderation.policy_lists.run_once()
    decider.policy = written  # as if the configuration had been loaded again
    assert await world.relay.moderation.policy_lists.run_once()
    assert dict(decider.policy.lists)["dni"]
