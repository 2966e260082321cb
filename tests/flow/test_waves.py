"""Waves of spam are noticed and braked; what people do every day is not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from relay.adapters.media.canary import clean_picture
from relay.domain.waves.brake import Kind
from relay.services.accounts import written_at
from tests.flow.conftest import BASE
from tests.flow.spammers import DAY, FILLER, HOUR, Crowd, spam

if TYPE_CHECKING:
    from tests.flow.conftest import World, Worlds

pytestmark = pytest.mark.databases

SERVERS = 5


async def crowd(world: World, count: int = SERVERS) -> Crowd:
    """A crowd on servers that subscribe."""
    return Crowd(world, [await world.subscribe(f"s{number}.test") for number in range(count)])


def codes(receipts: list[Any]) -> list[str]:
    return [receipt.code for receipt in receipts]


async def waves(world: World) -> list[Any]:
    return await world.relay.office.waves.all()


# -------------------------------------------------------------------- what is a wave


async def test_a_wave_like_that_of_february_2024_is_braked_after_the_first_dozen(world: World) -> None:
    spammers = await crowd(world)
    receipts = await spammers.wave(40)
    assert codes(receipts) == ["published"] * 9 + ["deferred"] * 31
    [report] = await waves(world)
    brake = report.brake
    assert (brake.cover.kind, brake.name, report.on) == (Kind.TEXT, "spam wave 1", True)
    assert brake.evidence == {"accounts": 10, "servers": 5}
    assert report.stopped.deferred == 31
    assert len(brake.before) == 9  # these are gone, and it is known which they were
    assert brake.before[0] == "https://s0.test/notes/1"


async def test_the_decision_names_the_wave(world: World) -> None:
    spammers = await crowd(world)
    receipts = await spammers.wave(11)
    told = await world.why(str(receipts[-1].seq))
    [decision] = told["decisions"]
    assert (decision["rule"], decision["reason"]) == ("spam wave 1", "spam-wave")
    assert (decision["verb"], decision["effective"]) == ("defer", "defer")
    assert decision["trace"][-1] == {"phase": "brake", "rule": "spam wave 1", "unmet": None}
    assert decision["policy"] == world.relay.office.decider.policy.id


async def test_the_same_picture_with_other_words_is_a_wave(world: World) -> None:
    spammers = await crowd(world)
    for number in range(14):
        actor = spammers.account(number)
        await spammers.say(actor, f"<p>{FILLER[number]}</p>", actor.server.picture(clean_picture(5)))
        await world.settle()
    [report] = await waves(world)
    assert report.brake.cover.kind is Kind.PICTURE
    assert report.stopped.deferred == 5
    quiet = spammers.account(99, age=400 * DAY)
    await spammers.say(quiet, "<p>what is this picture?</p>", quiet.server.picture(clean_picture(5)))
    await world.settle()
    assert (await waves(world))[0].stopped.deferred == 5  # who has been here for long is not stopped


async def test_a_new_account_that_mentions_everybody_is_braked_alone(world: World) -> None:
    spammers = await crowd(world)
    actor, other = spammers.account(0), spammers.account(SERVERS)
    found = []
    for number in range(12):
        people = [f"https://m{number}.test/users/p{one}" for one in range(5)]
        receipt, _ = await spammers.say(actor, f"<p>{FILLER[number]}</p>", mentions=people)
        found.append(receipt.code)
    assert found == ["published"] * 8 + ["deferred"] * 4
    receipt, _ = await spammers.say(other, "<p>hi</p>", mentions=["https://m1.test/users/p1"])
    assert receipt.code == "published"
    [report] = await waves(world)
    assert report.brake.cover.account == actor.id


async def test_the_new_accounts_of_a_server_that_mention_everybody_together_are_braked(world: World) -> None:
    spammers = await crowd(world, 1)
    found = []
    for number in range(50):
        people = [f"https://m{number}.test/users/p{one}" for one in range(5)]
        receipt, _ = await spammers.say(
            spammers.account(number), f"<p>{FILLER[number % 20]}</p>", mentions=people
        )
        found.append(receipt.code)
    assert found == ["published"] * 32 + ["deferred"] * 18
    [report] = await waves(world)
    assert report.brake.cover.server == "s0.test"


async def test_a_server_far_above_its_own_usual_is_deferred_but_not_those_who_post_as_always(
    worlds: Worlds,
) -> None:
    world = await worlds.open(BASE.replace("open}", "open, rate: unlimited}"))
    people = await crowd(world, 1)
    neighbour = people.account(1, age=400 * DAY)
    for hour in range(25):
        await people.say(neighbour, f"<p>good hour {hour}</p>")
        world.clock.forward(HOUR)
    flooder = people.account(2, age=400 * DAY)
    found = [(await people.say(flooder, f"<p>{number}</p>"))[0].code for number in range(85)]
    assert found == ["published"] * 79 + ["deferred"] * 6
    assert (await people.say(neighbour, "<p>what is going on?</p>"))[0].code == "published"
    [report] = await waves(world)
    assert report.brake.cover.kind is Kind.RATE
    assert report.brake.evidence["usual"] == 1


async def test_accounts_whose_servers_say_no_age_are_new_until_they_have_been_here_for_a_while(
    world: World,
) -> None:
    spammers = await crowd(world)
    for number in range(30):
        await spammers.say(spammers.account(number, age=None), f"<p>{FILLER[number % 20]} {number}</p>")
    await world.relay.brakes.keeper.run_once()
    world.clock.forward(8 * DAY)
    assert codes(await spammers.wave(15, age=None)) == ["published"] * 15
    assert codes(await spammers.wave(11, first=100, age=None))[-2:] == ["deferred"] * 2


async def test_a_server_that_came_only_now_may_say_of_its_accounts_what_it_likes(worlds: Worlds) -> None:
    world = await worlds.open(BASE)
    await world.publish(await world.subscribe("old.test"))
    world.clock.forward(30 * DAY)
    spammers = await crowd(world)
    assert codes(await spammers.wave(12, age=900 * DAY))[-1] == "deferred"


@pytest.mark.parametrize(
    ("written", "at"),
    [
        ("2026-11-22T00:00:00Z", 1_795_305_600.0),
        ("2026-11-22T00:00:00.256+00:00", 1_795_305_600.256),
        ("2026-11-22", 1_795_305_600.0),
        ("soon", None),
        ("", None),
        (7, None),
        ("0001-01-01T00:00:00+14:00", -62_135_647_200.0),
    ],
)
def test_since_when_an_account_says_it_exists(written: object, at: float | None) -> None:
    assert written_at({"published": written}) == at
    assert written_at([]) is None


# -------------------------------------------------------------------- what is not


async def test_a_boost_cascade_is_no_wave(world: World) -> None:
    people = await crowd(world)
    receipt, note = await people.say(people.account(0), spam(1))
    assert receipt.code == "published"
    for server in people.servers:
        announce = {"type": "Announce", "actor": server.actor().id, "object": note["id"]}
        await world.post(server.actor(), announce | {"id": server.url("/boosts/1")})
    await world.settle()
    assert await waves(world) == []


async def test_thirty_weather_bots_on_one_old_server_are_no_wave(world: World) -> None:
    bots = await crowd(world, 1)
    for number in range(30):
        text = (
            f"<p>The weather in {FILLER[number % 20]} today: sunny with clouds in the afternoon, wind from the west, "
            f"temperatures between {number} and 20 degrees, no rain expected until tomorrow morning</p>"
        )
        receipt, _ = await bots.say(bots.account(number, age=400 * DAY), text)
        assert receipt.code == "published"
    assert await waves(world) == []


async def test_a_meme_that_people_post_who_have_been_here_for_long_is_no_wave(world: World) -> None:
    people = await crowd(world)
    for number in range(20):
        actor = people.account(number, age=30 * DAY)
        await people.say(actor, spam(number), actor.server.picture(clean_picture(6)))
        await world.settle()
    assert await waves(world) == []


@pytest.mark.parametrize(
    "greeting",
    [
        "Happy new year everybody! 🎉",
        "A happy new year to all of you, and all the best for 2027!",
        "Frohes neues Jahr euch allen und einen guten Rutsch!",
        "あけましておめでとうございます。今年もよろしくお願いします",
        "祝大家新年快乐万事如意",
        "Good morning fediverse",
        "#introduction hello, I am new here",
        "ha " * 300,
    ],
)
async def test_greetings_of_new_accounts_are_no_wave(world: World, greeting: str) -> None:
    people = await crowd(world)
    for number in range(25):
        assert (await people.say(people.account(number), f"<p>{greeting}</p>"))[0].code == "published"
    assert await waves(world) == []


async def test_a_server_that_comes_back_after_an_outage_is_no_flood(worlds: Worlds) -> None:
    world = await worlds.open(BASE.replace("open}", "open, rate: unlimited}"))
    people = await crowd(world, 1)
    writer = people.account(1, age=400 * DAY)
    for hour in range(25):
        await people.say(writer, f"<p>good hour {hour}</p>")
        world.clock.forward(HOUR)
    for number in range(120):
        receipt, _ = await people.say(writer, f"<p>{number}</p>", published="2026-11-22T00:00:00Z")
        assert receipt.code == "published"
    assert await waves(world) == []


async def test_who_thanks_for_a_warm_welcome_is_no_flood(world: World) -> None:
    people = await crowd(world)
    actor = people.account(0)
    for number in range(35):
        receipt, _ = await people.say(
            actor, "<p>thank you!</p>", mentions=[f"https://m.test/users/p{number}"]
        )
        assert receipt.code == "published"
    assert await waves(world) == []


async def test_exempt_servers_are_never_part_of_a_wave(worlds: Worlds) -> None:
    world = await worlds.open(BASE + 'brake: {exempt: [s0.test, "s1.test", s2.test, s3.test, s4.test]}\n')
    people = await crowd(world)
    assert set(codes(await people.wave(30))) == {"published"}
    assert await waves(world) == []
