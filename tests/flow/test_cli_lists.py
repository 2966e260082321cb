"""`assay lists` at a prompt: preview, import, export, undo, and going on after a crash."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from relay.adapters.sql.sqlite import SqliteStore
from relay.adapters.system import SystemClock
from tests.flow.operators import HEADER, at_a_prompt, documented, keys_of, with_a_relay

if TYPE_CHECKING:
    from tests.flow.operators import Operator

PDQ = "0123456789abcdef" * 4
CONFIG = """\
relay: {url: https://relay.example}
scanners:
  - {name: local, kind: list, category: csam, purpose: "Why we use it", country: any}
  - {name: fine, kind: benign, purpose: "What resembles it", country: DE}
  - {name: canary, kind: list, builtin: canary}
"""


@pytest.fixture
def relay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Operator:
    found = with_a_relay(at_a_prompt(tmp_path, monkeypatch))
    Path("config.yaml").write_text(CONFIG)
    return found


def rows(*numbers: int, more: str = "") -> str:
    return HEADER + "".join(f"md5,{number:032x},,,{more}\n" for number in numbers)


def test_a_preview_counts_and_changes_nothing(relay: Operator) -> None:
    Path("a.csv").write_text(rows(1, 2, 3))
    relay.run("lists", "import", "local", "a.csv")
    Path("b.csv").write_text(rows(2, 2, 4) + f"md5,{3:032x},other,,\nmd5,x,,,\n")
    found = relay.ask("lists", "import", "local", "b.csv", "--dry-run", "--replace")
    assert set(found) == documented("lists", "import")
    counts = [found[key] for key in ("added", "changed", "removed", "unchanged", "duplicates", "bad")]
    assert counts == [1, 1, 1, 1, 1, 1]
    assert (found["batch"], found["dry_run"], found["bad_lines"][0]["line"]) == (None, True, 6)
    told = relay.run("lists", "import", "local", "b.csv", "--dry-run")
    assert "1 new entries would be in local" in told.stdout
    assert "b.csv:6: a md5 value has 32 hexadecimal digits" in told.stderr
    assert len(relay.ask("lists", "status", "local")["batches"]) == 1


def test_undo_and_status(relay: Operator) -> None:
    Path("a.csv").write_text(rows(1, 2, 3))
    Path("b.csv").write_text(rows(3, 4))
    relay.run("lists", "import", "local", "a.csv")
    told = relay.run("lists", "import", "local", "b.csv", "--replace").stdout
    assert "0 changed, 2 gone." in told
    assert "assay lists undo 2" in told
    found = relay.ask("lists", "status")
    assert keys_of(found, "lists", "batches") | {"flooding[]", "flooding"} >= {"lists", "batches"}
    assert [one["entries"] for one in found["lists"][:2]] == [{"md5": 2}, {}]
    assert relay.ask("lists", "list")["lists"][0]["imported"] == 2
    assert set(relay.ask("lists", "undo", "2")) == documented("lists", "undo")
    assert relay.ask("lists", "status", "local")["lists"][0]["entries"] == {"md5": 3}
    assert relay.ask("lists", "list")["lists"][0]["imported"] == 3
    shown = relay.run("lists", "status", "local").stdout
    assert "undone" in shown
    assert "3 md5" in shown
    relay.fail("lists", "undo", "2", status=1, code="not-in-force")
    relay.fail("lists", "undo", "9", status=1, code="no-batch")
    relay.fail("lists", "status", "lokal", status=1, code="unknown-list")


async def _matched_in(posts: int) -> None:
    """Let an entry have matched in so many posts just now."""
    async with SqliteStore(Path("data/relay.sqlite")) as store, store.transaction() as tx:
        for number in range(posts):
            await tx.hash_lists.hit(
                [("local", "sha256:1a2b3c")], f"https://a.example/{number}", SystemClock().now()
            )


def test_an_entry_that_matches_everywhere_is_in_the_status(relay: Operator) -> None:
    asyncio.run(_matched_in(20))
    assert relay.ask("status")["flooding"] == 0
    assert "Flood" not in relay.run("status").stdout
    asyncio.run(_matched_in(21))
    assert relay.ask("status")["flooding"] == 1
    told = relay.run("status").stdout
    assert "1 entry of a hash list matches everywhere" in told
    assert "assay lists status" in told
    assert [one["posts"] for one in relay.ask("lists", "status")["flooding"]] == [21]


def test_what_is_exported_can_be_imported(relay: Operator) -> None:
    Path("a.csv").write_text(rows(1, 2, more="a note"))
    relay.run("lists", "import", "local", "a.csv")
    Path("b.jsonl").write_text(json.dumps({"algorithm": "md5", "value": f"{1:032x}", "removed": True}) + "\n")
    assert relay.ask("lists", "import", "local", "b.jsonl")["removed"] == 1
    found = relay.ask("lists", "export", "local", "out.csv")
    assert found == {"name": "local", "file": "out.csv", "entries": 1}
    assert Path("out.csv").read_text() == f"{HEADER}md5,{2:032x},csam,,a note\n"
    assert Path("out.csv").stat().st_mode & 0o777 == 0o600
    assert relay.run("lists", "export", "local", "-").stdout_bytes == Path("out.csv").read_bytes()
    relay.fail("lists", "export", "local", "out.csv", status=1, code="file-exists")
    relay.run("lists", "export", "local", "-", "--json", status=2)


def test_exports_of_other_systems(relay: Operator) -> None:
    Path("page.json").write_text(
        json.dumps({"data": [{"indicator": PDQ, "type": "HASH_PDQ", "status": "MALICIOUS", "tags": ["t"]}]})
    )
    assert relay.ask("lists", "import", "local", "page.json")["added"] == 1
    Path("bank.csv").write_text(f"{PDQ[::-1]},1,2020-07-31,tag\nraw_text 00\n")
    relay.fail("lists", "import", "local", "bank.csv", status=1, code="bad-list-lines")
    found = relay.ask("lists", "import", "local", "bank.csv", "--algorithm", "pdq")
    assert (found["added"], found["unused"]) == (1, {"raw_text": 1})
    told = relay.run("lists", "import", "local", "bank.csv", "--algorithm", "pdq").stdout
    assert "1 rows were not used: raw_text." in told


def test_benign_lists_take_no_digests_that_can_be_made_to_order(relay: Operator) -> None:
    Path("a.csv").write_text(rows(1))
    problem = relay.fail("lists", "import", "fine", "a.csv", status=1, code="bad-list-lines")
    assert problem["bad_lines"] == [{"line": 2, "message": "md5 is not for a list of this kind"}]
    kinds = [one["kind"] for one in relay.ask("lists", "list")["lists"]]
    assert kinds == ["list", "benign", "list"]


def test_a_list_without_entries_is_imported_without_a_batch(relay: Operator) -> None:
    Path("a.csv").write_text(HEADER)
    assert relay.ask("lists", "import", "local", "a.csv")["batch"] is None
    assert relay.ask("lists", "status", "local")["batches"] == []


def test_many_bad_lines_are_counted_and_a_hundred_are_named(relay: Operator) -> None:
    Path("a.csv").write_text(HEADER + "md5,x,,,\n" * 250)
    problem = relay.fail("lists", "import", "local", "a.csv", status=1, code="bad-list-lines")
    assert len(problem["bad_lines"]) == 100
    assert "and 150 more" in problem["detail"]
    assert "250 lines are no entries" in problem["detail"]


class TestKilled:
    """An import that is killed in the middle."""

    def killed(self, file: str) -> int:
        """Import from a pipe that stays open, kill the import when it has stored something; return how much."""
        command = [sys.executable, "-m", "relay", "lists", "import", "local", file]
        process = subprocess.Popen(  # noqa: S603
            command, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        )
        store = Path("data/relay.sqlite")
        while (entries := stored(store)) == 0:
            assert process.poll() is None, "it was done before it could be killed"
        process.send_signal(signal.SIGKILL)
        process.wait()
        return max(entries, stored(store))

    def test_it_goes_on_where_it_was(self, relay: Operator) -> None:
        Path("big.csv").write_text(rows(*range(150_000)))
        before = self.killed("big.csv")
        result = relay.run("lists", "import", "local", "big.csv", "--json")
        found = json.loads(result.stdout)
        assert "Going on where an import of big.csv was interrupted" in result.stderr
        assert found["resumed_after"] >= before > 0
        assert (found["read"], found["added"], found["duplicates"]) == (150_000, 150_000, 0)
        assert [one["state"] for one in relay.ask("lists", "status", "local")["batches"]] == ["done"]

    def test_another_file_of_that_name_begins_anew(self, relay: Operator) -> None:
        Path("big.csv").write_text(rows(*range(150_000)))
        self.killed("big.csv")
        Path("big.csv").write_text(rows(7, 8))
        result = relay.run("lists", "import", "local", "big.csv", "--json")
        found = json.loads(result.stdout)
        assert "is given up" in result.stderr
        assert (found["read"], found["resumed_after"]) == (2, 0)
        assert len(relay.ask("lists", "status", "local")["batches"]) == 1


def stored(path: Path) -> int:
    """Entries of imports that are not done, as another process sees them."""
    import sqlite3

    connection = sqlite3.connect(path)
    try:
        [(found,)] = connection.execute(
            "SELECT coalesce(sum(entries), 0) FROM list_batches WHERE state = 'loading'"
        )
    finally:
        connection.close()
    return int(found)
