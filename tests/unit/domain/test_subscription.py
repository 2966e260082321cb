"""The table of subscriptions: each event in each state."""

from __future__ import annotations

from dataclasses import replace

import pytest

from relay.domain.subscription import (
    Back,
    Command,
    Dialect,
    Mode,
    Reply,
    State,
    Subscription,
    dialect_of,
    is_server_actor,
    leave_replies,
    on_command,
    on_follow,
)

THEM = Subscription(
    id=1,
    actor="https://m.test/actor",
    server="m.test",
    inbox="https://m.test/inbox",
    dialect=Dialect.MASTODON,
    state=State.ACCEPTED,
    follow={"id": "https://m.test/f/1"},
    created_at=1.0,
    changed_at=1.0,
    reason="why",
)


@pytest.mark.parametrize(
    ("followed", "dialect"),
    [
        ("https://www.w3.org/ns/activitystreams#Public", Dialect.MASTODON),
        ("as:Public", Dialect.MASTODON),
        ("Public", Dialect.MASTODON),
        ("https://relay.test/actor", Dialect.LITEPUB),
        ("https://relay.test/actor/", None),
        ("", None),
    ],
)
def test_the_dialect_is_in_what_is_followed(followed: str, dialect: Dialect | None) -> None:
    assert dialect_of(followed, "https://relay.test/actor") is dialect


@pytest.mark.parametrize(
    ("kind", "actor", "expected"),
    [
        ("Application", "https://a.test/x", True),
        ("Service", "https://a.test/x", True),
        ("Person", "https://a.test/relay", True),
        ("Person", "https://a.test/relay/", True),
        ("Person", "https://a.test/users/alice", False),
    ],
)
def test_who_stands_for_a_server(kind: str, actor: str, *, expected: bool) -> None:
    assert is_server_actor(kind, actor) is expected


@pytest.mark.parametrize(
    ("state", "mode", "allowed", "new", "replies"),
    [
        (None, Mode.OPEN, False, State.ACCEPTED, [Reply.ACCEPT]),
        (None, Mode.APPROVE, False, State.PENDING, []),
        (None, Mode.APPROVE, True, State.ACCEPTED, [Reply.ACCEPT]),
        (None, Mode.ALLOW_LIST, True, State.ACCEPTED, [Reply.ACCEPT]),
        (None, Mode.ALLOW_LIST, False, State.REJECTED, [Reply.REJECT]),
        (None, Mode.CLOSED, True, State.REJECTED, [Reply.REJECT]),
        (State.PENDING, Mode.APPROVE, False, State.PENDING, []),
        (State.ACCEPTED, Mode.CLOSED, False, State.ACCEPTED, [Reply.ACCEPT]),
        (State.UNREACHABLE, Mode.APPROVE, False, State.ACCEPTED, [Reply.ACCEPT]),
        (State.SUSPENDED, Mode.OPEN, True, State.SUSPENDED, []),
        (State.REJECTED, Mode.APPROVE, False, State.REJECTED, [Reply.REJECT]),
        (State.REJECTED, Mode.OPEN, False, State.ACCEPTED, [Reply.ACCEPT]),
    ],
)
def test_a_follow(
    state: State | None, mode: Mode, new: State, replies: list[Reply], *, allowed: bool
) -> None:
    existing = None if state is None else replace(THEM, state=state)
    outcome = on_follow(existing, Dialect.MASTODON, mode, allowed=allowed, person=False)
    assert (outcome.state, list(outcome.replies)) == (new, replies)


def test_litepub_is_followed_back_once_and_again_when_the_dialect_changes() -> None:
    both = (Reply.ACCEPT, Reply.FOLLOW_BACK)
    new = on_follow(None, Dialect.LITEPUB, Mode.OPEN, allowed=False, person=False)
    again = on_follow(
        replace(THEM, dialect=Dialect.LITEPUB), Dialect.LITEPUB, Mode.OPEN, allowed=False, person=False
    )
    changed = on_follow(THEM, Dialect.LITEPUB, Mode.OPEN, allowed=False, person=False)
    assert (new.replies, again.replies, changed.replies) == (both, (Reply.ACCEPT,), both)


def test_a_person_is_rejected_in_every_mode() -> None:
    for mode in Mode:
        outcome = on_follow(None, Dialect.LITEPUB, mode, allowed=True, person=True)
        assert (outcome.state, outcome.replies) == (State.REJECTED, (Reply.REJECT,))


@pytest.mark.parametrize("command", list(Command))
@pytest.mark.parametrize("state", list(State))
def test_commands_fit_some_states_only(command: Command, state: State) -> None:
    outcome = on_command(replace(THEM, state=state), command, "why")
    fitting = {
        Command.APPROVE: {State.PENDING, State.REJECTED},
        Command.REJECT: {State.PENDING, State.ACCEPTED, State.UNREACHABLE},
        Command.SUSPEND: {State.PENDING, State.ACCEPTED, State.UNREACHABLE},
        Command.RESUME: {State.SUSPENDED, State.UNREACHABLE},
    }
    assert (outcome is not None) is (state in fitting[command])


def test_the_newest_follow_has_an_id() -> None:
    assert THEM.follow_id == "https://m.test/f/1"


def test_who_leaves_is_unfollowed_too() -> None:
    assert leave_replies(THEM) == (Reply.REJECT,)
    assert leave_replies(replace(THEM, back=Back.SENT)) == (Reply.REJECT, Reply.UNDO_FOLLOW_BACK)
