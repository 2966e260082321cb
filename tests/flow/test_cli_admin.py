"""Making sign-in links and ending sessions at a prompt, beside a relay that may run."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING

import pytest

from relay.adapters.sql.sqlite import SqliteStore
from relay.adapters.system import SystemClock
from relay.services.admins import Admins
from tests.flow.operators import Operator, at_a_prompt, documented, with_a_relay

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def relay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Operator:
    return with_a_relay(at_a_prompt(tmp_path, monkeypatch))


def use(relay: Operator, address: str) -> None:
    """Open a session with a link, as its button does."""

    async def opened() -> None:
        async with SqliteStore(relay.folder / "data" / "relay.sqlite") as store:
            await Admins(store, SystemClock()).open(address.partition("link=")[2], agent="a browser")

    asyncio.run(opened())


def test_a_link_is_printed_alone_so_that_it_can_be_copied(relay: Operator) -> None:
    done = relay.run("admin", "link")
    assert re.fullmatch(r"http://127\.0\.0\.1:8081/sign-in\?link=[\w-]{43}\n", done.stdout)
    assert "Send it to nobody" in done.stderr


def test_links_sessions_and_signing_out(relay: Operator) -> None:
    assert "Nobody is signed in" in relay.run("admin", "sessions").stdout
    for _ in range(2):
        made = relay.ask("admin", "link")
        assert set(made) == documented("admin", "link")
        use(relay, made["link"])
    rows = relay.ask("admin", "sessions")["sessions"]
    assert [(row["who"], row["browser"]) for row in rows] == [("admin", "a browser")] * 2
    assert "a browser" in relay.run("admin", "sessions").stdout
    assert relay.ask("admin", "sign-out", str(rows[0]["number"])) == {"ended": 1}
    assert "1 session is ended" in relay.run("admin", "sign-out").stdout
    relay.fail("admin", "sign-out", "77", status=1, code="not-found")
    assert relay.ask("admin", "sessions") == {"sessions": []}


def test_the_link_leads_through_the_proxy_where_there_is_one(relay: Operator) -> None:
    path = relay.folder / "config.yaml"
    path.write_text("admin: {url: https://admin.example}\n")
    assert relay.ask("admin", "link")["link"].startswith("https://admin.example/sign-in?link=")
    path.write_text('admin: {listen: "[::]:9000"}\n')
    assert relay.ask("admin", "link")["link"].startswith("http://[::1]:9000/sign-in?link=")
