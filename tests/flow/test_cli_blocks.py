"""`assay blocks`, as an operator uses it: a list is refreshed, looked at, undone; and what others show of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.flow.operators import Operator, at_a_prompt, documented, keys_of, with_a_relay

CONFIG = """
federation:
  block: [bad.example]
  allow: [akkoma.example]
  blocklists:
    - {name: own, file: own.csv, format: mastodon-csv}
    - {name: watch, file: watch.csv, format: mastodon-csv, action: observe}
    - {url: "https://127.0.0.1:9/list.csv", format: mastodon-csv}
"""
LISTED = """\
#domain,#severity,#reject_media,#reject_reports,#public_comment,#obfuscate
social.example,suspend,true,true,spam,false
akkoma.example,suspend,true,true,,false
quiet.example,silence,false,false,,false
h*dden.example,suspend,true,true,,true
no-server,suspend,true,true,,false
"""


@pytest.fixture
def relay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Operator:
    operator = with_a_relay(at_a_prompt(tmp_path, monkeypatch))
    config = Path("config.yaml")
    kept = config.read_text().partition("\nfederation:")
    config.write_text(kept[0] + CONFIG + "\n" + kept[2].partition("\n\n")[2])
    Path("own.csv").write_text(LISTED)
    Path("watch.csv").write_text("waiting.example\n")
    return operator


def test_a_list_is_previewed_refreshed_and_undone(relay: Operator) -> None:
    seen = relay.ask("blocks", "preview", "own")
    assert keys_of(seen, "changes") == documented("blocks", "preview")
    assert (seen["obfuscated"], seen["unusable"], len(seen["changes"])) == (1, 1, 3)
    assert "+ social.example  block  spam" in relay.run("blocks", "preview", "own").stdout
    assert relay.ask("blocks", "status")["lists"][0]["blocks"] == 0

    done = relay.ask("blocks", "sync", "own", "watch")
    assert keys_of(done, "lists") == documented("blocks", "sync")
    assert [(one["gained"], one["pending"], one["error"]) for one in done["lists"]] == [
        (3, False, None),
        (1, False, None),
    ]
    assert "nothing changed" in relay.run("blocks", "sync", "own").stdout
    assert "Nothing would change" in relay.run("blocks", "preview", "own").stdout

    found = relay.ask("blocks", "status", "own")
    assert keys_of(found, "lists", "batches") == documented("blocks", "status")
    [batch] = found["batches"]
    assert batch["who"].startswith("cli:")
    assert "+ quiet.example  observe" in relay.run("blocks", "preview", str(batch["number"])).stdout
    undone = relay.ask("blocks", "undo", str(batch["number"]))
    assert set(undone) == documented("blocks", "undo")
    assert undone["state"] == "undone"
    relay.fail("blocks", "undo", str(batch["number"]), status=1, code="conflict")
    assert "is in force now" in relay.run("blocks", "accept", str(batch["number"])).stdout
    relay.fail("blocks", "reject", "99", status=1, code="not-found")


def test_a_sudden_change_waits_for_the_operator(relay: Operator) -> None:
    relay.run("blocks", "sync", "own")
    Path("own.csv").write_text("".join(f"s{n}.example\n" for n in range(100)))
    text = relay.run("blocks", "sync", "own").stdout
    assert "waits for you" in text
    number = relay.ask("blocks", "status", "own")["batches"][0]["number"]
    assert f"assay blocks accept {number}" in relay.run("blocks", "status").stdout
    assert "a sudden change waits for you" in relay.run("status").stdout
    preview = relay.run("blocks", "preview", str(number))
    assert "and 53 more" in preview.stdout
    assert "suddenly much" in preview.stderr
    assert "is refused" in relay.run("blocks", "reject", str(number)).stdout
    assert "nothing changed" in relay.run("blocks", "sync", "own").stdout


def test_check_tells_what_blocks_and_what_wins(relay: Operator) -> None:
    relay.run("blocks", "sync", "own", "watch")
    found = relay.ask("blocks", "check", "Sub.Social.Example")
    assert set(found) == documented("blocks", "check")
    assert (found["blocked"], found["reason"], found["listings"][0]["comment"]) == (
        True,
        "blocked by own",
        "spam",
    )
    assert "own lists social.example, suspend: spam" in relay.run("blocks", "check", "social.example").stdout
    allowed = relay.run("blocks", "check", "akkoma.example", status=1).stdout
    assert "akkoma.example in federation.allow wins over lists" in allowed
    assert "only observed" in relay.run("blocks", "check", "waiting.example", status=1).stdout
    assert "federation.block" in relay.run("blocks", "check", "x.bad.example").stdout
    assert "not blocked" in relay.run("blocks", "check", "fine.example", status=1).stdout
    relay.fail("blocks", "check", "https://x.example/", status=1, code="server-name")


def test_listing_the_blocked(relay: Operator) -> None:
    relay.run("blocks", "sync", "own", "watch")
    rows = relay.ask("blocks", "list")["servers"]
    assert set(rows[0]) <= documented("blocks", "list")
    assert [(row["server"], row["list"], row["effect"]) for row in rows] == [
        ("bad.example", "federation.block", "block"),
        ("akkoma.example", "own", "block"),
        ("quiet.example", "own", "observe"),
        ("social.example", "own", "block"),
        ("waiting.example", "watch", "observe"),
    ]
    assert len(relay.ask("blocks", "list", "--list", "watch")["servers"]) == 1
    assert "social.example" in relay.run("blocks", "list").stdout
    relay.fail("blocks", "list", "--list", "onw", status=1, code="unknown-list")
    assert relay.ask("blocks", "list", "--opt-outs") == {"opt_outs": 0}
    assert relay.ask("blocks", "list", "--opt-outs", "--all") == {"opt_outs": 0, "actors": []}
    assert "0 accounts have blocked this relay." in relay.run("blocks", "list", "--opt-outs").stdout


def test_a_list_that_cannot_be_read_is_told_everywhere(relay: Operator) -> None:
    done = relay.ask("blocks", "sync", "127-0-0-1", status=1)
    assert done["lists"][0]["error"].startswith("blocked-address")
    assert "could not be read" in relay.run("blocks", "sync", status=1).stdout
    assert "in a row; what was in force stays" in relay.run("blocks", "status").stdout
    assert "last attempt failed" in relay.run("status").stdout
    assert relay.ask("status")["blocklists"]["127-0-0-1"]["error"]
    relay.fail("blocks", "sync", "onw", status=1, code="unknown-list")
    relay.fail("blocks", "preview", "127-0-0-1", status=69, code="blocked-address")


def test_without_lists_there_is_little_to_show(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    relay = with_a_relay(at_a_prompt(tmp_path, monkeypatch))
    assert "No blocklists are configured" in relay.run("blocks", "status").stdout
    assert "No blocklists are configured" in relay.run("blocks", "sync").stdout
    assert "No server is blocked." in relay.run("blocks", "list").stdout
    relay.fail("blocks", "preview", "dni", status=1, code="unknown-list")
