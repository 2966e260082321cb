"""The look at Cloudflare's scanning tool, against a fake of its interface (research by number: safety.md B 9)."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import web

from relay.adapters.scanners.services import cloudflare
from relay.adapters.scanners.services.cloudflare import CloudflareTool
from relay.adapters.scanners.services.connection import ServiceConnection, Way
from relay.adapters.sql.sqlite import SqliteStore
from relay.domain.alerts import AlertKind, ChannelRules
from relay.services.alerts import Alerts
from relay.services.signals import Signals
from relay.services.toolwatch import ToolWatch
from tests.fakes import FakeClock
from tests.services import HTML, always, reply, running
from tests.services.keepers import ZONE, FakeCloudflare

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    async with SqliteStore(tmp_path / "relay.sqlite") as opened:
        yield opened


@asynccontextmanager
async def watching(store: SqliteStore, fake: FakeCloudflare) -> AsyncIterator[tuple[ToolWatch, FakeClock]]:
    clock = FakeClock()
    async with running(fake) as url:
        way = Way(clock=clock, user_agent="Assay/test")
        headers = {"Authorization": "Bearer t"}
        async with ServiceConnection("cloudflare", url, way, timeout=5, headers=headers) as connection:
            channels = (ChannelRules("all", "ntfy", frozenset(AlertKind), 0.0),)
            alerts = Alerts(store=store, clock=clock, signals=Signals(), channels=channels)
            tool = CloudflareTool(connection, ZONE)
            yield ToolWatch(tool, store, clock, alerts, refresh=3600.0), clock


async def titles(store: SqliteStore) -> list[str]:
    async with store.reading() as tx:
        return [message.title for message in await tx.alerts.recent(9)]


async def test_all_is_well(store: SqliteStore) -> None:
    async with watching(store, FakeCloudflare()) as (watch, clock):
        check = await watch.run_once()
        assert (check.problems, check.error, check.checked_at) == ((), None, clock.now())
        async with store.reading() as tx:
            assert await tx.hash_services.checks() == [check]
    assert await titles(store) == []


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "off": ({"enabled": False}, cloudflare.DISABLED),
    "not-said": ({"enabled": None}, cloudflare.DISABLED),
    "no-mail": ({"email": None, "email_state": None}, cloudflare.NO_MAIL),
    "pending": ({"email_state": "pending"}, cloudflare.MAIL["pending"]),
    "unverified": ({"email_state": "unverified"}, cloudflare.MAIL["unverified"]),
    "odd-state": ({"email_state": "lost"}, cloudflare.UNKNOWN_MAIL),
    "no-sources": ({"sources": {}}, cloudflare.NO_SOURCES),
    "sources-off": ({"sources": {"ncmec": False}}, cloudflare.NO_SOURCES),
    "sources-missing": ({"sources": None}, cloudflare.NO_SOURCES),
}


@pytest.mark.parametrize("name", WRONG)
async def test_what_is_wrong_is_said_in_plain_words(store: SqliteStore, name: str) -> None:
    change, problem = WRONG[name]
    fake = FakeCloudflare()
    fake.value |= change
    async with watching(store, fake) as (watch, _):
        assert (await watch.run_once()).problems == (problem,)
        await watch.run_once()
    assert await titles(store) == ["A scanning tool is not set up"]  # once, not at every look


async def test_a_locked_setting(store: SqliteStore) -> None:
    async with watching(store, FakeCloudflare(editable=False)) as (watch, _):
        assert (await watch.run_once()).problems == (cloudflare.LOCKED,)


BROKEN = {
    "html-200": (always(200, HTML), "not documented"),
    "error-in-200": (reply({"success": False, "errors": [{"code": 1000}], "result": None}), "with an error"),
    "no-value": (reply({"success": True, "result": {"id": "csam_scanner"}}), "not documented"),
    "403": (always(403), "answered 403: the token must be valid"),
    "503": (always(503), "answered 503"),
}


@pytest.mark.parametrize("name", BROKEN)
async def test_a_look_that_fails_says_nothing_about_the_tool(store: SqliteStore, name: str) -> None:
    fault, message = BROKEN[name]
    fake = FakeCloudflare()
    fake.value["enabled"] = False
    async with watching(store, fake) as (watch, clock):
        before = await watch.run_once()
        clock.forward(60)
        fake.fault = fault
        check = await watch.run_once()
        assert (check.problems, check.checked_at) == (before.problems, before.checked_at)
        assert check.error is not None
        assert message in check.error
        assert check.error_at == clock.now()
        assert "Bearer" not in check.error


async def test_it_looks_at_once_and_then_on_schedule(store: SqliteStore) -> None:
    fake, looked = FakeCloudflare(), asyncio.Event()

    def fails_later(_request: web.Request) -> web.Response | None:
        if len(fake.asked) > 3:
            looked.set()
        return web.Response(status=503) if len(fake.asked) > 1 else None

    fake.fault = fails_later
    async with watching(store, fake) as (watch, clock), asyncio.TaskGroup() as tasks:
        runner = tasks.create_task(watch.run())
        await looked.wait()
        runner.cancel()
    assert clock.slept[:3] == [3600.0, 600.0, 600.0]
