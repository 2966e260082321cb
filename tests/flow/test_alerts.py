"""People are told: of what, by whom it was asked for, once, after a crash too, and never with what strangers wrote."""

from __future__ import annotations

import json
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest_asyncio

from relay.adapters.media.canary import clean_picture
from relay.adapters.sql.sqlite import SqliteStore
from relay.domain.delivery import Host, Saved
from relay.domain.hashlist import HashAlgorithm, ListEntry
from relay.domain.media import ScanOutcome, ScanResult
from relay.services.alertpost import GIVE_UP_AFTER
from relay.services.blocklists import TOLD_AFTER
from tests.contract.peers import serving
from tests.flow.conftest import BASE, follow
from tests.flow.submitters import submitters
from tests.flow.test_blocklists import CSV, publish, refresh
from tests.flow.test_screen import KNOWN, LOCAL, screened

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from relay.domain.media import Decoded, Digests, Undecodable
    from tests.contract.peers import Exchange
    from tests.flow.conftest import World, Worlds

POLICY = """
policy:
  always:
    - {name: Known, when: {match: known}, then: quarantine, reason: known-match, tell: [child-safety]}
  rules:
    - {name: Incident, when: {from: bad.test}, then: drop, reason: incident, tell: [child-safety]}
    - {name: Text, when: {media: none}, then: relay}
  otherwise: quarantine
"""
HOUR = 3600.0


@dataclass
class Pager:
    """A web hook that people look at. `answers` are given in turn, the last one for ever: status and headers."""

    port: int = 0
    answers: list[tuple[int, tuple[str, ...]]] = field(default_factory=lambda: [(200, ())])
    messages: list[dict[str, Any]] = field(default_factory=list)

    async def take(self, exchange: Exchange) -> None:
        """Answer a request."""
        status, headers = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        self.messages.append(json.loads(exchange.body))
        await exchange.answer(status, b"", *headers)

    def channels(self, *more: str, quiet: str = "15 minutes") -> str:
        """The configuration of `mods`, who take everything, and `child-safety`, who take what names them."""
        mods = f"{{name: mods, kind: webhook, url: 'http://127.0.0.1:{self.port}/mods', quiet: {quiet}}}"
        safety = mods.replace("mods", "child-safety").replace("quiet", "events: [], quiet")
        return "\n".join(["alerts:", *more, "  channels:", f"    - {mods}", f"    - {safety}", ""])

    def told(self, channel: str = "mods") -> list[str]:
        """The titles of what a channel was told, in order; forgotten by that."""
        mine = [one["data"]["title"] for one in self.messages if one["data"]["channel"] == channel]
        self.messages = [one for one in self.messages if one["data"]["channel"] != channel]
        return mine


@asynccontextmanager
async def paging() -> AsyncIterator[Pager]:
    pager = Pager()
    async with serving(pager.take, host="127.0.0.1") as peer:
        pager.port = peer.port
        yield pager


@pytest_asyncio.fixture(loop_scope="session")
async def pager() -> AsyncIterator[Pager]:
    async with paging() as opened:
        yield opened


async def tell(world: World) -> None:
    """Look at what lasts, and send what is due."""
    await world.relay.alerting.watch.run_once()
    await world.relay.alerting.post.run_once()


async def test_a_held_post_is_told_to_whom_its_rule_names_without_a_word_of_strangers(
    worlds: Worlds, pager: Pager
) -> None:
    world = await screened(worlds, BASE + LOCAL + POLICY + pager.channels("  link: https://admin.test/"))
    server = world.server("a.test")
    note = await world.publish(server, server.picture(KNOWN, name="a description"))
    await tell(world)
    mods, safety = sorted(pager.messages, key=lambda one: str(one["data"]["channel"]), reverse=True)
    assert (mods["type"], mods["data"]["title"]) == ("alert.hold", "Held: known-match")
    assert safety["data"]["channel"] == "child-safety"
    [hold] = await world.relay.office.holds.all()
    assert safety["data"]["alerts"][0]["about"] == f"hold {hold.id}"
    assert safety["data"]["link"] == "https://admin.test/"
    assert safety["data"]["text"] == (
        f'Hold {hold.id} waits for a person. Reason known-match, rule "Known". See: assay holds show {hold.id}'
    )
    sent = json.dumps(pager.messages)
    strangers = (
        "a.test",
        "alice",
        note["id"],
        "hello",
        "a description",
        "/media/",
        "csam",
        "sha256",
        "distance",
    )
    assert [word for word in strangers if word in sent] == []


