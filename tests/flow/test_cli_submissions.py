"""Submitted files that are on a list, at a prompt."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from relay.adapters.sql.sqlite import SqliteStore
from relay.domain.media import Match, MatchKind, ScanOutcome
from relay.domain.submission import Submission
from tests.flow.operators import Operator, at_a_prompt, documented, keys_of, with_a_relay

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def operator(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Operator:
    return with_a_relay(at_a_prompt(tmp_path, monkeypatch))


async def submit(database: Path) -> None:
    actor = "https://a.test/users/\x1b[2Jalice"
    submission = Submission("1", "a.test", actor, "sha256:ab", "ab", None, 10.0, 10.0, 12.0)
    match = Match(MatchKind.KNOWN, "local", "csam", "sha256", 0)
    async with SqliteStore(database) as store, store.transaction() as tx:
        await tx.submissions.note(
            submission, ScanOutcome.MATCH, (match,), rule="floor", reason="known-match", at=20.0
        )


def test_a_finding_is_listed_and_closed(operator: Operator) -> None:
    assert "No such file" in operator.run("submissions", "list").stdout
    asyncio.run(submit(operator.database))
    document = operator.ask("submissions", "list")
    assert keys_of(document, "findings") == documented("submissions", "list") | {"findings"}
    assert document["findings"][0]["hash"] == "sha256:ab"
    shown = operator.run("submissions", "list").stdout
    assert "known-match" in shown
    assert "\x1b" not in shown
    assert operator.ask("status")["findings"] == 1
    assert "assay submissions list" in operator.run("status").stdout
    closed = operator.ask("submissions", "close", "1", "--note", "their admin knows")
    assert (closed["state"], closed["note"]) == ("closed", "their admin knows")
    assert set(closed) == documented("submissions", "close")
    assert operator.ask("submissions", "list")["findings"] == []
    assert operator.ask("status")["findings"] == 0
    assert "their admin knows" in operator.run("submissions", "list", "--closed").stdout
    operator.fail("submissions", "close", "1", status=1, code="conflict")
    operator.fail("submissions", "close", "2", status=1, code="not-found")
    asyncio.run(submit(operator.database))
    assert operator.ask("submissions", "list")["findings"] == []
