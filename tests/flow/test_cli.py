"""The command line, as an operator uses it: real files and real SQLite."""

from __future__ import annotations

import os
import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from relay.cli.output import ago, clean, size, span
from relay.cli.profiles import OPTIONS, SKIPPED
from relay.domain.profile_text import READERS
from relay.domain.subscriber_profile import Skip
from tests.flow.operators import (
    HEADER,
    LISTED,
    POST,
    RELAYED,
    Operator,
    at_a_prompt,
    documented,
    keys_of,
    with_a_relay,
)


@pytest.fixture
def operator(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Operator:
    return at_a_prompt(tmp_path, monkeypatch)


@pytest.fixture
def relay(operator: Operator) -> Operator:
    return with_a_relay(operator)


# -------------------------------------------------------------------- status, subscribers


def test_status(relay: Operator) -> None:
    found = relay.ask("status")
    assert set(found) == documented("status")
    assert found["subscribers"] == {"accepted": 2, "pending": 1, "unreachable": 1}
    assert found["log"] == {"head": 1, "watermark": 0}
    assert found["holds"] == {"open": 1}
    assert found["last_24_hours"]["decisions"] == {"quarantine": 1, "relay": 1}
    assert (found["running"], found["processes"]) == (False, None)
    text = relay.run("status").stdout
    assert "slowest subscriber 1 behind" in text
    assert "1 open -> assay holds list" in text


def test_listing_subscribers(relay: Operator) -> None:
    found = relay.ask("subscribers", "list")
    assert keys_of(found, "subscribers") == documented("subscribers", "list")
    assert [one["behind"] for one in found["subscribers"]] == [0, 0, None, 1]
    text = relay.run("subscribers", "list").stdout
    assert re.search(r"^ +1  social\.example +mastodon  accepted +\S+ +18,400 +0$", text, re.MULTILINE)
    assert "assay subscribers approve 3" in text
    assert "\x1b" not in text
    assert "no answer \\x1b[2Jfrom it" in text  # what others say must not drive the terminal
    assert len(relay.ask("subscribers", "list", "--state", "pending")["subscribers"]) == 1
    assert "No subscriber is suspended." in relay.run("subscribers", "list", "--state", "suspended").stdout


def test_showing_a_subscriber(relay: Operator) -> None:
    found = relay.ask("subscribers", "show", "akkoma.example")
    assert set(found) == documented("subscribers", "show")
    assert found["stragglers"][0]["error"] == "status 500"
    dead = relay.run("subscribers", "show", "https://dead.example/actor").stdout
    assert "failed 7 times in a row" in dead
    text = relay.run("subscribers", "show", "2").stdout
    assert re.search(
        rf"^Straggler: {RELAYED} \(position 1\), published .*, failed 3 times", text, re.MULTILINE
    )


def test_approving_tells_the_server_and_is_on_record(relay: Operator) -> None:
    assert relay.ask("subscribers", "approve", "Waiting.Example")["state"] == "accepted"
    [letter] = relay.ask("subscribers", "show", "3")["letters"]
    assert letter["kind"] == "accept"
    assert "On its way: accept" in relay.run("subscribers", "show", "3").stdout
    relay.fail("subscribers", "approve", "waiting.example", status=1, code="conflict")


def test_suspending_resuming_rejecting_removing(relay: Operator) -> None:
    suspended = relay.ask("subscribers", "suspend", "1", "--reason", "spam wave")
    assert (suspended["state"], suspended["reason"]) == ("suspended", "spam wave")
    assert "is accepted now" in relay.run("subscribers", "resume", "1").stdout
    assert relay.ask("subscribers", "reject", "1", "--reason", "no")["state"] == "rejected"
    assert "no longer a subscriber" in relay.run("subscribers", "remove", "1").stdout
    relay.fail("subscribers", "show", "1", status=1, code="not-found")


def test_an_unknown_subscriber_is_guessed(relay: Operator) -> None:
    problem = relay.fail("subscribers", "show", "soical.example", status=1, code="not-found")
    assert 'did you mean "social.example"?' in problem["detail"]


# -------------------------------------------------------------------- holds, why


def test_holds_show_facts_and_reasons(relay: Operator) -> None:
    assert keys_of(relay.ask("holds", "list"), "holds") == documented("holds", "list")
    assert "test-match" in relay.run("holds", "list").stdout
    found = relay.ask("holds", "show", "1")
    assert set(found) == documented("holds", "show")
    assert found["media"][0]["matches"] == [
        {
            "kind": "test",
            "scanner": "canary",
            "category": "canary",
            "algorithm": "pdq",
            "distance": 2,
            "frames": 1,
            "of": 1,
            "entry": "",
        }
    ]
    text = relay.run("holds", "show", "1").stdout
    assert 'Rule "Known match" of `always` did not fit because match is test.' in text
    assert 'Rule "Test match" fitted because match is test.' in text
    assert "words" not in text  # facts, never the post


def test_releasing_a_hold_publishes_it(relay: Operator) -> None:
    released = relay.ask("holds", "release", "1", "--note", "a test picture")
    assert (released["state"], released["note"]) == ("released", "a test picture")
    assert released["decided_by"].startswith("cli:")
    assert relay.ask("status")["log"]["head"] == 2
    assert 'Decided by "operator", not by the policy.' in relay.run("why", POST).stdout
    relay.fail("holds", "drop", "1", status=1, code="conflict")
    assert "Nothing is held." in relay.run("holds", "list").stdout


def test_dropping_a_hold(relay: Operator) -> None:
    assert "will not be relayed" in relay.run("holds", "drop", "1").stdout
    assert relay.ask("holds", "list", "--state", "dropped")["holds"][0]["number"] == 1
    relay.fail("holds", "show", "7", status=1, code="not-found")


def test_why_tells_each_level_what_it_may_know(relay: Operator) -> None:
    operator, told = relay.ask("why", POST), relay.ask("why", POST, "--as", "subscriber")
    assert keys_of(operator, "found") | keys_of(told, "found") == documented("why")
    public = relay.ask("why", POST, "--as", "public")["found"]
    assert public == [{"object": POST, "level": "public", "state": "waiting", "reason": "waiting"}]
    assert "match" not in relay.run("why", POST, "--as", "subscriber").stdout
    assert "fitted because media is none" in relay.run("why", f"{RELAYED}/activity").stdout
    assert "was relayed" in relay.run("why", "2", "--as", "public").stdout
    assert 'Reason code: allowed, by rule "Text only"' in relay.run("why", "2", "--as", "subscriber").stdout


def test_why_shows_who_held_a_post_and_what_became_of_it(relay: Operator) -> None:
    text = relay.run("why", POST).stdout
    assert "The facts: attestation is missing; match is test; match distance is 2; media is image" in text
    assert re.search(r"Held since .* ago\): assay holds show 1", text)
    assert "Outside it is told as waiting, reason code waiting; that it is not relayed is told from" in text
    assert "Deliveries" not in text
    relay.run("holds", "drop", "1", "--note", "seen")
    assert re.search(r"Was held; dropped .* by cli:\w+: seen\.", relay.run("why", POST).stdout)
    found = relay.ask("why", POST)["found"][0]
    assert (found["hold"]["state"], found["public"]["state"]) == ("dropped", "waiting")
    assert found["told_at"] > found["received_at"]
    assert found["deliveries"] is None


def test_why_counts_deliveries_and_shows_those_with_trouble_first(relay: Operator) -> None:
    found = relay.ask("why", RELAYED)["found"][0]["deliveries"]
    assert found["counts"] == {"own": 1, "retrying": 1, "unserved": 1, "coming": 1}
    assert [one["server"] for one in found["shown"]][:2] == ["akkoma.example", "dead.example"]
    text = relay.run("why", RELAYED, "--deliveries", "1").stdout
    assert "1 failed while others arrived; it is tried again" in text
    assert "3 failed: status 500; next attempt" in text
    assert "dead.example" not in text
    assert "And 3 more: --deliveries 4" in text
    assert "akkoma.example" not in relay.run("why", RELAYED, "--deliveries", "0").stdout
    one = relay.ask("why", RELAYED, "--for", "dead.example")["found"][0]["deliveries"]
    assert [(row["server"], row["attempts"]) for row in one["shown"]] == [("dead.example", 7)]
    told = relay.run("why", RELAYED, "--as", "subscriber", "--for", "akkoma.example").stdout
    assert "For akkoma.example: failed while others arrived; it is tried again (status 500)." in told
    relay.fail("why", RELAYED, "--for", "nobody.example", status=1, code="not-found")
    for name in ("social", "akkoma", "waiting", "dead"):
        relay.run("subscribers", "remove", f"{name}.example")
    assert "There are no subscribers." in relay.run("why", RELAYED).stdout


def test_why_about_something_unknown_is_no(relay: Operator) -> None:
    assert relay.ask("why", "https://nowhere.example/1", status=1)["found"] == []
    assert "Nothing is known" in relay.run("why", "https://nowhere.example/1", status=1).stdout


def test_why_says_when_the_policy_has_changed_since(relay: Operator) -> None:
    text = (relay.folder / "config.yaml").read_text()
    (relay.folder / "config.yaml").write_text(text.replace("mode: enforce", "mode: observe"))
    assert "today's is" in relay.run("why", RELAYED).stdout


# -------------------------------------------------------------------- lists


def test_importing_a_list(relay: Operator) -> None:
    lines = "".join(f"md5,{number:032x},,,\n" for number in range(2_500))
    Path("big.csv").write_text(HEADER + lines + f"md5,{1:032x},,,\n")
    found = relay.ask("lists", "import", "canary", "big.csv")
    assert set(found) == documented("lists", "import")
    assert (found["read"], found["added"], found["duplicates"]) == (2_500, 2_500, 1)
    again = relay.run("lists", "import", "canary", "-", typed=Path("big.csv").read_bytes())
    assert "0 new entries" in again.stdout
    assert not again.stderr  # no progress where nobody looks
    listed = relay.ask("lists", "list")
    assert keys_of(listed, "lists") == documented("lists", "list")
    assert listed["lists"][0]["imported"] == 2_500


def test_bad_lines_are_all_told_and_nothing_is_imported(relay: Operator) -> None:
    Path("bad.csv").write_text(f"{HEADER}md5,zz,,,\nmd5,{'0' * 32},,,\nwhat,00,,,\n")
    problem = relay.fail("lists", "import", "canary", "bad.csv", status=1, code="bad-list-lines")
    assert [one["line"] for one in problem["bad_lines"]] == [2, 4]
    assert relay.ask("lists", "list")["lists"][0]["imported"] == 0
    found = relay.run("lists", "import", "canary", "bad.csv", "--skip-bad-lines")
    assert "bad.csv:4: unknown algorithm 'what'" in found.stderr
    assert "1 new entries" in found.stdout


def test_a_list_that_is_not_configured_is_refused(relay: Operator) -> None:
    problem = relay.fail("lists", "import", "canari", os.devnull, status=1, code="unknown-list")
    assert 'Did you mean "canary"?' in problem["detail"]
    relay.run("lists", "import", "canary", "missing.csv", status=2)


def test_lists_show_purpose_and_size(relay: Operator) -> None:
    Path("local.csv").write_text(f"{HEADER}md5,{'a' * 32},,,\nmd5,x,,,\n")
    Path("config.yaml").write_text(LISTED)
    local = relay.ask("lists", "list")["lists"][0]
    assert (local["entries"], local["bad_lines"], local["category"]) == (1, 1, "csam")
    result = relay.run("lists", "list")
    assert "Why we use it" in result.stdout
    assert "not all lines are entries" in result.stderr


# -------------------------------------------------------------------- words


def test_lengths_of_time_and_sizes() -> None:
    assert [span(seconds) for seconds in (0, 1, 59, 3_599, 86_400)] == [
        "0 seconds",
        "1 second",
        "59 seconds",
        "59 minutes",
        "1 day",
    ]
    assert (ago(10, 10), ago(0, 7200), ago(7200, 0)) == ("just now", "2 hours ago", "in 2 hours")
    assert [size(count) for count in (12, 2048, 5 * 1024 * 1024)] == ["12 bytes", "2.0 KiB", "5.0 MiB"]


def test_control_and_direction_characters_are_written_out() -> None:
    assert clean("a\x1b]0;x\x07\u202eb\tc\nd") == "a\\x1b]0;x\\x07\\x202eb\tc\nd"


def test_choosing_what_a_subscriber_gets(relay: Operator) -> None:
    words = "--profile open --direction receive --languages de,en --hashtags #Art --media no"
    words += " --rate 60/minute --sample 50% --recalls yes"
    row = relay.ask("subscribers", "set", "social.example", *words.split(), "--lock", "--reason", "asked")
    assert row["wants"] == {
        "profile": "open",
        "direction": "receive",
        "languages": ["de", "en"],
        "hashtags": ["art"],
        "media": False,
        "rate": "60 per minute",
        "sample": 0.5,
        "recalls": True,
    }
    assert row["locked"]
    shown = relay.run("subscribers", "show", "social.example").stdout
    assert "Not wanted  7 (language)" in shown
    assert (
        "open; only receives; languages de, en; hashtags art; no media; at most 60 per minute; 50%" in shown
    )
    assert "social.example  open; only receives" in relay.run("subscribers", "list").stdout
    told = relay.run("subscribers", "set", "social.example", "--languages", "any", "--unlock").stdout
    assert "languages" not in told
    assert "Only you" not in told
    with closing(sqlite3.connect(relay.database)) as database:
        rows = database.execute("SELECT subject, detail FROM audit WHERE action = 'profile'").fetchall()
    assert [subject for subject, _ in rows] == ["https://social.example/actor"] * 2
    assert rows[0][1].endswith("50% of posts; recalls for software; locked; asked")


def test_choosing_tells_all_that_cannot_be_read(relay: Operator) -> None:
    words = ("subscribers", "set", "social.example")
    told = relay.run(*words, "--profile", "strickt", "--rate", "60", "--media", "no", status=2).stderr
    assert "--profile: There is no profile 'strickt': write open, strict, or default." in told
    assert "--rate: Write a number" in told
    assert relay.ask("subscribers", "show", "social.example")["wants"]["media"] is True
    assert "Nothing to change" in relay.run(*words, status=2).stderr
    relay.fail("subscribers", "set", "socal.example", "--media", "no", status=1, code="not-found")


def test_every_choice_has_an_option_and_every_reason_a_word() -> None:
    assert set(OPTIONS) == set(READERS)
    assert set(SKIPPED) == {reason.value for reason in Skip}
