"""An operator at a prompt, and a relay with something in it to look after."""

from __future__ import annotations

import asyncio
import json
import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import click
from click.testing import CliRunner

from relay.adapters.sql.sqlite import SqliteStore
from relay.adapters.system import SystemClock
from relay.cli.command import Command
from relay.cli.main import main
from relay.config.load import load
from relay.domain.delivery import Host, Reached, Saved, Straggler
from relay.domain.facts import AttestationState, Facts, Scan
from relay.domain.intake import Incoming, Item, MediaFacts, Settled
from relay.domain.log import ActivityState, NewEntry, Rendered
from relay.domain.media import (
    Decoded,
    Digests,
    Match,
    MatchKind,
    MediaKind,
    ScanOutcome,
    ScanResult,
)
from relay.domain.policy import decide
from relay.domain.subscriber_profile import Skip
from relay.domain.subscription import Back, Dialect, State

if TYPE_CHECKING:
    from pathlib import Path

    import pytest
    from click.testing import Result

PUBLIC = "https://www.w3.org/ns/activitystreams#Public"
POST = "https://social.example/users/ann/statuses/1"
RELAYED = "https://social.example/users/ann/statuses/2"
HEADER = "algorithm,value,category,source,note\n"
LISTED = """\
relay: {url: https://relay.example}
attestation: {withhold: 0%}
scanners:
  - {name: local, kind: list, file: local.csv, category: csam, purpose: "Why we use it", country: any}
  - {name: canary, kind: list, builtin: canary}
"""


@dataclass
class Operator:
    """Somebody at a prompt in a folder."""

    folder: Path

    def run(self, *words: str, status: int = 0, typed: bytes = b"") -> Result:
        """Run a command and check its exit status."""
        result = CliRunner().invoke(main, words, input=typed, catch_exceptions=False)
        assert result.exit_code == status, (words, result.exit_code, result.stdout, result.stderr)
        return result

    def ask(self, *words: str, status: int = 0) -> Any:
        """Run a command with `--json` and return its document."""
        result = self.run(*words, "--json", status=status)
        return json.loads(result.stdout)

    def fail(self, *words: str, status: int, code: str) -> dict[str, Any]:
        """Run a command that cannot do it, for people and for programs; return the problem."""
        assert self.run(*words, status=status).stderr
        result = self.run(*words, "--json", status=status)
        assert not result.stdout
        problem = json.loads(result.stderr)
        assert (problem["code"], problem["exit"]) == (code, status)
        return dict(problem)

    @property
    def database(self) -> Path:
        """Where the relay keeps its database."""
        return self.folder / "data" / "relay.sqlite"


def at_a_prompt(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Operator:
    """Somebody in an empty folder, without settings in the environment."""
    monkeypatch.chdir(folder)
    for name in [name for name in os.environ if name.startswith("ASSAY_")]:
        monkeypatch.delenv(name)
    return Operator(folder)


def with_a_relay(operator: Operator) -> Operator:
    """A relay that does not run, with four subscribers, a hold and a relayed post."""
    operator.run("init", "relay.example")
    asyncio.run(fill(operator.database, operator.folder / "config.yaml"))
    return operator


async def fill(database: Path, config: Path) -> None:
    """Put subscribers in every state, a hold and a relayed post into the store."""
    now = SystemClock().now()
    policy = load(config, {}, now).require().policy
    async with SqliteStore(database) as store, store.transaction() as tx:
        for server, state, dialect in (
            ("social.example", State.ACCEPTED, Dialect.MASTODON),
            ("akkoma.example", State.ACCEPTED, Dialect.LITEPUB),
            ("waiting.example", State.PENDING, Dialect.MASTODON),
            ("dead.example", State.UNREACHABLE, Dialect.MASTODON),
        ):
            actor = f"https://{server}/actor"
            follow = {"id": f"https://{server}/follows/1", "type": "Follow", "actor": actor, "object": PUBLIC}
            await tx.subscribers.add(
                actor=actor,
                server=server,
                inbox=f"https://{server}/inbox",
                dialect=dialect,
                state=State.PENDING,
                follow=follow,
                now=now - 3 * 86_400,
                reason="waiting for approval",
                back=Back.NONE,
                back_id=None,
                cursor=0,
            )
            added = await tx.subscribers.by_actor(actor)
            assert added is not None
            if state is not State.PENDING:
                await tx.subscribers.save(replace(added, state=state, reason=None), now)
        match = Match(MatchKind.TEST, "canary", "canary", "pdq", 2)
        facts = Facts(
            media=frozenset({MediaKind.IMAGE}), scan=Scan.MATCH, match=MatchKind.TEST, match_distance=2
        )
        item = Item(
            url="https://files.example/1.png",
            kind=MediaKind.IMAGE,
            digest="ab" * 32,
            outcome=ScanOutcome.VENDOR_TEST_MATCH,
            reason=None,
            attestation=AttestationState.MISSING,
            matches=(match,),
        )
        scanned = ScanResult(ScanOutcome.VENDOR_TEST_MATCH, (match,))
        digests = Digests("ab" * 32, "a" * 40, "b" * 32, 123_456)
        await tx.media.save(MediaFacts(digests, Decoded("image/png", 640, 480, ()), scanned, now))
        [held] = await tx.activities.receive([(incoming(POST, now - 7200), None)])
        assert held is not None
        decision = decide(policy, facts, now)
        held_as = Settled(ActivityState.HELD, decision, facts.as_json(), now - 7200)
        await tx.activities.settle(held, held_as, [item])
        text = Facts()
        body = Rendered(b"{}", "SHA-256=x")
        entry = NewEntry(RELAYED, frozenset({"social.example"}), body, None, None, None)
        published = Settled(
            ActivityState.PUBLISHED, decide(policy, text, now), text.as_json(), now - 60, entry
        )
        await tx.activities.receive([(incoming(RELAYED, now - 60), published)])
        await tx.fanout.save(
            Saved(1, {}),
            moved={1: None, 2: None, 4: Reached(0)},
            stragglers={(2, 1): Straggler(3, now + 600, "status 500")},
            hosts={"dead.example": Host(7, now + 3600, "no answer \x1b[2Jfrom it", now - 7200, None)},
            counts={1: (18_400, 2, 0)},
            skipped={(1, Skip.LANGUAGE): 7},
        )


def incoming(object_id: str, at: float) -> Incoming:
    """A public post with that id, as it was received."""
    actor = "https://social.example/users/ann"
    post = {"id": object_id, "type": "Note", "attributedTo": actor, "to": [PUBLIC], "content": "words"}
    activity = {
        "id": f"{object_id}/activity",
        "type": "Create",
        "actor": actor,
        "to": [PUBLIC],
        "object": post,
    }
    return Incoming(
        activity_id=f"{object_id}/activity",
        kind="Create",
        actor=actor,
        server="social.example",
        object_id=object_id,
        body=json.dumps(activity).encode(),
        received_at=at,
        tokens=(),
        keys=(object_id,),
    )


def documented(*names: str) -> set[str]:
    """The keys that a command's reference gives for its document."""
    command: click.Command | None = main
    for name in names:
        assert isinstance(command, click.Group)
        command = command.get_command(click.Context(main), name)
    assert isinstance(command, Command)
    return {key.removesuffix("[]") for row in command.answer for key in row.split(", ")}


def keys_of(document: Any, *inside: str) -> set[str]:
    """The keys of a document, and of the first member of the lists named."""
    return set(document) | {key for name in inside for key in document[name][0]}
