"""Lists that are fetched, against fakes of their keepers that speak as documented (research by number: safety.md B)."""

from __future__ import annotations

import asyncio
import time
from base64 import b64encode
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import web

from relay.adapters.scanners.comparing import compare
from relay.adapters.scanners.keepers import ncmec, stopncii, threatexchange
from relay.adapters.scanners.library import ListLibrary, ListSource
from relay.adapters.scanners.services.connection import ServiceConnection, Way
from relay.domain.alerts import AlertKind, ChannelRules
from relay.domain.errors import Conflict, NotFound, RemoteError
from relay.domain.hashlist import BatchState, Effects, ListPurpose
from relay.domain.listsync import OVERLAP
from relay.services import listmerge
from relay.services.alerts import Alerts
from relay.services.lists import SCHEDULE, Lists
from relay.services.listsync import AT_WORK, SHORTEST, Kept, ListSync
from relay.services.signals import Signals
from tests.fakes import FakeClock
from tests.services import HTML, FakeService, always, reply, running
from tests.services.keepers import (
    FakeNcmec,
    FakeStopNcii,
    FakeThreatExchange,
    Shared,
    graph_error,
    record,
    signal,
    xml,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from relay.domain.listsync import Progress
    from relay.ports.listsync import Keeper
    from tests.databases import Database

DAY = 86_400.0
SECRETS = ("secret", b64encode(b"me:secret").decode(), "subscription", "function", "1|token")


@dataclass
class Bench:
    """A fake keeper, and what fetches from it."""

    store: Database
    clock: FakeClock
    keeper: Keeper
    sync: ListSync
    lists: Lists

    async def fetch(self, **more: Any) -> Any:
        return await self.sync.sync("a", who="me", **more)

    async def held(self) -> set[str]:
        """The hashes on the list."""
        source = ListSource("a", None, "csam", ListPurpose.ABUSE, fetched=True)
        library = ListLibrary([source], self.store)
        return {entry async for entry in standing(library, source)}

    @property
    async def state(self) -> Any:
        return (await self.sync.states())["a"]


async def standing(library: ListLibrary, source: ListSource) -> AsyncIterator[str]:
    from relay.adapters.scanners.exporting import standing as entries

    for entry in entries([pack async for pack in library.packs(source)]):
        yield f"{entry.algorithm}:{entry.value.lstrip('0')}"


@asynccontextmanager
async def bench(store: Database, fake: FakeService, clock: FakeClock | None = None, **more: Any) -> Any:
    clock = clock or FakeClock()
    async with running(fake) as url:
        headers = {
            FakeNcmec: {"Authorization": "Basic " + b64encode(b"me:secret").decode()},
            FakeStopNcii: {"Ocp-Apim-Subscription-Key": "subscription", "x-functions-key": "function"},
            FakeThreatExchange: {},
        }[type(fake)]
        way = Way(clock=clock, user_agent="Assay/test")
        async with ServiceConnection("a", url, way, timeout=5, headers=headers) as connection:
            name = {FakeNcmec: "keeper", FakeStopNcii: "adults", FakeThreatExchange: "graph"}[type(fake)]
            keeper = made(fake, connection, f"https://{name}.example", **more)
            channels = (ChannelRules("all", "ntfy", frozenset(AlertKind), 0.0),)
            alerts = Alerts(store=store, clock=clock, signals=Signals(), channels=channels)
            lists = Lists(store, clock, alerts, compare)
            sync = ListSync(store, clock, lists, alerts, [Kept("a", keeper, 6 * 3600.0)])
            yield Bench(store, clock, keeper, sync, lists)


def made(fake: FakeService, connection: ServiceConnection, url: str, **more: Any) -> Keeper:
    if isinstance(fake, FakeNcmec):
        return ncmec.Ncmec("a", connection, url=url, category="csam", members=more.get("members", ()))
    if isinstance(fake, FakeStopNcii):
        return stopncii.StopNcii("a", connection, url=url, category="ncii")
    tags = more.get("tags", ())
    shared = {"token": "1|token", "group": 7, "category": "known", "tags": tags}
    return threatexchange.ThreatExchange("a", connection, url=url, **shared)


def md5(number: int) -> dict[str, str]:
    return {"md5": f"{number:032x}"}


def pdq(number: int) -> str:
    return f"{number:064x}"


def shared(number: int, at: float, **more: Any) -> Shared:
    return Shared(f"e{number}", at, md5(number), **more)


# ------------------------------------------------------------------------------------------- NCMEC
async def test_every_fingerprint_is_taken_or_counted(store: Database) -> None:
    clock = FakeClock()
    prints = {
        "md5": "a" * 32,
        "sha1": "B" * 40,
        "pdq": "c" * 64,
        "pdna": "zzz",
        "netclean": "x",
        "videntifier": "x",
        "tmk_pdqf": "x",
        "ssvh_pdna": "x",
        "ssvh_safer_hash": "x",
        "brandnew": "x",
    }
    fake = FakeNcmec(
        entries=[
            Shared("1", clock.now() - 9, prints),
            Shared("2", clock.now() - 9, {"md5": "d" * 32, "sha1": "", "pdq": "none"}, kind="video"),
        ]
    )
    async with bench(store, fake, clock) as it:
        done = await it.fetch()
        assert await it.held() == {
            f"md5:{'a' * 32}",
            f"sha1:{'b' * 40}",
            f"pdq:{'c' * 64}",
            f"md5:{'d' * 32}",
        }
    assert done.effects == Effects(added=4)
    assert (done.statements, done.pages, done.whole) == (2, 1, True)
    unusable = ("pdna", "netclean", "videntifier", "tmk_pdqf", "ssvh_pdna", "ssvh_safer_hash")
    assert done.unused == {**dict.fromkeys(unusable, 1), "unknown fingerprint": 1, "bad pdq": 1}


async def test_trap_11_pages_out_of_time_order_lose_nothing(store: Database) -> None:
    clock = FakeClock()
    now = clock.now()
    times = [now - 5, now - 9 * DAY, now - 1, now - 400 * DAY, now - 2]
    fake = FakeNcmec(entries=[shared(number, at) for number, at in enumerate(times, 1)])
    async with bench(store, fake, clock) as it:
        await it.fetch()
        assert await it.held() == {f"md5:{number}" for number in range(1, 6)}
        assert (await it.state).checkpoint == now - 1
        # A page in which the newest comes last, and an older word about the same entry after it.
        clock.forward(DAY)
        fake.entries = [
            Shared("e1", now + 20, md5(11)),
            shared(6, now + 5),
            Shared("e1", now + 10, md5(1)),
            Shared("e2", now + 30, deleted=True),
            shared(7, now + 40),
            shared(2, now + 25),
        ]
        await it.fetch()
        assert await it.held() == {f"md5:{name}" for name in ("b", "3", "4", "5", "6", "7")}


async def test_trap_11_the_checkpoint_moves_only_after_the_last_page(store: Database) -> None:
    clock = FakeClock()
    fake = FakeNcmec(entries=[shared(number, clock.now() - number) for number in range(1, 6)])
    asked = iter([None, web.Response(status=403)])
    fake.fault = lambda _request: next(asked, None)
    async with bench(store, fake, clock) as it:
        with pytest.raises(RemoteError):
            await it.fetch()
        assert ((await it.state).checkpoint, await it.held()) == (0.0, set())
        assert (await it.state).error == "status: a answered 403"
        fake.asked.clear()
        done = await it.fetch()
        # It goes on behind the page that was stored, in the same stretch of time.
        assert [request.query.get("start") for request in fake.asked] == ["3", "5"]
        assert done.effects == Effects(added=5)
        assert (await it.state).error is None


async def test_trap_11_a_next_of_twelve_hours_ago_is_not_followed(store: Database) -> None:
    clock = FakeClock()
    fake = FakeNcmec(entries=[shared(number, clock.now() - number) for number in range(1, 4)])
    asked = iter([None, web.Response(status=503), web.Response(status=503), web.Response(status=503)])
    fake.fault = lambda _request: next(asked, None)
    async with bench(store, fake, clock) as it:
        with pytest.raises(RemoteError):
            await it.fetch()
        clock.forward(ncmec.PATIENCE + 1)
        fake.asked.clear()
        fake.entries.insert(0, shared(9, clock.now() - 1))
        await it.fetch()
        assert [request.query.get("start") for request in fake.asked] == [None, "3"]
        assert await it.held() == {"md5:1", "md5:2", "md5:3", "md5:9"}


async def test_a_next_that_the_keeper_forgot_is_given_up(store: Database) -> None:
    clock = FakeClock()
    fake = FakeNcmec(entries=[shared(number, clock.now() - number) for number in range(1, 4)], forgets=True)
    async with bench(store, fake, clock) as it:
        with pytest.raises(RemoteError):
            await it.fetch()
        fake.forgets = False
        fake.asked.clear()
        await it.fetch()
        assert [request.query.get("start") for request in fake.asked] == [None, "3"]


async def test_times_are_utc_wherever_the_relay_is(store: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "America/New_York")
    time.tzset()
    try:
        clock = FakeClock(1_508_858_400.0)  # 2017-10-24T15:20:00Z
        fake = FakeNcmec(entries=[shared(1, clock.now() - 60)])
        async with bench(store, fake, clock) as it:
            await it.fetch()
            assert fake.asked[0].query["from"] == "1970-01-01T00:00:00.000Z"
            assert fake.asked[0].query["to"] == "2017-10-24T15:20:00.000Z"
            clock.forward(DAY)
            await it.fetch()
            assert fake.asked[1].query["from"] == "2017-10-24T14:19:00.000Z"
            assert (await it.state).checkpoint == clock.now() - DAY - 60
    finally:
        monkeypatch.undo()
        time.tzset()


async def test_a_tombstone_takes_all_its_hashes_but_those_that_another_entry_has(store: Database) -> None:
    clock = FakeClock()
    now = clock.now()
    fake = FakeNcmec(
        entries=[
            Shared("one", now - 9, {**md5(1), "sha1": f"{1:040x}"}, member=1),
            Shared("two", now - 9, {**md5(1), "pdq": pdq(2)}, member=2),
            Shared("one", now - 9, md5(5), member=3),
            Shared("one", now - 9, md5(6), member=1, kind="video"),
        ]
    )
    async with bench(store, fake, clock) as it:
        await it.fetch()
        assert await it.held() == {"md5:1", "sha1:1", "pdq:2", "md5:5", "md5:6"}
        clock.forward(DAY)
        fake.entries = [Shared("one", now + 9, member=1, deleted=True)]
        done = await it.fetch()
        assert await it.held() == {"md5:1", "pdq:2", "md5:5", "md5:6"}
        assert done.effects.removed == 1
        clock.forward(DAY)
        fake.entries = [Shared("two", now + DAY, {"pdq": pdq(2)}, member=2)]
        done = await it.fetch()
        assert await it.held() == {"pdq:2", "md5:5", "md5:6"}
        # One that was never there takes nothing.
        clock.forward(DAY)
        fake.entries = [Shared("nine", now + 2 * DAY, deleted=True)]
        assert (await it.fetch()).batch is None
        assert (await it.state).checkpoint == now + 2 * DAY


async def test_take_it_down_is_one_member(store: Database) -> None:
    clock = FakeClock()
    at = clock.now() - 9
    fake = FakeNcmec(entries=[shared(1, at, member=7), shared(2, at, member=8), shared(3, at, member=77)])
    async with bench(store, fake, clock, members=(7,)) as it:
        done = await it.fetch()
        assert await it.held() == {"md5:1"}
        assert done.unused == {"of other members": 2}
        assert it.keeper.place == "https://keeper.example members 7"


async def test_what_stretches_of_time_have_in_common_makes_no_batch(store: Database) -> None:
    clock = FakeClock()
    fake = FakeNcmec(entries=[shared(1, clock.now() - 9)])
    async with bench(store, fake, clock) as it:
        first = await it.fetch()
        clock.forward(60)
        again = await it.fetch()
        assert (first.batch, again.batch, again.statements) == (1, None, 1)
        # What shows up late, with a time before the checkpoint, is found.
        fake.entries.append(shared(2, clock.now() - OVERLAP / 2))
        assert (await it.fetch()).effects.added == 1


# ------------------------------------------------------------------------------------------- StopNCII
async def test_trap_12_withdrawn_and_deleted_go_at_once(store: Database) -> None:
    clock = FakeClock()
    at = int(clock.now()) - 9
    fake = FakeStopNcii(
        records=[
            record(pdq(1), at, "Received"),
            record(pdq(2), at, "Active"),
            record(f"{3:032x}", at, kind="VideoMD5"),
            record(pdq(4), at, caseNumbers={"a": "Withdrawn", "b": "Active"}),
            record(pdq(5), at, caseNumbers={"a": "Withdrawn", "b": "Deleted"}),
            record(pdq(6), at, caseNumbers={}, CSPFeedbacks=[{"source": "x", "feedbackValue": "Withdrawn"}]),
            record(pdq(7), at, caseNumbers={}, CSPFeedbacks=[{"source": "x", "feedbackValue": "Blocked"}]),
            record(pdq(8), at, "Withdrawn"),
            record("x", at, kind="VideoTMK"),
            record("x", at, kind="Text"),
            record("x", at, kind="Hologram"),
            record(pdq(9), at, "Pondered"),
            record("x", at),
        ]
    )
    async with bench(store, fake, clock) as it:
        done = await it.fetch()
        assert await it.held() == {"pdq:1", "pdq:2", "md5:3", "pdq:4", "pdq:7"}
        assert done.unused == {"VideoTMK": 1, "Text": 1, "unknown type": 1, "unknown status": 1, "bad pdq": 1}
        assert fake.asked[0].query["startTimestamp"] == "10"
        clock.forward(DAY)
        fake.records = [record(pdq(1), at + 500, "Withdrawn"), record(pdq(2), at + 600, "Deleted")]
        done = await it.fetch()
        assert done.effects.removed == 2
        assert await it.held() == {"md5:3", "pdq:4", "pdq:7"}
        assert (await it.state).checkpoint == at + 600


async def test_pages_that_lead_nowhere_end(store: Database) -> None:
    page = {"count": 0, "nextSetTimestamp": 1, "hasMoreRecords": True, "hashRecords": []}
    for token in (None, "", "t"):
        fake = FakeStopNcii(fault=reply({**page, "nextPageToken": token}))
        async with bench(store, fake) as it:
            with pytest.raises(RemoteError, match="not documented"):
                await it.fetch()
        assert len(fake.asked) <= 2


# ------------------------------------------------------------------------------------------- ThreatExchange
async def test_signals_with_opinions_and_deletions(store: Database) -> None:
    clock = FakeClock()
    at = int(clock.now()) - 90
    fake = FakeThreatExchange(
        updates=[
            signal(pdq(1), at, 1),
            signal(pdq(2), at + 1, 2, "NON_MALICIOUS"),
            signal(pdq(3), at + 2, 3, "UNKNOWN"),
            signal("http://x.example", at + 3, 4, type="URI"),
            signal(pdq(5), at + 4, 5, should_delete=True),
            signal("x", at + 5, 6),
        ]
    )
    async with bench(store, fake, clock) as it:
        done = await it.fetch()
        assert await it.held() == {"pdq:1", "pdq:3"}
        assert done.unused == {"NON_MALICIOUS": 1, "URI": 1, "bad value": 1}
        assert done.pages == 3
        clock.forward(DAY)
        deletion = {"id": "1", "type": "HASH_PDQ", "last_updated": at + 100, "should_delete": True}
        fake.updates = [deletion, signal(pdq(3), at + 101, 3, "NON_MALICIOUS")]
        assert (await it.fetch()).effects.removed == 2
        assert await it.held() == set()
        assert fake.asked[-1].query["start_time"] == str(int(at + 5 - OVERLAP))


async def test_the_token_stays_out_of_what_is_stored(store: Database) -> None:
    clock = FakeClock()
    at = int(clock.now()) - 90
    fake = FakeThreatExchange(updates=[signal(pdq(number), at, number) for number in range(1, 6)])
    asked = iter([None, web.Response(status=403)])
    fake.fault = lambda _request: next(asked, None)
    async with bench(store, fake, clock) as it:
        with pytest.raises(RemoteError) as caught:
            await it.fetch()
        [batch] = await it.lists.batches("a")
        assert "after=2" in batch.progress
        assert not [one for one in SECRETS if one in f"{batch}{await it.state}{caught.value!r}"]
        assert (await it.fetch()).effects.added == 5


async def test_a_limit_of_the_graph_api_is_no_refusal(store: Database) -> None:
    fake = FakeThreatExchange(fault=lambda _request: graph_error(4))
    async with bench(store, fake) as it:
        with pytest.raises(RemoteError, match="answered 400 with code 4") as caught:
            await it.fetch()
        assert caught.value.temporary
        assert (await it.state).next_at >= it.clock.now() + threatexchange.REST
        fake.fault = lambda _request: graph_error(190, 401)
        with pytest.raises(RemoteError, match="code 190") as caught:
            await it.fetch()
        assert not caught.value.temporary
        fake.fault = always(400, '{"error": {"code": "x"}}')
        with pytest.raises(RemoteError, match="answered 400"):
            await it.fetch()


async def test_tags_choose(store: Database) -> None:
    clock = FakeClock()
    other = {"data": [{"status": "MALICIOUS", "tags": ["other"]}]}
    at = int(clock.now()) - 90
    fake = FakeThreatExchange(updates=[signal(pdq(1), at, 1), signal(pdq(2), at, 2, descriptors=other)])
    async with bench(store, fake, clock, tags=("media_priority",)) as it:
        assert (await it.fetch()).unused == {"other tags": 1}
        assert await it.held() == {"pdq:1"}


async def test_after_ninety_days_everything_is_fetched_anew(store: Database) -> None:
    clock = FakeClock()
    at = int(clock.now()) - 90
    fake = FakeThreatExchange(updates=[signal(pdq(1), at, 1), signal(pdq(2), at, 2)])
    async with bench(store, fake, clock) as it:
        await it.fetch()
        clock.forward(86 * DAY)
        fake.updates = [signal(pdq(2), at, 2)]  # that 1 was deleted is no longer told
        done = await it.fetch()
        assert (done.whole, done.effects.removed, await it.held()) == (True, 1, {"pdq:2"})
        assert "start_time" not in fake.asked[-1].query


ODD = {
    "no-id": {"data": [{"last_updated": 1}]},
    "no-time": {"data": [{"id": "1"}]},
    "odd-time": {"data": [{"id": "1", "last_updated": "soon"}]},
    "next-elsewhere": {"data": [], "paging": {"next": "https://evil.example/8/threat_updates?after=1"}},
    "next-empty": {"data": [], "paging": {"next": "https://evil.example/7/threat_updates"}},
    "error": {"error": {"code": 1}},
}


@pytest.mark.parametrize("name", ODD)
async def test_odd_answers_of_the_graph_api(store: Database, name: str) -> None:
    async with bench(store, FakeThreatExchange(fault=reply(ODD[name]))) as it:
        with pytest.raises(RemoteError, match="not documented"):
            await it.fetch()


async def test_times_of_the_graph_api_in_words(store: Database) -> None:
    clock = FakeClock()
    update = signal(pdq(1), 0, 1, last_updated="2026-01-01T00:00:00+0000")
    async with bench(store, FakeThreatExchange(fault=reply({"data": [update]})), clock) as it:
        await it.fetch()
        assert (await it.state).checkpoint == 1_767_225_600.0


# ------------------------------------------------------------------------------------------- what all share
BROKEN = {
    "html-502": (always(502, HTML), "status"),
    "html-200": (always(200, HTML), "bad-answer"),
    "empty": (always(200, ""), "bad-answer"),
    "error-in-200": (reply({"error": "quota exceeded"}), "bad-answer"),
    "xml-error-in-200": (lambda _request: xml("<error>no</error>"), "bad-answer"),
    "redirect": (always(302, "", Location="/elsewhere"), "status"),
    "401": (always(401), "status"),
    "too-large": (always(200, "x" * (33 << 20)), "bad-answer"),
}


@pytest.mark.parametrize("name", BROKEN)
async def test_what_is_not_documented_changes_nothing(store: Database, name: str) -> None:
    fault, code = BROKEN[name]
    at = 1_700_000_000
    for kind in (FakeNcmec, FakeStopNcii, FakeThreatExchange):
        fake = kind(fault=fault)
        clock = FakeClock(at + 9.0)
        async with bench(store, fake, clock) as it:
            with pytest.raises(RemoteError) as caught:
                await it.fetch()
            assert caught.value.code == code
            state = await it.state
            assert (state.checkpoint, state.failures, state.error_at) == (0.0, 1, clock.now())
            assert not [one for one in SECRETS if one in f"{state}{caught.value!r}"]
            assert await it.lists.batches("a") == []
        assert "/elsewhere" not in fake.paths


ENTRY = '<member id="1"/><timestamp>2026-01-01T00:00:00Z</timestamp><id>a</id>'
ODD_XML = {
    "no-member": "<images><image><timestamp>2026-01-01T00:00:00Z</timestamp><id>a</id></image></images>",
    "odd-member": f"<images><image>{ENTRY.replace('1', 'x', 1)}</image></images>",
    "two-members": f'<images><image>{ENTRY}<member id="2"/></image></images>',
    "no-id": f"<images><image>{ENTRY.replace('<id>a</id>', '')}</image></images>",
    "no-time": f"<images><image>{ENTRY.replace('2026-01-01T00:00:00Z', 'soon')}</image></images>",
    "other-entry": f"<images><sound>{ENTRY}</sound></images>",
    "next-elsewhere": "<paging><next>https://evil.example/v2/entries?a=b</next></paging>",
    "next-of-another-call": "<paging><next>@evil.example/v2/entries?</next></paging>",
    "not-closed": "<images>",
    "deep": "<a>" * 20 + "</a>" * 20,
}


@pytest.mark.parametrize("name", ODD_XML)
async def test_odd_answers_of_ncmec(store: Database, name: str) -> None:
    fake = FakeNcmec(fault=lambda _request: xml(f"<queryResult>{ODD_XML[name]}</queryResult>"))
    async with bench(store, fake) as it:
        with pytest.raises(RemoteError, match="not documented"):
            await it.fetch()


async def test_xml_without_a_zone_is_utc_and_a_document_type_is_refused(store: Database) -> None:
    prints = f"<fingerprints><md5>{'a' * 32}</md5></fingerprints>"
    entry = f"<images><image>{ENTRY.replace('Z<', '<')}{prints}</image></images>"
    fake = FakeNcmec(fault=lambda _request: xml(f"<queryResult>{entry}</queryResult>"))
    async with bench(store, fake) as it:
        await it.fetch()
        assert (await it.state).checkpoint == min(1_767_225_600.0, it.clock.now())
        bomb = '<!DOCTYPE a [<!ENTITY b "bb"><!ENTITY c "&b;&b;">]><queryResult>&c;</queryResult>'
        fake.fault = lambda _request: xml(bomb)
        with pytest.raises(RemoteError, match="not documented"):
            await it.fetch()


async def test_a_keeper_that_is_busy_is_asked_again_when_it_said(store: Database) -> None:
    clock = FakeClock()
    fake = FakeNcmec(entries=[shared(1, clock.now() - 9)])
    answers = iter([web.Response(status=429, headers={"Retry-After": "30"}), web.Response(status=503)])
    fake.fault = lambda _request: next(answers, None)
    async with bench(store, fake, clock) as it:
        assert (await it.fetch()).effects.added == 1
        assert clock.slept[0] >= 30.0
        fake.fault = always(429, Retry_After="7200")
        with pytest.raises(RemoteError):
            await it.fetch()
        assert len(clock.slept) == 2  # that long nobody waits
        assert (await it.state).next_at >= clock.now() + 7200


async def test_failures_make_it_wait_longer_and_the_third_is_told(store: Database) -> None:
    fake = FakeStopNcii(fault=always(500))
    async with bench(store, fake) as it:
        waits = []
        for _ in range(3):
            assert await it.sync.run_once("a") is None
            waits.append((await it.state).next_at - it.clock.now())
            fake.asked.clear()
            assert await it.sync.run_once("a") is None
            assert not fake.asked
            it.clock.forward(waits[-1])
        assert waits == sorted(waits)
        assert waits[0] < waits[2]
        async with store.reading() as tx:
            told = await tx.alerts.recent(9)
        assert [message.title for message in told] == ["A hash list cannot be fetched"]


async def test_the_schedule_fetches_what_is_due(store: Database) -> None:
    clock = FakeClock()
    fake = FakeNcmec(entries=[shared(1, clock.now() - 9)])
    async with bench(store, fake, clock) as it:
        done = await it.sync.run_once("a")
        assert done is not None
        [batch] = await it.lists.batches("a")
        assert (batch.who, batch.since, batch.source) == (SCHEDULE, 0.0, "https://keeper.example")
        assert await it.sync.run_once("a") is None
        clock.forward(7 * 3600.0)
        assert await it.sync.run_once("a") is not None
        async with store.reading() as tx:  # a list that grows every day is no news
            assert await tx.alerts.recent(9) == []
        asked = asyncio.Event()
        fake.fault = lambda _request: asked.set()
        async with asyncio.TaskGroup() as tasks:
            runner = tasks.create_task(it.sync.run())
            await asked.wait()
            runner.cancel()


async def test_two_at_once_do_not_harm_each_other(store: Database) -> None:
    clock = FakeClock()
    fake = FakeNcmec(entries=[shared(number, clock.now() - number) for number in range(1, 10)])
    async with bench(store, fake, clock) as it:
        found = await asyncio.gather(it.fetch(), it.sync.sync("a", who=SCHEDULE), return_exceptions=True)
        assert [one for one in found if not isinstance(one, Exception)]
        assert all(isinstance(one, Conflict) for one in found if isinstance(one, Exception))
        assert await it.held() == {f"md5:{number}" for number in range(1, 10)}


async def test_the_schedule_leaves_a_person_alone_for_a_while(store: Database) -> None:
    clock = FakeClock()
    fake = FakeNcmec(entries=[shared(number, clock.now() - number) for number in range(1, 4)])
    asked = iter([None, web.Response(status=403)])
    fake.fault = lambda _request: next(asked, None)
    async with bench(store, fake, clock) as it:
        with pytest.raises(RemoteError):
            await it.fetch()
        fake.asked.clear()
        async with store.transaction() as tx:
            await tx.hash_lists.syncs.save(replace(await it.state, next_at=0.0))
        assert await it.sync.run_once("a") is None
        assert not fake.asked
        clock.forward(AT_WORK + 1)
        assert (await it.sync.run_once("a")).effects.added == 3


async def test_a_preview_changes_nothing_and_is_not_fetched_twice(store: Database) -> None:
    clock = FakeClock()
    now = clock.now()
    fake = FakeNcmec(entries=[shared(1, now - 9), shared(2, now - 9)])
    async with bench(store, fake, clock) as it:
        await it.fetch()
        clock.forward(DAY)
        fake.entries = [Shared("e1", now + 5, deleted=True), shared(3, now + 6), shared(4, now + 7)]
        seen = await it.sync.preview("a", who="me")
        assert seen.effects == Effects(added=2, removed=1, unchanged=1)
        assert await it.held() == {"md5:1", "md5:2"}
        assert (await it.state).checkpoint == now - 9
        fake.asked.clear()
        done = await it.fetch()
        assert done.effects == seen.effects
        assert not fake.asked
        assert await it.held() == {"md5:2", "md5:3", "md5:4"}


async def test_what_is_undone_is_neither_fetched_by_itself_nor_forgotten(store: Database) -> None:
    clock = FakeClock()
    now = clock.now()
    fake = FakeNcmec(entries=[shared(1, now - 9)])
    async with bench(store, fake, clock) as it:
        await it.fetch()
        clock.forward(DAY)
        fake.entries.append(shared(2, now + 5))
        second = await it.fetch()
        clock.forward(DAY)
        fake.entries.append(Shared("e1", now + DAY, deleted=True))
        third = await it.fetch()
        clock.forward(DAY)
        fake.entries.append(shared(3, now + 2 * DAY))
        fake.page, answers = 1, iter([None, web.Response(status=403)])
        fake.fault = lambda _request: next(answers, None)
        with pytest.raises(RemoteError):
            await it.fetch()  # leaves a batch that is loading
        undone = await it.lists.undo(second.batch, who="me")
        assert [one.number for one in undone] == [second.batch, third.batch]
        assert await it.held() == {"md5:1"}
        state = await it.state
        assert (state.waits, state.checkpoint) == (True, now - 9)
        clock.forward(30 * DAY)
        assert await it.sync.run_once("a") is None
        assert await it.held() == {"md5:1"}
        again = await it.fetch()
        assert again.effects == Effects(added=2, removed=1)
        assert await it.held() == {"md5:2", "md5:3"}
        assert not (await it.state).waits
        states = [one.state for one in await it.lists.batches("a")]
        assert states == [BatchState.DONE, BatchState.UNDONE, BatchState.UNDONE, BatchState.DONE]


async def test_another_place_begins_anew_and_replaces(store: Database) -> None:
    clock = FakeClock()
    at = clock.now() - 9
    fake = FakeNcmec(entries=[shared(1, at, member=1), shared(2, at, member=2)])
    async with bench(store, fake, clock) as it:
        await it.fetch()
    async with bench(store, fake, clock, members=(2,)) as it:
        done = await it.fetch()
        assert (done.whole, await it.held()) == (True, {"md5:2"})


async def test_everything_anew_when_asked_and_an_interrupted_one_is_gone_on_with(store: Database) -> None:
    clock = FakeClock()
    at = clock.now() - 9
    fake = FakeNcmec(entries=[shared(number, at) for number in range(1, 4)])
    async with bench(store, fake, clock) as it:
        await it.fetch()
        fake.entries = [shared(number, at) for number in range(2, 5)]
        answers = iter([None, web.Response(status=403)])
        fake.fault = lambda _request: next(answers, None)
        with pytest.raises(RemoteError):
            await it.fetch(whole=True)
        fake.asked.clear()
        done = await it.fetch()
        assert (done.whole, len(fake.asked)) == (True, 1)
        assert done.effects == Effects(added=1, removed=1, unchanged=2)
        assert await it.held() == {"md5:2", "md5:3", "md5:4"}


async def test_an_empty_list_is_not_fetched_whole_for_ever(store: Database) -> None:
    async with bench(store, FakeNcmec()) as it:
        assert (await it.fetch()).whole
        it.clock.forward(SHORTEST)
        assert not (await it.fetch()).whole
        assert len(await it.lists.batches("a")) == 1


async def test_long_lists_are_worked_out_piece_by_piece_and_go_on_after_a_crash(
    store: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listmerge, "AT_ONCE", 3)
    clock = FakeClock()
    at = clock.now() - 9
    fake = FakeNcmec(entries=[shared(number, at) for number in range(1, 11)], page=4)
    async with bench(store, fake, clock) as it:
        steps = list[int]()

        def dies(progress: Progress) -> None:
            if progress.merged:
                steps.append(1)
                if len(steps) == 2:
                    raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            await it.fetch(told=dies)
        assert await it.held() == set()
        fake.asked.clear()
        done = await it.fetch()
        assert not fake.asked
        assert done.effects == Effects(added=10)
        clock.forward(DAY)
        fake.entries = [Shared(f"e{number}", at + DAY, deleted=True) for number in range(1, 9)]
        assert (await it.fetch()).effects.removed == 8
        assert await it.held() == {"md5:9", "md5:a"}


async def test_a_list_that_nobody_configured(store: Database) -> None:
    async with bench(store, FakeNcmec()) as it:
        with pytest.raises(NotFound):
            await it.sync.sync("b", who="me")
