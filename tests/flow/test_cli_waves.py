"""`assay waves` and `assay incident` as an operator uses them."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from relay.adapters.sql.sqlite import SqliteStore
from relay.adapters.system import SystemClock
from relay.domain.log import ActivityState
from relay.domain.policy import Verb
from relay.domain.waves.brake import Brake, BrakeState, Cover, Kind
from relay.domain.waves.wording import Sketch
from relay.services.decide import ruled
from tests.contract.test_store import settled
from tests.flow.operators import Operator, at_a_prompt, documented, incoming, keys_of, with_a_relay

if TYPE_CHECKING:
    from pathlib import Path


async def put_a_wave(database: Path) -> None:
    """A wave that holds two posts and has deferred one."""
    now = SystemClock().now()
    wave = Brake(
        id=0,
        cover=Cover(Kind.TEXT, text=Sketch((1, 2, 3))),
        verb=Verb.DEFER,
        observed=False,
        state=BrakeState.ACTIVE,
        started_at=now - 60,
        until=now + 6 * 3600,
        latest=now + 48 * 3600,
        who="relay",
        evidence={"accounts": 10, "servers": 5},
        before=("https://gone.example/1",),
    )
    states = (ActivityState.HELD, ActivityState.HELD, ActivityState.DEFERRED)
    decision = ruled(Verb.QUARANTINE, "spam wave 1", "spam-wave")
    async with SqliteStore(database) as store, store.transaction() as tx:
        number = await tx.brakes.add(wave)
        await tx.activities.receive(
            [
                (
                    incoming(f"https://spam.example/{n}", now),
                    replace(
                        settled(state=state, at=now), brake=number, decision=decision, due_at=now + 99_999
                    ),
                )
                for n, state in enumerate(states)
            ]
        )


@pytest.fixture
def operator(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Operator:
    made = with_a_relay(at_a_prompt(tmp_path, monkeypatch))
    asyncio.run(put_a_wave(made.database))
    return made


def test_waves_are_listed_and_shown(operator: Operator) -> None:
    text = operator.run("waves", "list").stdout
    assert "the same text from 10 new accounts on 5 servers" in text
    assert "3 deferred" in text
    shown = operator.run("waves", "show", "1").stdout
    assert "2 held for you, 1 deferred" in shown
    assert "https://gone.example/1" in shown
    assert "https://spam.example/2" in shown
    assert "assay waves purge 1" in shown
    [row] = operator.ask("waves", "list")["waves"]
    assert row["stopped"] == {"held": 2, "deferred": 1, "released": 0, "purged": 0, "left": 0, "observed": 0}
    assert keys_of(operator.ask("waves", "show", "1")) == documented("waves", "show")
    assert "Wave 1" in operator.run("status").stdout
    assert [one["number"] for one in operator.ask("status")["brakes"]] == [1]


def test_holds_of_a_wave(operator: Operator) -> None:
    assert len(operator.ask("holds", "list")["holds"]) == 3
    holds = operator.ask("holds", "list", "--wave", "1")["holds"]
    assert [hold["rule"] for hold in holds] == ["spam wave 1"] * 2
    assert "Nothing is held." in operator.run("holds", "list", "--wave", "9").stdout


def test_a_wave_is_purged_and_restored_and_released(operator: Operator) -> None:
    text = operator.run("waves", "purge", "1").stdout
    assert "3 posts of spam wave 1 will not be relayed" in text
    assert "assay waves restore 1" in text
    assert "assay waves end 1" in text
    assert operator.ask("waves", "purge", "1") == {"number": 1, "moved": 0}
    assert "3 posts go through the policy again" in operator.run("waves", "restore", "1").stdout
    assert operator.ask("waves", "release", "1", "--note", "fine") == {"number": 1, "moved": 0}
    assert "There was no incident" in operator.run("incident", "list").stdout
    found = operator.ask("waves", "show", "1")
    assert (found["state"], found["ended_by"][:4]) == ("released", "cli:")
    assert "3 released" in operator.run("waves", "show", "1").stdout


def test_a_wave_is_released(operator: Operator) -> None:
    text = operator.run("waves", "release", "1").stdout
    assert "3 posts go through the policy again, not all at once" in text


def test_a_wave_is_extended_and_ended(operator: Operator) -> None:
    before = operator.ask("waves", "show", "1")["until"]
    assert operator.ask("waves", "extend", "1", "--for", "2d")["until"] > before
    assert "lasts until" in operator.run("waves", "extend", "1", "--for", "3 hours").stdout
    text = operator.run("waves", "end", "1").stdout
    assert "2 posts held for you: assay holds list --wave 1" in text
    operator.fail("waves", "end", "1", status=1, code="not-active")
    operator.fail("waves", "extend", "1", "--for", "8d", status=1, code="bad-duration")
    operator.run("waves", "extend", "1", "--for", "soon", status=2)
    operator.fail("waves", "show", "7", status=1, code="not-found")


def test_an_incident_from_its_start_to_its_end(operator: Operator) -> None:
    text = operator.run("incident", "start", "--media", "--for", "2h", "--note", "bad day").stdout
    assert "Incident 2 is on until" in text
    assert "Everything with media: held." in text
    assert "Incident 2" in operator.run("status").stdout
    row = operator.ask("incident", "end", "2")
    assert (row["on"], row["state"], row["note"]) == (False, "ended", "bad day")
    assert "everything with media" in operator.run("incident", "list").stdout
    assert "bad day" in operator.run("incident", "show", "2").stdout
    assert operator.ask("incident", "release", "2") == {"number": 2, "moved": 0}
    assert operator.ask("incident", "purge", "2") == {"number": 2, "moved": 0}
    assert operator.ask("incident", "restore", "2") == {"number": 2, "moved": 0}
    assert operator.ask("incident", "end", "1")["kind"] == "text"  # they share their numbers


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (["--server", "Bad.Example"], "everything from a server: bad.example"),
        (["--new-accounts", "--defer"], "everything by new accounts"),
        (["--only-subscribers-before", "2026-11-01"], "not before 2026-11-01 00:00 UTC"),
    ],
)
def test_what_an_incident_may_be(operator: Operator, words: list[str], what: str) -> None:
    row = operator.ask("incident", "start", *words, "--for", "30m")
    assert what in row["what"]
    assert row["does"] == ("deferred" if "--defer" in words else "held")
    assert keys_of(row) == documented("incident", "start")
    assert operator.ask("incident", "extend", str(row["number"]), "--for", "1h")["until"] > row["until"]


def test_an_incident_needs_an_end_and_one_subject(operator: Operator) -> None:
    operator.run("incident", "start", "--media", status=2)
    operator.run("incident", "start", "--for", "2h", status=2)
    operator.run("incident", "start", "--media", "--new-accounts", "--for", "2h", status=2)
    operator.fail("incident", "start", "--media", "--for", "8d", status=1, code="bad-duration")
    operator.fail("incident", "start", "--server", "https://x/", "--for", "2h", status=1, code="server-name")


def test_why_names_the_brake(operator: Operator) -> None:
    text = operator.run("why", "https://spam.example/0").stdout
    assert "spam wave 1" in text
    assert "spam-wave" in text


def test_a_relay_without_waves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fresh = with_a_relay(at_a_prompt(tmp_path, monkeypatch))
    assert "No wave was noticed." in fresh.run("waves", "list").stdout