async def test_a_dropped_text_is_told_only_to_whom_its_rule_names(worlds: Worlds, pager: Pager) -> None:
    world = await worlds.open(BASE + POLICY + pager.channels())
    bad, good = await world.subscribe("bad.test"), await world.subscribe("good.test")
    await world.publish(bad)
    await world.publish(good)
    await tell(world)
    assert pager.told("mods") == []
    assert pager.told("child-safety") == ["Dropped: incident"]


async def test_several_are_summed_up_while_it_is_quiet(worlds: Worlds, pager: Pager) -> None:
    world = await screened(worlds, BASE + POLICY + pager.channels())
    server = world.server("a.test")
    for number in range(5):
        await world.publish(server, server.picture(clean_picture(600 + number)))
        await tell(world)
    assert pager.told() == ["Held: needs-review"]
    world.clock.forward(15 * 60 - 1)
    await tell(world)
    assert pager.told() == []
    world.clock.forward(1)
    await tell(world)
    assert pager.told() == ["4 alerts about held posts"]


async def test_what_was_committed_before_a_crash_is_sent_after_it(worlds: Worlds, pager: Pager) -> None:
    config = BASE + POLICY + pager.channels()
    async with AsyncExitStack() as stack:
        world = await worlds.open(config, stack=stack)
        await world.subscribe("a.test")
        await world.publish(world.server("a.test"), world.server("a.test").picture(clean_picture(620)))
    assert pager.messages == []
    world = await worlds.open(config)
    await tell(world)
    assert len(pager.told()) == 1
    await tell(world)
    assert pager.told() == []


async def test_a_message_is_repeated_with_its_id_until_it_is_taken(worlds: Worlds, pager: Pager) -> None:
    pager.answers = [(500, ()), (429, ("Retry-After: 3600",)), (200, ())]
    world = await worlds.open(BASE.replace("open", "approve") + pager.channels())
    server = world.server("a.test")
    await world.post(server.actor(), follow(server))
    await tell(world)
    await tell(world)
    assert len(pager.messages) == 1
    world.clock.forward(20)
    await tell(world)
    world.clock.forward(HOUR - 1)
    await tell(world)
    assert len(pager.messages) == 2
    world.clock.forward(1)
    await tell(world)
    first, second, third = pager.messages
    assert first == second == third
    assert dict(world.relay.tally.counts) == {("alerts", "failed"): 2, ("alerts", "sent"): 1}
    [record] = await world.relay.office.alerts.recent(5)
    assert (record.state.value, record.attempts, record.error) == ("sent", 3, None)


async def test_who_cannot_be_reached_for_days_is_given_up_and_that_is_on_record(
    worlds: Worlds, pager: Pager
) -> None:
    pager.answers = [(404, ())]
    world = await worlds.open(BASE.replace("open", "approve") + pager.channels())
    server = world.server("a.test")
    await world.post(server.actor(), follow(server))
    alerts = world.relay.office.alerts
    while (await alerts.recent(1))[0].state.value != "given-up":
        world.clock.forward(HOUR)
        await tell(world)
    assert world.clock.now() - (await alerts.recent(1))[0].created_at > GIVE_UP_AFTER
    attempts = len(pager.messages)
    assert 15 < attempts < 40
    assert (await alerts.recent(1))[0].error == "status 404"
    pager.answers = [(200, ())]
    world.clock.forward(30 * 24 * HOUR)
    await tell(world)
    assert len(pager.messages) == attempts
    assert await alerts.retry(None) == 1
    await tell(world)
    assert len(pager.messages) == attempts + 1
    assert await alerts.counts() == {"mods": {"sent": 1}}
    await world.relay.upkeep.run_once()
    assert await alerts.counts() == {"mods": {"sent": 1}}
    world.clock.forward(31 * 24 * HOUR)
    await world.relay.upkeep.run_once()
    assert await alerts.counts() == {}


