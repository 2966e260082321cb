"""Recalls in the durable state, and the matching of stored media against new entries. See `store`."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Collection, Mapping, Sequence

    from relay.domain.intake import MediaFacts
    from relay.domain.media import Match
    from relay.domain.recall import Copy, Notice, NoticeKind, NoticeState, Recall, RecallState, Serving


class StoredHashes(NamedTuple):
    """What is compared of stored media: digests in hex, and the frames as they are stored.

    Of media that was relayed on somebody's attestation only the SHA-256 is known; the other digests are zeros then.
    """

    sha256: str
    sha1: str
    md5: str
    frames: str


class Change(NamedTuple):
    """A list that changed since its entries were last compared with stored media.

    `version`: of the list as it is now. `parts`: what to remember once the comparison is done.
    """

    list: str
    version: str
    parts: frozenset[str]


class Rematcher(Protocol):
    """Compares new list entries with stored media, away from the loop and in bounded memory."""

    async def changes(self, done: Mapping[str, frozenset[str]]) -> list[Change]:
        """The lists whose content is not what `done` says of them, benign lists left out."""

    async def candidates(
        self, change: Change, done: frozenset[str], pages: AsyncIterator[Sequence[StoredHashes]]
    ) -> list[str]:
        """The digests of stored media that entries may match which came since `done`. None is missed.

        Raises `RelayError`; nothing is known then.
        """


class Told(NamedTuple):
    """Somebody who may have received posts of a recall: where to send, how, and whether software wants to know."""

    actor: str
    server: str
    inbox: str
    posts: tuple[str, ...]
    machine: bool


class RecallCounts(NamedTuple):
    """What a recall is about, in numbers: files, posts, servers that may have got one, notices by state."""

    files: int
    posts: int
    servers: int
    notices: Mapping[str, int]
    answered: int
    deleted: int


class RecalledPost(NamedTuple):
    """A post of a recall. `deleted_at`: when its own server deleted it, as far as we were told."""

    object_id: str
    author: str | None
    published_at: float
    announce: str | None
    media: tuple[str, ...]
    deleted_at: float | None


class Recalls(Protocol):
    """Recalls, what they stopped, and who was told. Nothing of it ends by itself before `forget`."""

    async def done(self) -> dict[str, frozenset[str]]:
        """Return what of each list was compared with stored media."""

    async def save_done(self, name: str, parts: Collection[str]) -> None:
        """Write what of a list was compared with stored media."""

    async def stored(self, after: str, most: int) -> list[StoredHashes]:
        """Return a page of everything that was scanned, by digest."""

    async def unscanned(self, after: str, most: int) -> list[StoredHashes]:
        """Return a page of what was relayed on somebody's attestation and never scanned, by digest."""

    async def stopped_by(self, digest: str, name: str) -> int | None:
        """Return the recall of a list that stands and has stopped a file."""

    async def stops(self, seq: int) -> int | None:
        """Return a recall that stands and has stopped a file of an activity."""

    async def dismissed(self, digest: str) -> frozenset[str]:
        """Return the lists of which a person said that they are wrong about a file."""

    async def copies(self, digest: str, name: str) -> list[Copy]:
        """Return where a file stands in the log, of posts for which that list did not match when they were decided."""

    async def servings(self) -> list[Serving]:
        """Return who is, and who was, served which part of the log."""

    async def open_of(self, name: str, entry: str) -> Recall | None:
        """Return the recall of an entry of which nobody was told yet."""

    async def add(self, recall: Recall) -> int:
        """Open a recall; return its number."""

    async def save(self, recall: Recall) -> None:
        """Write what changes: state, cause, times, who and why."""

    async def stop(self, recall: int, digest: str, match: Match, at: float) -> bool:
        """Stop a file: what is known of it becomes the match, its attestation is retracted.

        What was known is kept. Return whether an attestation of ours stood.
        """

    async def stop_post(self, recall: int, copy: Copy, receivers: Collection[Serving]) -> None:
        """Stop a post: nobody else gets it. `receivers` are kept with the recall."""

    async def release(self, recall: int, at: float) -> set[str]:
        """Take the stop back, but for what another recall stops; return the objects that may go out again."""

    async def by_id(self, number: int) -> Recall | None:
        """Return one recall."""

    async def newest(self, most: int, states: Collection[RecallState] = ()) -> list[Recall]:
        """Return the newest recalls, or those in some states."""

    async def due(self, now: float) -> list[Recall]:
        """Return the recalls of which servers are to be told now."""

    async def files(self, recall: int) -> list[str]:
        """Return the digests of the files of a recall."""

    async def posts(self, recall: int) -> list[RecalledPost]:
        """Return the posts of a recall, oldest first."""

    async def receivers(self, recall: int) -> list[Told]:
        """Return who may have received posts of a recall and was not told of them by another one that stands."""

    async def counts(self, recalls: Collection[int]) -> dict[int, RecallCounts]:
        """Count what recalls are about."""

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
        """Note that a message is on its way; return its number."""

    async def notices(self, recall: int, most: int) -> list[Notice]:
        """Return the notices of a recall in order of server."""

    async def attempted(self, notice: int, state: NoticeState, error: str | None, at: float) -> None:
        """Write what an attempt at a notice came to."""

    async def cancel(self, recall: int, at: float) -> list[tuple[Notice, Told]]:
        """Take back what did not arrive yet; return the others, with where they went."""

    async def answered(self, server: str, document: str, answer: str, at: float) -> int | None:
        """Note what a server said to a notice of its own; return its recall, None when it got no such notice."""

    async def waiting(self) -> dict[str, int]:
        """Count recalls by state, and notices that did not arrive yet as `notices`."""

    async def facts(self, digest: str) -> MediaFacts | None:
        """Return what is known of a file for comparing; of one that was never scanned its SHA-256."""

    async def forget(self, before: float) -> None:
        """Forget recalls that were closed or sent before a time, and who was served what is not in the log."""
