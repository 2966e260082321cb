"""Posts sent by web hook, what was found in them, and counts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from relay.adapters.sql import codec
from relay.domain.content import Content
from relay.domain.facts import AttestationState
from relay.domain.intake import Item
from relay.domain.media import MediaKind, MediaRef, ScanOutcome
from relay.domain.policy_rules import Verb
from relay.domain.webhook import HookCount, HookedPost, HookFinding, HookWork

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from relay.adapters.sql.queries import Queries
    from relay.domain.policy import Decision

    Row = Mapping[str, Any]


class SqlWebhooks:
    """Port `Webhooks` on SQL."""

    def __init__(self, queries: Queries) -> None:
        self._sql = queries

    async def add(self, sender: str, post: HookedPost, at: float) -> bool:
        """Write a post as work; False, and nothing is written, when this version of it is known."""
        row = {"sender": sender, "key": post.key, "post": _post_json(post), "at": at}
        return bool(await self._sql.run("add_hooked_post", **row))

    async def claim(self, *, now: float, until: float, most: int) -> list[HookWork]:
        """Take posts that are due, oldest first."""
        rows = await self._sql.rows("due_hooked_posts", now=now, most=most)
        await self._sql.many("claim_hooked_posts", [{"id": row["id"], "until": until} for row in rows])
        return [
            HookWork(row["id"], row["sender"], _post(row["post"]), row["received_at"], row["attempts"] + 1)
            for row in rows
        ]

    async def next_due(self) -> float | None:
        """When the next post falls due."""
        due: float | None = await self._sql.value("next_hooked_post")
        return due

    async def waiting(self) -> int:
        """How many posts wait."""
        return int(await self._sql.value("waiting_hooked_posts"))

    async def delay(self, work: HookWork, due_at: float) -> None:
        """Look at a post again at a time."""
        await self._sql.run("delay_hooked_post", id=work.id, due_at=due_at)

    async def settle(self, work: HookWork, state: str, at: float) -> None:
        """Note that a post was checked. What was kept of it goes, but for what tells it from others."""
        await self._sql.run("settle_hooked_post", id=work.id, state=state, at=at)

    async def note(
        self,
        work: HookWork,
        items: Sequence[Item],
        decision: Decision,
        *,
        key: str,
        flag: str | None,
        at: float,
    ) -> bool:
        """Write a finding; False when the one with this key is there already: then it is counted."""
        decided = {"key": key, "at": at, "rule": decision.rule, "reason": decision.reason}
        decided["verb"] = decision.would.value
        new = await self._sql.run(
            "add_hook_finding",
            **decided,
            sender=work.sender,
            object_id=work.post.id,
            actor=work.post.author,
            visibility=work.post.visibility,
            items=codec.json([_item_row(item) for item in items]),
            flag=flag,
        )
        if not new:
            await self._sql.run("repeat_hook_finding", **decided)
        return bool(new)

    async def known(self, key: str) -> bool:
        """Whether there is a finding with this key."""
        return await self._sql.value("hook_finding_known", key=key) is not None

    async def finding(self, number: int) -> HookFinding | None:
        """Return one finding."""
        row = await self._sql.row("hook_finding_by_id", id=number)
        return None if row is None else _finding(row)

    async def findings(self, *, is_open: bool, most: int) -> list[HookFinding]:
        """Return findings, the last to come first."""
        rows = await self._sql.rows("hook_findings_in_state", is_open=is_open, most=most)
        return [_finding(row) for row in rows]

    async def open_findings(self) -> int:
        """How many findings nobody has dealt with."""
        return int(await self._sql.value("open_hook_findings"))

    async def close(self, number: int, *, at: float, who: str, note: str | None) -> bool:
        """Write that somebody dealt with a finding; False when it is not open."""
        return bool(await self._sql.run("close_hook_finding", id=number, at=at, who=who, note=note))

    async def count(self, numbers: Mapping[tuple[str, str], int], at: float) -> None:
        """Add to the counts, by sender and what became of something."""
        rows = [
            {"sender": sender, "what": what, "number": number, "at": at}
            for (sender, what), number in numbers.items()
        ]
        await self._sql.many("count_hooks", rows)

    async def counts(self) -> list[HookCount]:
        """Return the counts."""
        rows = await self._sql.rows("hook_counts")
        return [HookCount(row["sender"], row["what"], row["number"], row["last_at"]) for row in rows]

    async def forget(self, before: float, *, findings: float) -> None:
        """Forget posts checked before a time, and findings closed before another."""
        await self._sql.run("forget_hooked_posts", before=before)
        await self._sql.run("forget_hook_findings", before=findings)


def _post_json(post: HookedPost) -> str:
    content = post.content
    return codec.json(
        {
            "id": post.id,
            "author": post.author,
            "kind": post.kind,
            "version": post.version,
            "visibility": post.visibility,
            "media": [[ref.url, ref.kind] for ref in post.media],
            "complete": post.complete,
            "languages": sorted(content.languages),
            "hashtags": sorted(content.hashtags),
            "mentions": content.mentions,
            "sensitive": content.sensitive,
        }
    )


def _post(text: str) -> HookedPost:
    found = orjson.loads(text)
    return HookedPost(
        **{name: found[name] for name in ("id", "author", "kind", "version", "visibility", "complete")},
        media=tuple(MediaRef(url, MediaKind(kind)) for url, kind in found["media"]),
        content=Content(
            actors=frozenset({found["author"]}),
            languages=frozenset(found["languages"]),
            hashtags=frozenset(found["hashtags"]),
            mentions=found["mentions"],
            sensitive=found["sensitive"],
        ),
    )


def _item_row(item: Item) -> list[object]:
    return [item.url, item.kind, item.digest, item.outcome, item.reason, codec.matches_json(item.matches)]


def _item(row: Sequence[Any]) -> Item:
    url, kind, digest, outcome, reason, matches = row
    found = (MediaKind(kind), digest, ScanOutcome(outcome), reason, AttestationState.MISSING)
    return Item(url, *found, matches=codec.matches(matches))


def _finding(row: Row) -> HookFinding:
    same = (
        "id",
        "sender",
        "object_id",
        "actor",
        "visibility",
        "rule",
        "reason",
        "first_at",
        "last_at",
        "times",
    )
    closed = ("flag", "closed_at", "closed_by", "note")
    return HookFinding(
        **{name: row[name] for name in (*same, *closed)},
        items=tuple(_item(one) for one in orjson.loads(row["items"])),
        verb=Verb(row["verb"]),
    )