async def test_a_channel_that_is_gone_gets_nothing_more(worlds: Worlds, pager: Pager) -> None:
    async with AsyncExitStack() as stack:
        world = await worlds.open(BASE.replace("open", "approve") + pager.channels(), stack=stack)
        server = world.server("a.test")
        await world.post(server.actor(), follow(server))
    world = await worlds.open(BASE)
    await world.relay.alerting.run()
    [record] = await world.relay.office.alerts.recent(5)
    assert (record.state.value, record.error) == ("given-up", "there is no such channel any more")
    assert pager.messages == []


# ------------------------------------------------------------------------------------------ of what


async def test_a_server_that_waits_for_approval_is_told_once(worlds: Worlds, pager: Pager) -> None:
    world = await worlds.open(BASE.replace("open", "approve") + pager.channels())
    server = world.server("a.test")
    await world.post(server.actor(), follow(server))
    await world.post(server.actor(), follow(server, number=2))
    await tell(world)
    [message] = pager.messages
    assert (message["data"]["title"], message["data"]["count"]) == ("A server wants to subscribe", 1)
    assert "a.test" not in json.dumps(message)


async def test_a_list_of_servers_that_fails_again_and_again_is_told_once(
    worlds: Worlds, pager: Pager
) -> None:
    config = BASE.replace("subscriptions: open", f"subscriptions: open, blocklists: [{CSV}]")
    world = await worlds.open(config + pager.channels())
    for failures in range(1, TOLD_AFTER + 3):
        await refresh(world)
        await tell(world)
        assert pager.told() == (["A list of servers cannot be read"] if failures == TOLD_AFTER else [])


async def test_a_sudden_change_of_a_list_of_servers_is_told(worlds: Worlds, pager: Pager) -> None:
    config = BASE.replace("subscriptions: open", f"subscriptions: open, blocklists: [{CSV}]")
    world = await worlds.open(config + pager.channels())
    publish(world, *(f"s{number}.test,suspend,,,," for number in range(50)))
    await refresh(world)
    publish(world)
    await refresh(world)
    await refresh(world)
    await tell(world)
    [message] = pager.messages
    assert message["data"]["text"].startswith('"dni" would gain 0 and lose 50 servers')


async def test_a_key_that_is_exchanged_or_revoked_is_told(worlds: Worlds, pager: Pager) -> None:
    world = await worlds.open(BASE + pager.channels(quiet="0 seconds"))
    keys = world.relay.office.keys
    name = await keys.rotate(who="cli:ann")
    await tell(world)
    await keys.revoke(name, who="cli:ann", note=None)
    await tell(world)
    assert pager.told() == ["A new attestation key", "An attestation key was revoked"]


async def test_a_hash_list_that_grew_is_told(worlds: Worlds, pager: Pager) -> None:
    world = await worlds.open(BASE + pager.channels())
    entry = ListEntry(HashAlgorithm.SHA256, "ab" * 32, "csam", "them", "")
    for _ in range(2):  # the second time nothing is new
        await world.relay.office.lists.add("local", "a file", [entry], who="cli:ann")
    await tell(world)
    [message] = pager.messages
    assert message["data"]["text"] == ('"local": 1 new entries, imported by cli:ann. See: assay lists list')


async def test_a_submitted_file_on_a_list_is_told(worlds: Worlds, pager: Pager) -> None:
    world = await screened(worlds, BASE + LOCAL + POLICY + pager.channels())
    async with submitters(world, "a.test") as [server]:
        await server.final(await server.send(KNOWN))
    await tell(world)
    assert pager.told("child-safety") == ["A submitted file is on a list: known-match"]
    assert pager.told("mods") == ["A submitted file is on a list: known-match"]


