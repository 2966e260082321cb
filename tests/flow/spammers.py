"""Waves of spam like those of February 2024, and the people among whom they come."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from relay.services.receive import Receipt
    from tests.fakes import FakeActor, FakeServer
    from tests.flow.conftest import World

DAY = 86_400.0
HOUR = 3_600.0
SPAM = (
    "Join the one and only community for everybody who likes to wake up late and cook noodles at night, "
    "we have a channel for you, come in and say hello to all of us today"
)
FILLER = (
    "amber basket cedar dolphin ember falcon garnet harbor island jungle kettle lantern meadow nectar orchid pebble "
    "quartz river saddle timber umbrella velvet willow yellow zephyr"
).split()


def stamp(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass
class Crowd:
    """Accounts on some servers of the world."""

    world: World
    servers: Sequence[FakeServer]

    def account(self, number: int, *, age: float | None = HOUR) -> FakeActor:
        """One account, on one server after the other; `age` in seconds, None when its server does not say."""
        server = self.servers[number % len(self.servers)]
        actor = server.actor(f"/users/u{number}", "Person")
        actor.published = None if age is None else stamp(self.world.clock.now() - age)
        return actor

    async def say(
        self,
        actor: FakeActor,
        text: str,
        *media: Mapping[str, Any],
        mentions: Sequence[str] = (),
        **more: Any,
    ) -> tuple[Receipt, dict[str, Any]]:
        """Let an account post; return what came of it, and the note."""
        tags = [{"type": "Mention", "href": one, "name": one} for one in mentions]
        now = self.world.clock.now()
        body = {"content": text, "tag": tags, "attributedTo": actor.id, "published": stamp(now), **more}
        note = actor.server.note(*media, **body)
        return await self.world.post(actor, actor.server.create(note)), note

    async def wave(self, count: int, *, first: int = 0, gap: float = 5.0, **account: Any) -> list[Receipt]:
        """Let so many accounts post the spam, one each, each a little different, with a few mentions."""
        receipts = []
        for number in range(first, first + count):
            receipt, _ = await self.say(
                self.account(number, **account),
                spam(number),
                mentions=[f"https://victim{number}.test/users/bob", "https://v.test/users/eve"],
            )
            receipts.append(receipt)
            self.world.clock.forward(gap)
        return receipts


def spam(number: int) -> str:
    """The text as it varies: mentions in front, a few random words and a number behind, markup as servers make it."""
    extra = f"{FILLER[number % len(FILLER)]} {FILLER[(number * 7 + 3) % len(FILLER)]}"
    mention = (
        f'<span class="h-card"><a href="https://victim{number}.test/@bob" class="u-url mention">@<span>bob</span></a></span>'
    )
    return f"<p>{mention} {SPAM} {extra} {number * 37}</p>"
