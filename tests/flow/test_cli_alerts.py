"""Who is told of what, at a prompt."""

from __future__ import annotations

import asyncio
import json
import socket
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from relay.adapters.sql.sqlite import SqliteStore
from relay.adapters.system import SystemClock
from relay.domain import alertwords
from relay.services.alerts import Alerts
from relay.services.signals import Signals
from tests.flow.operators import Operator, at_a_prompt, documented, with_a_relay

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from relay.domain.alerts import Alert


class Hook(BaseHTTPRequestHandler):
    """Takes what is posted to /good and nothing else."""

    taken: ClassVar[list[dict[str, Any]]] = []

    def do_POST(self) -> None:
        """Answer a request."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        good = self.path == "/good"
        if good:
            self.taken.append(json.loads(body))
        self.send_response(200 if good else 403)
        self.end_headers()
        self.wfile.write(b"\x1b[2Jthanks" if good else b"go away")

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def port() -> Iterator[int]:
    Hook.taken.clear()
    with ThreadingHTTPServer(("127.0.0.1", 0), Hook) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


@pytest.fixture
def nobody() -> Iterator[int]:
    """A port at which nobody listens, and nobody else can."""
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        yield reserved.getsockname()[1]


@pytest.fixture
def operator(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, port: int, nobody: int) -> Operator:
    operator = with_a_relay(at_a_prompt(tmp_path, monkeypatch))
    config = tmp_path / "config.yaml"
    here = f"http://127.0.0.1:{port}"
    channels = f"""\
  channels:
    - {{name: mods, kind: webhook, url: "{here}/good"}}
    - {{name: phone, kind: ntfy, url: "{here}/bad", events: [hold], quiet: 1 hour}}
    - {{name: safety, kind: webhook, url: "http://127.0.0.1:{nobody}/", events: []}}
"""
    text = config.read_text()
    assert text.count("  channels: []\n") == 1
    config.write_text(text.replace("  channels: []\n", channels))
    return operator


async def note(operator: Operator, *alerts: Alert) -> None:
    """Note alerts, as the relay does."""
    from relay.config import values
    from relay.config.load import load

    clock = SystemClock()
    settings = load(operator.folder / "config.yaml", {}, clock.now()).require().settings
    async with SqliteStore(operator.database) as store:
        service = Alerts(store=store, clock=clock, signals=Signals(), channels=values.channel_rules(settings))
        async with store.transaction() as tx:
            for alert in alerts:
                await service.note(tx, alert)
            for message in await tx.alerts.claim(now=clock.now(), until=clock.now() + 600, most=9):
                if message.channel == "phone":
                    await tx.alerts.give_up(message.id, clock.now(), "status 403: \x1b[2Jgo away")
                else:
                    await tx.alerts.delay(message.id, clock.now() + 600, "timeout")


def test_a_test_alert_shows_what_was_answered(operator: Operator) -> None:
    taken = operator.ask("alerts", "test", "mods")
    assert set(taken) == documented("alerts", "test")
    assert taken["accepted"] is True
    [sent] = Hook.taken
    assert (sent["type"], sent["data"]["channel"], sent["data"]["title"]) == (
        "alert.test",
        "mods",
        "A test alert",
    )
    shown = operator.run("alerts", "test", "mods").stdout
    assert shown.startswith("mods took a test alert: status 200: ")
    assert "\x1b" not in shown
    assert operator.ask("alerts", "test", "phone", status=1)["answer"] == "status 403: go away"
    assert "phone refused a test alert" in operator.run("alerts", "test", "phone", status=1).stdout
    operator.fail("alerts", "test", "safety", status=69, code="unreachable")
    problem = operator.fail("alerts", "test", "mod", status=1, code="not-found")
    assert problem["detail"].endswith("there are: mods, phone, safety")
    assert operator.ask("alerts", "list")["messages"] == []  # a test leaves nothing behind


def test_channels_and_messages_are_listed_and_tried_again(operator: Operator) -> None:
    assert operator.ask("status")["alerts"] == {}
    assert "Alerts" not in operator.run("status").stdout
    asyncio.run(note(operator, alertwords.holds_wait(7, 24, "once"), alertwords.subscriber_waits(3)))
    found = operator.ask("alerts", "list")
    assert [(one["name"], one["quiet"], one["messages"]) for one in found["channels"]] == [
        ("mods", 900, {"sealed": 2}),
        ("phone", 3600, {"given-up": 1}),
        ("safety", 900, {}),
    ]
    assert {"channels", "messages", *found["messages"][0]} == documented("alerts", "list")
    lost = next(one for one in found["messages"] if one["channel"] == "phone")
    assert (lost["kind"], lost["state"], lost["next_at"], lost["title"]) == (
        "hold",
        "given-up",
        None,
        "7 holds wait for long",
    )
    shown = operator.run("alerts", "list").stdout
    assert "\x1b" not in shown
    for words in (
        "everything",
        "only what names it",
        "given up: status 403",
        "failed: timeout; again in 9 minutes",
    ):
        assert words in shown
    assert operator.ask("status")["alerts"] == {"sealed": 2, "given-up": 1}
    assert "1 given up -> assay alerts list" in operator.run("status").stdout
    assert operator.ask("alerts", "retry", "phone") == {"messages": 1}
    assert set(operator.ask("alerts", "retry")) == documented("alerts", "retry")
    assert "3 messages are tried again" in operator.run("alerts", "retry").stdout
    assert "Nothing waits" in operator.run("alerts", "retry", "safety").stdout
    operator.fail("alerts", "retry", "mod", status=1, code="not-found")


def test_without_channels_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    operator = with_a_relay(at_a_prompt(tmp_path, monkeypatch))
    assert "Nobody is told anything" in operator.run("alerts", "list").stdout
    assert operator.ask("alerts", "list") == {"channels": [], "messages": []}
