"""`assay recall` as an operator uses it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from relay.adapters.sql.sqlite import SqliteStore
from relay.adapters.system import SystemClock
from relay.domain.hashlist import ListPurpose
from relay.domain.media import Match, MatchKind
from relay.domain.recall import Cause, Copy, Recall, RecallState
from tests.flow.operators import Operator, at_a_prompt, documented, keys_of, with_a_relay

if TYPE_CHECKING:
    from pathlib import Path

DIGEST = "ab" * 32
POST = "https://a.example/notes/1"


async def put_a_recall(database: Path) -> None:
    """A recall of one file in one post that waits for a person."""
    now = SystemClock().now()
    recall = Recall(
        id=0,
        list="local",
        purpose=ListPurpose.ABUSE,
        entry="0123456789abcdef",
        category="csam",
        kind=MatchKind.KNOWN,
        state=RecallState.WAITING,
        cause=Cause.FLOOD,
        opened_at=now - 60,
    )
    copy = Copy(
        seq=1,
        position=1,
        object_id=POST,
        author="https://a.example/users/ann",
        origins=frozenset({"a.example"}),
        announce="https://relay.example/activities/1",
        published_at=now - 600,
    )
    async with SqliteStore(database) as store, store.transaction() as tx:
        number = await tx.recalls.add(recall)
        await tx.recalls.stop(number, DIGEST, Match(MatchKind.KNOWN, "local", "csam", "sha256"), now)
        [subscription, *_] = await tx.subscribers.all()
        await tx.subscribers.place(subscription.id, 0)
        [serving, *_] = await tx.recalls.servings()
        await tx.recalls.stop_post(number, copy, [serving])


@pytest.fixture
def operator(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Operator:
    made = with_a_relay(at_a_prompt(tmp_path, monkeypatch))
    asyncio.run(put_a_recall(made.database))
    return made


def test_without_recalls_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    empty = with_a_relay(at_a_prompt(tmp_path, monkeypatch))
    assert "Nothing that was relayed came onto a list" in empty.run("recall", "list").stdout
    assert "Recalls                none" in empty.run("recall", "status").stdout
    assert "Recalls" not in empty.run("status").stdout


def test_recalls_are_listed_and_shown(operator: Operator) -> None:
    text = operator.run("recall", "list").stdout
    assert "waits for you: very many posts are hit at once" in text
    assert "assay recall show 1" in text
    shown = operator.run("recall", "show", "1").stdout
    for words in (DIGEST, POST, "1 server", "assay recall send 1", "known files"):
        assert words in shown
    [row] = operator.ask("recall", "list")["recalls"]
    assert (row["number"], row["state"], row["cause"], row["servers"]) == (1, "waiting", "flood", 1)
    assert keys_of(operator.ask("recall", "list"), "recalls") == documented("recall", "list")
    assert keys_of(operator.ask("recall", "show", "1")) == documented("recall", "show")
    status = operator.ask("recall", "status")
    assert keys_of(status, "open") == documented("recall", "status")
    assert status["recalls"] == {"waiting": 1}
    assert "Not told yet" in operator.run("recall", "status").stdout
    assert "1 waiting -> assay recall status" in operator.run("status").stdout
    assert operator.ask("status")["recalls"] == {"waiting": 1, "notices": 0}


def test_a_recall_is_sent_and_dismissed(operator: Operator) -> None:
    assert "2 messages on their way" in operator.run("recall", "send", "1").stdout
    found = operator.ask("recall", "show", "1")
    assert (found["state"], found["notices"], found["by"][:4]) == ("sent", {"waiting": 2}, "cli:")
    assert "If it was a mistake" in operator.run("recall", "show", "1").stdout
    assert "2 messages on their way" in operator.run("status").stdout
    assert "cannot be told" in operator.run("recall", "send", "1", status=1).stderr
    text = operator.run("recall", "dismiss", "1", "--note", "a meme").stdout
    assert "may go out again" in text
    assert "told that it was a mistake" in text
    found = operator.ask("recall", "show", "1")
    assert (found["state"], found["note"], found["notices"]) == ("dismissed", "a meme", {"cancelled": 2})


def test_in_json_it_is_sent_and_dismissed_too(operator: Operator) -> None:
    assert operator.ask("recall", "send", "1", "--note", "looked")["note"] == "looked"
    assert operator.ask("recall", "dismiss", "1", "--note", "no")["state"] == "dismissed"


def test_what_there_is_not(operator: Operator) -> None:
    assert "no recall 9" in operator.run("recall", "show", "9", status=1).stderr
    assert "--note" in operator.run("recall", "dismiss", "1", status=2).stderr  # without saying why
