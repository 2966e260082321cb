"""`assay policy replay` and `observed`, as an operator reads them before a rule is saved."""

from __future__ import annotations

import asyncio
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from relay.adapters.sql.sqlite import SqliteStore
from relay.adapters.system import SystemClock
from relay.cli.output import stamp
from relay.config.load import load
from relay.domain.content import Content
from relay.domain.facts import Facts
from relay.domain.intake import Settled
from relay.domain.log import ActivityState
from relay.domain.policy import decide
from tests.flow.operators import Operator, at_a_prompt, documented, incoming, keys_of, with_a_relay

NEW = """\
preset: small-instance
rules:
  - {name: No cats, when: {hashtags: cats}, then: drop, reason: cats}
  - {name: No dogs, when: {hashtags: dogs, from: a.example}, then: quarantine, reason: dogs}
"""
OBSERVING = """\
relay: {url: https://relay.example}
policy:
  mode: observe
  otherwise: relay
  rules: [{name: No cats, when: {hashtags: cats}, then: quarantine, reason: cats}]
"""


@pytest.fixture
def operator(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Operator:
    found = with_a_relay(at_a_prompt(tmp_path, monkeypatch))
    Path("new.yaml").write_text(NEW)
    asyncio.run(came(found, ["cats", "cats", "dogs", "birds"]))
    return found


async def came(operator: Operator, tags: list[str], server: str = "a.example") -> None:
    """Let posts with hashtags have come in the last hour, decided by the policy of the configuration."""
    now = SystemClock().now()
    policy = load(operator.folder / "config.yaml", {}, now).require().policy
    async with SqliteStore(operator.database) as store, store.transaction() as tx:
        for number, tag in enumerate(tags):
            at = now - 3600 + number
            content = Content(frozenset({f"https://{server}/users/ann"}), hashtags=frozenset({tag}))
            facts = Facts(from_hosts=frozenset({server}), content=content)
            settled = Settled(ActivityState.DROPPED, decide(policy, facts, at), facts.as_json(), at)
            post = incoming(f"https://{server}/{tag}/{at}", at)
            await tx.activities.receive([(replace(post, actor=f"https://{server}/users/ann"), settled)])


def said(text: str, *parts: object) -> bool:
    """Whether a line has these parts in this order, whatever stands between them."""
    return re.search(r"\s+".join(re.escape(str(part)) for part in parts), text) is not None


def test_a_replay_is_told_in_tables(operator: Operator) -> None:
    text = operator.run("policy", "replay", "--against", "new.yaml", "--since", "1d").stdout
    assert "Before  what was decided when it came" in text
    assert "Posts   6: 3 come out alike, 3 differently (50 %)" in text
    assert said(text, "relay", 5, 2)
    assert said(text, "quarantine", 1, 2)
    assert said(text, "2", 'relay by "Text only"', 'drop by "No cats"')
    assert said(text, "By server of the author (1 account)")
    assert said(text, "a.example", 3, 3)
    assert said(text, "social.example", 3)
    assert 'relay by "Text only" -> quarantine by "No dogs" (dogs)' in text
    assert re.search(r"^  https://a\.example/dogs/", text, re.MULTILINE)
    assert "There are facts from" in text
    assert "What is really done" not in text


def test_a_replay_is_a_document_for_programs(operator: Operator) -> None:
    found = operator.ask("policy", "replay", "new.yaml", "--examples", "1")
    assert set(found) == documented_keys("replay")
    assert (found["counted"], found["changed"], found["old"]["policy"]) == (6, 3, None)
    assert found["transitions"] == [
        {"before": "relay", "after": "drop", "count": 2},
        {"before": "relay", "after": "quarantine", "count": 1},
    ]
    assert len(found["examples"]) == 2
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", found["examples"][0]["received_at"])
    assert found["since"] < found["facts_since"] < found["until"]
    assert found["in_effect"]["changed"] == 3


def documented_keys(command: str) -> set[str]:
    return {key.removesuffix("[]") for key in documented("policy", command)}


def test_the_policy_of_the_configuration_is_tried_without_a_file(operator: Operator) -> None:
    found = operator.ask("policy", "replay")
    assert (found["counted"], found["same"]) == (6, 6)
    assert "0 differently (0 %)" in operator.run("policy", "replay").stdout


def test_two_policies_are_compared(operator: Operator) -> None:
    Path("old.yaml").write_text(NEW.replace("then: drop", "then: quarantine"))
    found = operator.ask("policy", "replay", "new.yaml", "--old", "old.yaml")
    assert found["transitions"] == [{"before": "quarantine", "after": "drop", "count": 2}]
    assert found["subscribers"] == []
    assert (
        "No subscriber gets anything else."
        in operator.run("policy", "replay", "new.yaml", "--old", "old.yaml").stdout
    )
    current = operator.ask("policy", "replay", "new.yaml", "--current")
    assert (current["changed"], current["old"]["mode"]) == (3, "enforce")


def test_a_server_and_a_time_are_picked_out(operator: Operator) -> None:
    asyncio.run(came(operator, ["cats"], "b.example"))
    assert operator.ask("policy", "replay", "new.yaml", "--server", "B.example")["changed"] == 1
    assert operator.ask("policy", "replay", "new.yaml", "--server", "*.example")["changed"] == 4
    assert operator.ask("policy", "replay", "new.yaml", "--until", "1 day")["counted"] == 0
    assert operator.ask("policy", "replay", "new.yaml", "--since", "10 minutes")["counted"] == 1
    yesterday = stamp(SystemClock().now() - 86_400) or ""
    for since in (yesterday, yesterday.removesuffix("Z"), yesterday[:10], "36h"):
        assert operator.ask("policy", "replay", "new.yaml", "--since", since)["counted"] == 7


@pytest.mark.parametrize(
    "words",
    [
        ("new.yaml", "--against", "new.yaml"),
        ("new.yaml", "--old", "new.yaml", "--current"),
        ("--since", "soon"),
        ("--since", "99999999999999 days"),
        ("--server", "https://a.example/"),
        ("nothing.yaml",),
    ],
)
def test_wrong_usage_is_told(operator: Operator, words: tuple[str, ...]) -> None:
    assert "Error: " in operator.run("policy", "replay", *words, status=2).stderr


def test_a_policy_with_a_mistake_is_not_tried(operator: Operator) -> None:
    Path("new.yaml").write_text(NEW.replace("then: drop", "then: quarentine"))
    operator.fail("policy", "replay", "new.yaml", status=78, code="invalid-configuration")


def test_a_list_that_was_never_read_counts_as_empty_and_says_so(operator: Operator) -> None:
    Path("new.yaml").write_text(
        "otherwise: relay\nlists: {dni: {fires: 'https://fires.example/datasets/1'}}\n"
        "rules: [{name: Listed, when: {from: list:dni}, then: drop, reason: blocked-domain}]\n"
    )
    result = operator.run("policy", "replay", "new.yaml")
    assert 'Nothing is known yet of what the list "dni" holds' in result.stderr


def test_no_facts_and_no_changes_are_said_in_words(operator: Operator) -> None:
    text = operator.run("policy", "replay", "new.yaml", "--since", "1m", "--examples", "0").stdout
    assert "Posts   0: 0 come out alike, 0 differently (0 %)" in text
    asyncio.run(emptied(operator))
    assert "There are no facts yet" in operator.run("policy", "replay", "new.yaml").stdout


async def emptied(operator: Operator) -> None:
    async with SqliteStore(operator.database) as store, store.transaction() as tx:
        await tx.history.forget(SystemClock().now() + 1, rows=1000, most=1000)


def test_long_lists_are_cut(operator: Operator) -> None:
    asyncio.run(came(operator, ["cats"], "b.example"))
    text = operator.run("policy", "replay", "new.yaml", "--most", "1").stdout
    assert "and 1 other servers: 1 posts differently" in text
    assert "and 2 other subscribers: 8 fewer, 0 more" in text


def test_what_comes_out_alike_by_another_rule_is_told_apart(operator: Operator) -> None:
    Path("new.yaml").write_text(
        "preset: small-instance\nrules: [{name: Cats, when: {hashtags: cats}, then: relay}]\n"
    )
    text = operator.run("policy", "replay", "new.yaml").stdout
    assert "4 come out alike, 2 alike by another rule or for another reason, 0 differently" in text
    assert said(text, "2", 'relay by "Text only"', 'relay by "Cats"')


# ------------------------------------------------------------------ observe
@pytest.fixture
def observer(operator: Operator) -> Operator:
    Path("config.yaml").write_text(OBSERVING)
    asyncio.run(came(operator, ["cats", "birds", "birds"]))
    return operator


def test_what_enforce_would_have_done_is_told(observer: Operator) -> None:
    text = observer.run("policy", "observed").stdout
    told = (
        r"^Since \d{4}-\d\d-\d\d \d\d:\d\d UTC enforce would have held 1 of 3 posts \(33\.3 %\), dropped 0,"
    )
    assert re.search(told, text, re.MULTILINE)
    assert "Not counted: 6 posts of that time" in text
    assert said(text, "1", 'relay by "No cats"', 'quarantine by "No cats"')
    assert said(text, "social.example", 1)
    found: Any = observer.ask("policy", "observed")
    assert set(found) == documented_keys("observed")
    assert (found["counted"], found["changed"], found["acted_on"]) == (3, 1, 6)
    assert keys_of(found, "examples") > {"object", "received_at"}


def test_the_status_says_it_in_a_line(observer: Operator) -> None:
    assert "enforce would have held 1 of 3 posts (33.3 %)" in observer.run("status").stdout
    assert observer.ask("status")["observed"]["held"] == 1
    assert set(observer.ask("status")) == documented("status")


def test_who_enforces_has_nothing_to_observe(operator: Operator) -> None:
    assert "Nothing came yet that was only observed." in operator.run("policy", "observed").stdout
    assert operator.ask("status")["observed"] is None
    assert "Observed" not in operator.run("status").stdout


def test_what_is_really_done_is_said_beside_what_enforce_does(observer: Operator) -> None:
    text = observer.run("policy", "replay", "new.yaml").stdout
    assert "What is really done" in text
    assert "A policy that observes relays what enforce would not. Counted so, 4 of 9 posts" in text
    found = observer.ask("policy", "replay", "new.yaml")
    assert (found["changed"], found["in_effect"]["changed"]) == (4, 4)