async def test_holds_that_nobody_looks_at_are_told_once_a_day(worlds: Worlds, pager: Pager) -> None:
    world = await screened(worlds, BASE + POLICY + pager.channels("  holds_wait: 24 hours"))
    server = world.server("a.test")
    for number in range(2):
        await world.publish(server, server.picture(clean_picture(640 + number)))
    await tell(world)
    pager.told()
    told: list[str] = []
    for _ in range(50):
        world.clock.forward(HOUR)
        await tell(world)
        told += pager.told()
    assert told == ["2 holds wait for long", "2 holds wait for long"]
    for hold in await world.relay.office.holds.all():
        await world.relay.office.holds.drop(hold.id, who="test", note=None)
    world.clock.forward(72 * HOUR)
    await tell(world)
    assert pager.told() == []


class Down:
    """A scanner whose service is down until it is not."""

    name, version, attests, methods = "vendor", "1", False, ("sha256",)

    def __init__(self) -> None:
        self.is_up = False

    async def scan(
        self, digests: Digests, decoded: Decoded | Undecodable, content: bytes | None = None
    ) -> ScanResult:
        outcome = ScanOutcome.NO_KNOWN_MATCH if self.is_up else ScanOutcome.UNAVAILABLE
        return ScanResult(outcome, reason=None if self.is_up else "timeout", versions={"vendor": "1"})


async def test_a_scanner_that_is_down_is_told_once_each_time(worlds: Worlds, pager: Pager) -> None:
    world = await screened(worlds, BASE + pager.channels("  scanner_down: 10 minutes"))
    server, scanner = world.server("a.test"), Down()
    world.relay.inspector.scanners = [scanner]
    numbers = iter(range(660, 690))

    async def minutes(count: int) -> list[str]:
        for _ in range(count):
            await world.publish(server, server.picture(clean_picture(next(numbers))))
            world.clock.forward(60)
            await tell(world)
        return [title for title in pager.told() if "scanner" in title]

    assert await minutes(10) == []
    assert await minutes(4) == ["A scanner does not answer"]
    scanner.is_up = True
    assert await minutes(1) == []
    scanner.is_up = False
    assert await minutes(10) == []
    assert await minutes(2) == ["A scanner does not answer"]


async def failing(world: World, names: Sequence[str], since: float | None) -> None:
    """Write that these servers fail since a time, or do not fail."""
    hosts = {name: Host(5, since or 0.0, "timeout", since, None) for name in names}
    async with world.relay.office.store.transaction() as tx:
        await tx.fanout.save(Saved(0, {}), moved={}, stragglers={}, hosts=hosts, counts={}, skipped={})


async def test_half_of_the_subscribers_out_of_reach_is_told_once(worlds: Worlds, pager: Pager) -> None:
    world = await worlds.open(BASE + pager.channels(quiet="0 seconds"))
    names = [f"s{number}.test" for number in range(6)]
    for name in names:
        await world.subscribe(name)
    await failing(world, names[:2], world.clock.now())
    world.clock.forward(HOUR)
    await tell(world)
    assert pager.told() == []  # two are always down somewhere
    await failing(world, names[2:4], world.clock.now())
    world.clock.forward(HOUR - 1)
    await tell(world)
    assert pager.told() == []
    world.clock.forward(1)
    for _ in range(3):
        await tell(world)
    [message] = pager.messages
    assert message["data"]["text"].startswith("4 of 6 subscribers cannot be reached for an hour.")
    await failing(world, names[4:], world.clock.now() - 2 * HOUR)
    pager.told()
    await failing(world, names, None)
    await tell(world)
    assert pager.told() == []


async def test_without_channels_nothing_is_kept(worlds: Worlds) -> None:
    world = await screened(worlds, BASE + LOCAL + POLICY)
    await world.publish(world.server("a.test"), world.server("a.test").picture(KNOWN))
    assert await world.relay.office.alerts.counts() == {}
    store = world.relay.office.store
    assert isinstance(store, SqliteStore)
    async with store.reading() as tx:
        assert await tx.alerts.recent(5) == []
