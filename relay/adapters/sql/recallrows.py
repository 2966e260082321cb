"""Rows of recalls to values and back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from relay.adapters.sql import codec
from relay.domain import hosts
from relay.domain.hashlist import ListPurpose
from relay.domain.media import MatchKind
from relay.domain.profile_text import profile_of
from relay.domain.recall import Cause, Copy, Notice, NoticeKind, NoticeState, Recall, RecallState, Serving
from relay.domain.subscriber_profile import SubscriberProfile
from relay.domain.subscription import Dialect
from relay.ports.recall import RecalledPost

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from relay.adapters.sql.queries import Row


def recall(row: Row) -> Recall:
    """Read a recall."""
    return Recall(
        id=row["id"],
        list=row["list"],
        purpose=ListPurpose(row["purpose"]),
        entry=row["entry"],
        category=row["category"],
        kind=MatchKind(row["kind"]),
        state=RecallState(row["state"]),
        cause=None if row["cause"] is None else Cause(row["cause"]),
        opened_at=row["opened_at"],
        act_at=row["act_at"],
        sent_at=row["sent_at"],
        closed_at=row["closed_at"],
        who=row["who"],
        note=row["note"],
    )


def recall_row(one: Recall) -> dict[str, object]:
    """Write a recall."""
    return {
        "id": one.id,
        "list": one.list,
        "purpose": one.purpose.value,
        "entry": one.entry,
        "category": one.category,
        "kind": one.kind.value,
        "state": one.state.value,
        "cause": None if one.cause is None else one.cause.value,
        "opened_at": one.opened_at,
        "act_at": one.act_at,
        "sent_at": one.sent_at,
        "closed_at": one.closed_at,
        "who": one.who,
        "note": one.note,
    }


def copies(rows: Iterable[Row]) -> list[Copy]:
    """Read places in the log from media lines, of which a post may have several."""
    found: dict[int, list[Row]] = {}
    for row in rows:
        found.setdefault(row["position"], []).append(row)
    return [_copy(some[0], [one["url"] for one in some]) for some in found.values()]


def _copy(row: Row, media: Sequence[str]) -> Copy:
    kept = row["published_at"] is not None
    origins = orjson.loads(row["origins"]) if kept else [row["server"], hosts.server_name(row["object_id"])]
    author = row["author"] or (None if row["kind"] == "Announce" else row["actor"])
    return Copy(
        seq=row["seq"],
        position=row["position"],
        object_id=row["object_id"],
        author=author,
        origins=frozenset(origins),
        announce=orjson.loads(row["body"])["id"] if row["body"] else None,
        published_at=row["published_at"] if kept else row["received_at"],
        media=tuple(dict.fromkeys(media)),
        traits=codec.traits(row["traits"]) if kept and row["traits"] is not None else None,
    )


def serving(row: Row, cursor: int, gaps: Sequence[tuple[int, int]], stragglers: Mapping[int, str]) -> Serving:
    """Read what a subscriber was served; `cursor` is how far it has come if it is here."""
    here = row["here"] is not None
    profile = row["profile"] if here else row["profile_then"]
    return Serving(
        actor=row["actor"],
        server=row["server"],
        inbox=row["inbox"],
        dialect=Dialect(row["dialect"]),
        first=row["first"],
        last=row["last"],
        cursor=cursor if here else row["last"] or 0,
        profile=SubscriberProfile() if profile is None else profile_of(orjson.loads(profile)),
        profile_since=(row["profile_since"] if here else row["since_then"]) or 0,
        gaps=tuple(gaps),
        stragglers=dict(stragglers),
        fails=here and bool(row["failures"]),
        succeeded_at=row["succeeded_at"],
        error=row["error"] or "",
    )


def post_row(copy: Copy) -> dict[str, object]:
    """Write a post of a recall."""
    return {
        "position": copy.position,
        "seq": copy.seq,
        "object_id": copy.object_id,
        "author": copy.author,
        "announce": copy.announce,
        "media": codec.json(list(copy.media)),
        "published_at": copy.published_at,
    }


def post(row: Row) -> RecalledPost:
    """Read a post of a recall."""
    return RecalledPost(
        row["object_id"],
        row["author"],
        row["published_at"],
        row["announce"],
        tuple(orjson.loads(row["media"])),
        row["deleted_at"],
    )


def notice(row: Row) -> Notice:
    """Read a notice."""
    return Notice(
        id=row["id"],
        recall=row["recall"],
        actor=row["actor"],
        server=row["server"],
        kind=NoticeKind(row["kind"]),
        document=row["document"],
        posts=tuple(orjson.loads(row["posts"])),
        state=NoticeState(row["state"]),
        attempts=row["attempts"],
        at=row["at"],
        error=row["error"],
        answer=row["answer"],
        answered_at=row["answered_at"],
    )
