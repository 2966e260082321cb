"""What people handed in, at a prompt."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from relay.adapters.sql.sqlite import SqliteStore
from relay.domain.hashlist import HashAlgorithm, ListChange, ListEntry, pack
from relay.domain.hashsubmission import About
from tests.flow.operators import Operator, at_a_prompt, documented, keys_of, with_a_relay

if TYPE_CHECKING:
    from pathlib import Path

VALUE = "ab" * 32
SUBMITTED = '  - {name: own, kind: submitted, category: ncii, purpose: "Why", country: any}\n'


@pytest.fixture
def operator(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Operator:
    made = with_a_relay(at_a_prompt(tmp_path, monkeypatch))
    config = made.folder / "config.yaml"
    config.write_text(config.read_text().replace("\nscanners:\n", f"\nscanners:\n{SUBMITTED}"))
    return made


async def hand_in(database: Path) -> int:
    content = pack([ListChange(ListEntry(HashAlgorithm.SHA256, VALUE, ""))])
    async with SqliteStore(database) as store, store.transaction() as tx:
        submissions = tx.hash_lists.submissions
        number = await submissions.open(
            secret=str(await submissions.total()), about=About.ADULT, list_name="own", at=10.0
        )
        await submissions.add(number, content, hashes=1, batch=None)
    return number


def test_a_submission_is_listed_accepted_and_withdrawn(operator: Operator) -> None:
    assert "No submission waits" in operator.run("hashes", "list").stdout
    assert "Nobody handed in" in operator.run("hashes", "list", "--all").stdout
    assert operator.ask("status")["handed_in"] == 0
    assert "Handed in" not in operator.run("status").stdout
    assert asyncio.run(hand_in(operator.database)) == 1
    assert operator.ask("status")["handed_in"] == 1
    waits = "Handed in    1 submission of hashes waits for your review -> assay hashes list"
    assert waits in operator.run("status").stdout
    document = operator.ask("hashes", "list")
    assert keys_of(document, "submissions") == documented("hashes", "list") | {"submissions"}
    assert document["submissions"][0]["state"] == "received"
    assert "own" in operator.run("hashes", "list").stdout
    shown = operator.run("hashes", "show", "1").stdout
    assert "1, of which 0 in force" in shown
    assert VALUE not in shown
    assert set(operator.ask("hashes", "show", "1")) == documented("hashes", "show")
    accepted = operator.ask("hashes", "accept", "1", "--note", "Seen.")
    assert (accepted["state"], accepted["in_force"], accepted["note"]) == ("accepted", 1, "Seen.")
    assert operator.ask("lists", "list")["lists"][0]["imported"] == 1
    assert "Seen." in operator.run("hashes", "show", "1").stdout
    assert operator.ask("hashes", "list")["submissions"] == []
    assert "Handed in" not in operator.run("status").stdout
    assert operator.ask("hashes", "list", "--all")["submissions"][0]["hashes"] == 1
    assert "is withdrawn" in operator.run("hashes", "withdraw", "1").stdout
    assert operator.ask("lists", "list")["lists"][0]["imported"] == 0
    operator.fail("hashes", "withdraw", "1", status=1, code="ended")
    operator.fail("hashes", "show", "7", status=1, code="no-submission")


def test_a_submission_is_refused(operator: Operator) -> None:
    asyncio.run(hand_in(operator.database))
    assert "is refused" in operator.run("hashes", "refuse", "1", "--note", "A famous picture.").stdout
    row = operator.ask("hashes", "show", "1")
    assert (row["state"], row["hashes"], row["note"]) == ("refused", 0, "A famous picture.")
