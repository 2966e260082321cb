"""For whom a session speaks."""

from __future__ import annotations

from dataclasses import replace

import pytest

from relay.domain.login import Login

SESSION = Login("t", None, "m.test", 1.0, 2.0, proven=True, opened=True)
BY_ACTOR = replace(SESSION, actor="https://m.test/actor")


@pytest.mark.parametrize(
    ("login", "server", "actor", "speaks"),
    [
        (SESSION, "m.test", "https://m.test/any", True),
        (SESSION, "m.test.evil", "https://m.test.evil/actor", False),
        (BY_ACTOR, "m.test", "https://m.test/actor", True),
        (BY_ACTOR, "m.test", "https://m.test/other", False),
        (replace(SESSION, opened=False), "m.test", "https://m.test/actor", False),
    ],
)
def test_a_session_speaks_for_what_was_shown(login: Login, server: str, actor: str, speaks: bool) -> None:  # noqa: FBT001
    assert login.speaks_for(server, actor) is speaks
