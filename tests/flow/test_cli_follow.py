"""`assay follow` and `assay unfollow`, as an operator uses them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.flow.operators import Operator, at_a_prompt, documented, keys_of, with_a_relay

if TYPE_CHECKING:
    from pathlib import Path

ACTOR = "https://up.example/actor"


@pytest.fixture
def relay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Operator:
    return with_a_relay(at_a_prompt(tmp_path, monkeypatch))


def test_a_relay_is_followed_and_left(relay: Operator) -> None:
    assert relay.run("follow").stdout == "No other relay is followed.\n"
    found = relay.ask("follow", ACTOR, "--dialect", "mastodon")
    assert keys_of(found, "following") == documented("follow")
    [row] = found["following"]
    assert (row["server"], row["dialect"], row["state"]) == ("up.example", "mastodon", "new")
    assert "will be asked by the running relay" in relay.run("follow").stdout
    left = relay.ask("unfollow", "up.example")
    assert set(left) == documented("unfollow")
    assert relay.ask("follow")["following"] == []


def test_leaving_in_words(relay: Operator) -> None:
    relay.run("follow", ACTOR)
    assert relay.run("unfollow", ACTOR).stdout == "up.example is no longer followed.\n"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["follow", "up.example"], "write one such as https://relay.example/actor"),
        (["follow", "https://relay.example/actor"], "cannot follow itself"),
        (["unfollow", "other.example"], "no relay called other.example is followed"),
    ],
)
def test_what_cannot_be_done_is_said(relay: Operator, words: list[str], told: str) -> None:
    result = relay.run(*words, status=1)
    assert told in result.stderr


def test_a_relay_is_followed_once(relay: Operator) -> None:
    relay.run("follow", ACTOR)
    assert "followed already (new)" in relay.run("follow", ACTOR, status=1).stderr
