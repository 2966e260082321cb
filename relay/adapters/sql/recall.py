"""Recalls, what they stopped, and who was told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import orjson

from relay.adapters.sql import codec, recallrows
from relay.adapters.sql.shares import cursors
from relay.domain.intake import MediaFacts
from relay.domain.media import Digests, ScanOutcome, ScanResult, Undecodable
from relay.domain.profile_text import profile_of
from relay.domain.recall import NoticeState, letter_kind, matched
from relay.ports.recall import RecallCounts, StoredHashes, Told

if TYPE_CHECKING:
    from collections.abc import Collection

    from relay.adapters.sql.queries import Queries, Row
    from relay.domain.media import Match
    from relay.domain.recall import Copy, Notice, NoticeKind, Recall, RecallState, Serving
    from relay.ports.recall import RecalledPost

_UNKNOWN: Final = {"sha1": "0" * 40, "md5": "0" * 32}
"""Digests of a file of which only the SHA-256 is known."""
_ALL: Final = 2**31 - 1


class SqlRecalls:
    """Port `Recalls` on SQL."""

    def __init__(self, queries: Queries) -> None:
        self._sql = queries

    async def done(self) -> dict[str, frozenset[str]]:
        """Return what of each list was compared."""
        rows = await self._sql.rows("recall_done")
        return {row["list"]: frozenset(orjson.loads(row["parts"])) for row in rows}

    async def save_done(self, name: str, parts: Collection[str]) -> None:
        """Write what of a list was compared."""
        await self._sql.run("save_recall_done", list=name, parts=codec.json(sorted(parts)))

    async def stored(self, after: str, most: int) -> list[StoredHashes]:
        """Return a page of everything that was scanned."""
        rows = await self._sql.rows("stored_hashes", after=after, most=most)
        return [StoredHashes(row["digest"], row["sha1"], row["md5"], row["frames"]) for row in rows]

    async def unscanned(self, after: str, most: int) -> list[StoredHashes]:
        """Return a page of what was relayed unscanned."""
        rows = await self._sql.rows("unscanned_digests", after=after, most=most)
        return [StoredHashes(row["digest"], **_UNKNOWN, frames="") for row in rows]

    async def stopped_by(self, digest: str, name: str) -> int | None:
        """Return the recall that has stopped a file."""
        number: int | None = await self._sql.value("recall_of_digest", digest=digest, list=name)
        return number

    async def stops(self, seq: int) -> int | None:
        """Return the recall that has stopped a file of an activity."""
        number: int | None = await self._sql.value("recall_of_activity", seq=seq)
        return number

    async def dismissed(self, digest: str) -> frozenset[str]:
        """Return the lists that are wrong about a file."""
        return frozenset(row["list"] for row in await self._sql.rows("dismissed_lists", digest=digest))

    async def copies(self, digest: str, name: str) -> list[Copy]:
        """Return where a file stands in the log, where it was not known then."""
        rows = await self._sql.rows("copies_of", digest=digest)
        return recallrows.copies([row for row in rows if not _knew(row, name)])

    async def servings(self) -> list[Serving]:
        """Return who is and was served what."""
        cursor = await cursors(self._sql)
        gaps: dict[int, list[tuple[int, int]]] = {}
        for row in await self._sql.rows("all_gaps"):
            gaps.setdefault(row["subscription"], []).append((row["first"], row["last"]))
        failed: dict[int, dict[int, str]] = {}
        for row in await self._sql.rows("all_stragglers"):
            failed.setdefault(row["subscription"], {})[row["position"]] = row["error"]
        return [
            recallrows.serving(
                row,
                cursor(row),
                gaps.get(row["subscription"], ()),
                failed.get(row["subscription"], {}),
            )
            for row in await self._sql.rows("all_servings")
        ]

    async def open_of(self, name: str, entry: str) -> Recall | None:
        """Return the recall of an entry that was not sent."""
        row = await self._sql.row("unsent_recall", list=name, entry=entry)
        return None if row is None else recallrows.recall(row)

    async def add(self, recall: Recall) -> int:
        """Open a recall."""
        number: int = await self._sql.value("add_recall", **recallrows.recall_row(recall))
        return number

    async def save(self, recall: Recall) -> None:
        """Write what changes."""
        await self._sql.run("save_recall", **recallrows.recall_row(recall))

    async def stop(self, recall: int, digest: str, match: Match, at: float) -> bool:
        """Stop a file."""
        known = await self._sql.row("media_by_digest", digest=digest)
        before = None if known is None else {name: known[name] for name in _RESULT}
        attested = await self._sql.row("attestation_of", digest=digest)
        stood = attested is not None and attested["jws"] is not None and attested["retracted_at"] is None
        await self._sql.run(
            "add_recall_file",
            recall=recall,
            digest=digest,
            matched=codec.matches_json([match]),
            before=None if before is None else codec.json(before),
            retracted_at=at if stood else None,
            at=at,
        )
        result = matched(None if known is None else codec.media_facts(known).result, match)
        if known is None:
            digests = Digests(digest, **_UNKNOWN, size=0)
            await self._sql.run(
                "save_media", **codec.media_row(MediaFacts(digests, Undecodable.EMPTY, result, at))
            )
        await self._match(digest, result)
        if stood:
            await self._sql.run("retract_status_indexes", digest=digest, at=at)
            await self._sql.run("retract_attestation", digest=digest, at=at)
        return stood

    async def stop_post(self, recall: int, copy: Copy, receivers: Collection[Serving]) -> None:
        """Stop a post."""
        await self._sql.run("add_recall_post", recall=recall, **recallrows.post_row(copy))
        await self._sql.run("stop_position", position=copy.position)
        found = {one.actor: one for one in receivers}  # the last stretch of an actor has its newest inbox
        await self._sql.many(
            "add_recall_receiver",
            [
                {
                    "recall": recall,
                    "position": copy.position,
                    "actor": one.actor,
                    "server": one.server,
                    "inbox": one.inbox,
                }
                for one in found.values()
            ],
        )

    async def release(self, recall: int, at: float) -> set[str]:  # noqa: ARG002
        """Take the stop back."""
        for row in await self._sql.rows("recall_files_of", recall=recall):
            await self._restore(row)
        rows = await self._sql.rows("positions_to_release", recall=recall)
        await self._sql.many("release_position", [{"position": row["position"]} for row in rows])
        return {row["object_id"] for row in rows}

    async def _restore(self, row: Row) -> None:
        """Let a file be again what it was, without the match of this recall and whatever its list said since."""
        digest, known = row["digest"], await self._sql.row("media_by_digest", digest=row["digest"])
        [mine] = codec.matches(row["matched"])
        others = () if known is None else codec.matches(known["matches"])
        others = tuple(one for one in others if one.scanner != mine.scanner)
        if known is not None and row["before"] is None and not others:
            await self._sql.run("drop_media", digest=digest)
        elif known is not None and not others:
            before = orjson.loads(row["before"])
            await self._sql.run("match_media", digest=digest, **before)
        elif known is not None:
            await self._match(digest, ScanResult(ScanOutcome(known["outcome"]), others, known["reason"]))
        if row["retracted_at"] is not None and not others:
            await self._sql.run("restore_attestation", digest=digest, at=row["retracted_at"])
            await self._sql.run("restore_status_indexes", digest=digest, at=row["retracted_at"])

    async def _match(self, digest: str, result: ScanResult) -> None:
        await self._sql.run(
            "match_media",
            digest=digest,
            outcome=result.outcome.value,
            reason=result.reason,
            matches=codec.matches_json(result.matches),
        )

    async def by_id(self, number: int) -> Recall | None:
        """Return one recall."""
        row = await self._sql.row("recall_by_id", id=number)
        return None if row is None else recallrows.recall(row)

    async def newest(self, most: int, states: Collection[RecallState] = ()) -> list[Recall]:
        """Return the newest recalls."""
        rows = await self._sql.rows("newest_recalls", most=most, states=codec.json(sorted(states)))
        return [recallrows.recall(row) for row in rows]

    async def due(self, now: float) -> list[Recall]:
        """Return the recalls of which servers are to be told now."""
        return [recallrows.recall(row) for row in await self._sql.rows("due_recalls", now=now)]

    async def files(self, recall: int) -> list[str]:
        """Return the digests of the files."""
        return [row["digest"] for row in await self._sql.rows("recall_files_of", recall=recall)]

    async def posts(self, recall: int) -> list[RecalledPost]:
        """Return the posts."""
        return [recallrows.post(row) for row in await self._sql.rows("recall_posts_of", recall=recall)]

    async def receivers(self, recall: int) -> list[Told]:
        """Return who is to be told, and of what."""
        found: dict[str, tuple[Row, dict[str, None]]] = {}
        for row in await self._sql.rows("recall_receivers_of", recall=recall):
            found.setdefault(row["actor"], (row, {}))[1][row["object_id"]] = None
        return [
            Told(actor, row["server"], row["inbox"], tuple(posts), _machine(row["profile"]))
            for actor, (row, posts) in found.items()
        ]

    async def counts(self, recalls: Collection[int]) -> dict[int, RecallCounts]:
        """Count what recalls are about."""
        among = codec.json(sorted(recalls))
        files, posts, servers = [
            {row["recall"]: row for row in await self._sql.rows(name, recalls=among)}
            for name in ("count_recall_files", "count_recall_posts", "count_recall_receivers")
        ]
        states: dict[int, dict[str, int]] = {}
        answered: dict[int, int] = {}
        for row in await self._sql.rows("count_recall_notices", recalls=among):
            states.setdefault(row["recall"], {})[row["state"]] = row["n"]
            answered[row["recall"]] = answered.get(row["recall"], 0) + row["answered"]
        return {
            one: RecallCounts(
                files=_n(files.get(one)),
                posts=_n(posts.get(one)),
                servers=_n(servers.get(one)),
                notices=states.get(one, {}),
                answered=answered.get(one, 0),
                deleted=_n(posts.get(one), "deleted"),
            )
            for one in recalls
        }

    async def add_notice(
        self,
        recall: int,
        told: Told,
        kind: NoticeKind,
        *,
        document: str,
        posts: Collection[str],
        at: float,
    ) -> int:
        """Note that a message is on its way."""
        number: int = await self._sql.value(
            "add_recall_notice",
            recall=recall,
            actor=told.actor,
            server=told.server,
            inbox=told.inbox,
            kind=kind.value,
            document=document,
            posts=codec.json(list(posts)),
            at=at,
        )
        return number

    async def notices(self, recall: int, most: int) -> list[Notice]:
        """Return the notices of a recall."""
        rows = await self._sql.rows("recall_notices_of", recall=recall, most=most)
        return [recallrows.notice(row) for row in rows]

    async def attempted(self, notice: int, state: NoticeState, error: str | None, at: float) -> None:
        """Write what an attempt came to."""
        await self._sql.run("attempt_recall_notice", id=notice, state=state.value, error=error, at=at)

    async def cancel(self, recall: int, at: float) -> list[tuple[Notice, Told]]:
        """Take back what did not arrive yet; return the others, with where they went."""
        rows = await self._sql.rows("recall_notices_of", recall=recall, most=_ALL)
        open_ = {NoticeState.WAITING, NoticeState.REFUSED}
        unsent = [{"kind": letter_kind(row["id"])} for row in rows if row["state"] in open_]
        await self._sql.many("drop_recall_letter", unsent)
        await self._sql.run("cancel_recall_notices", recall=recall, at=at)
        return [
            (notice, Told(notice.actor, notice.server, row["inbox"], notice.posts, machine=False))
            for row in rows
            if (notice := recallrows.notice(row)).state is NoticeState.DELIVERED or row["attempts"]
        ]

    async def answered(self, server: str, document: str, answer: str, at: float) -> int | None:
        """Note what a server said."""
        rows = await self._sql.rows(
            "answer_recall_notice", server=server, document=document, answer=answer, at=at
        )
        return rows[0]["recall"] if rows else None

    async def waiting(self) -> dict[str, int]:
        """Count recalls by state, and notices on their way."""
        found = {row["state"]: row["n"] for row in await self._sql.rows("count_recalls")}
        return found | {"notices": await self._sql.value("count_waiting_notices")}

    async def facts(self, digest: str) -> MediaFacts | None:
        """Return what is known of a file for comparing."""
        row = await self._sql.row("media_by_digest", digest=digest)
        if row is not None:
            return codec.media_facts(row)
        nothing = ScanResult(ScanOutcome.NOT_ATTEMPTED)
        return MediaFacts(Digests(digest, **_UNKNOWN, size=0), Undecodable.EMPTY, nothing, 0.0)

    async def forget(self, before: float) -> None:
        """Forget old recalls, and who was served what is not in the log."""
        old: list[dict[str, Any]] = [
            {"id": row["id"]} for row in await self._sql.rows("old_recalls", before=before)
        ]
        for name in ("files", "posts", "receivers", "notices"):
            await self._sql.many(f"forget_recall_{name}", old)
        await self._sql.many("forget_recall", old)
        await self._sql.run("forget_servings")
        await self._sql.run("forget_recalled_log")


_RESULT: Final = ("outcome", "reason", "matches")


def _knew(row: Row, name: str) -> bool:
    return any(match.scanner == name for match in codec.matches(row["matches"]))


def _machine(profile: str | None) -> bool:
    return profile is not None and profile_of(orjson.loads(profile)).recalls


def _n(row: Row | None, name: str = "n") -> int:
    return 0 if row is None else int(row[name])
