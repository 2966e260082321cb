"""Why a post came or did not: everything to the operator, and to others what `domain.disclosure` lets them know."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Final, Self

from relay.domain import hosts, strictjson
from relay.domain.disclosure import TOLD, Decided, Delay, Level, Outside, Record, disclose, is_kept_back
from relay.domain.facts import NONE
from relay.domain.fate import SERVED
from relay.domain.log import ActivityState
from relay.domain.media import Match
from relay.domain.policy import RELAYING
from relay.domain.postaddress import spellings
from relay.domain.subscriber_profile import POSTS
from relay.services.holds import OPERATOR

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from relay.domain.disclosure import Disclosure
    from relay.domain.fate import Passage
    from relay.domain.subscription import Subscription
    from relay.ports import Clock, Store, Tx
    from relay.services.passages import Passages

    Row = Mapping[str, Any]

_MATCH: Final = tuple(one.name for one in fields(Match))
_VERBS: Final = frozenset(verb.value for verb in RELAYING)


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks from outside: nobody in particular, or a server and those of its subscriptions that it speaks for.

    `level` is what it may know of any post; of its own it may know as much as a subscriber.
    """

    level: Level = Level.PUBLIC
    server: str | None = None
    subscriptions: tuple[Subscription, ...] = ()

    @classmethod
    def speaking(cls, server: str, subscriptions: Sequence[Subscription]) -> Self:
        """A server, and those subscriptions that it speaks for and that are served."""
        served = tuple(one for one in subscriptions if one.state in SERVED)
        return cls(Level.SUBSCRIBER if served else Level.PUBLIC, server, served)


@dataclass(frozen=True, slots=True)
class Attested:
    """A media item as it is told outside: what came of the attestation that it carries."""

    url: str
    kind: str
    attestation: str
    issuer: str | None

    def as_json(self) -> dict[str, object]:
        """The item as JSON."""
        return {"url": self.url, "kind": self.kind, "attestation": self.attestation, "issuer": self.issuer}


@dataclass(frozen=True, slots=True)
class Telling:
    """What is told outside of a post or an edit, and what became of it for the subscriptions of who asks."""

    kind: str
    disclosure: Disclosure
    media: tuple[Attested, ...] = ()
    passages: tuple[Passage, ...] = ()

    def as_json(self, level: Level) -> dict[str, object]:
        """What is told, as JSON of this level."""
        told: dict[str, object] = {"state": self.disclosure.state.value, "reason": self.disclosure.reason}
        if level is Level.PUBLIC:
            return told
        return told | {
            "rule": self.disclosure.rule,
            "media": [one.as_json() for one in self.media],
            "you": [one.as_json() for one in self.passages],
        }


@dataclass(frozen=True, slots=True)
class Answer:
    """What somebody outside is told. `own`: the post is of who asks. `edits` are told to subscribers, oldest first."""

    object_id: str
    level: Level
    own: bool
    post: Telling
    edits: tuple[Telling, ...] = ()

    def as_json(self) -> dict[str, object]:
        """The answer as JSON, the same in every place where it is told."""
        told = {"object": self.object_id, "level": self.level.value, **self.post.as_json(self.level)}
        if self.level is Level.PUBLIC:
            return told
        return told | {"own": self.own, "edits": [one.as_json(self.level) for one in self.edits]}


class Explainer:
    """Answers why. `shortest` are the seconds that `Delay` has, `key` makes its key, `retention` is in seconds."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        passages: Passages,
        *,
        key: Callable[[], bytes],
        shortest: float,
        retention: float,
    ) -> None:
        self._store, self._clock, self._passages = store, clock, passages
        self._key, self._shortest, self.retention = key, shortest, retention

    async def why(self, text: str) -> list[dict[str, Any]]:
        """Explain to the operator every activity with this id, about this object, or with this number; newest first."""
        async with self._store.reading() as tx:
            rows = await _rows(tx, text)
        return [self._explained(row) for row in rows]

    async def passages(self, number: int) -> tuple[Passage, ...]:
        """Say what became of an activity for every subscriber, oldest first; nothing of what was not published."""
        async with self._store.reading() as tx:
            found: list[Row] = [row for row in await tx.activities.about(str(number)) if row["seq"] == number]
            passages = await self._passages_of(tx, found, await tx.subscribers.all())
        return next(iter(passages.values()), ())

    async def answer(self, text: str, asker: Asker) -> Answer | None:
        """Tell somebody outside about the post with this id, or the one that an activity with this id is about.

        None when nothing is known of it that he may know: it did not come, is not public, or came too long ago.
        """
        async with self._store.reading() as tx:
            rows = await _rows(tx, text)
            objects = [row["object_id"] for row in rows if row["kind"] in TOLD]
            if not objects:
                return None
            about: list[Row] = await tx.activities.about(objects[0])
            found = [row for row in reversed(about) if self._is_remembered(row, objects[0])]
            own = any(asker.server in _servers(row) for row in found)
            level = Level.SUBSCRIBER if own else asker.level
            told = [
                (row, disclosure)
                for row in found
                if (disclosure := self._disclose(row, level, asker)) is not None
            ]
            passages = await self._passages_of(tx, [row for row, _ in told], asker.subscriptions)
        posts = [one for one in told if one[0]["kind"] in POSTS]
        if not posts:
            return None
        post = next((one for one in posts if one[0]["position"] is not None), posts[0])
        edits = [] if level is Level.PUBLIC else [one for one in told if one[0]["kind"] not in POSTS]
        tellings = [_telling(row, disclosure, level, passages) for row, disclosure in (post, *edits)]
        return Answer(objects[0], level, own, tellings[0], tuple(tellings[1:]))

    def _is_remembered(self, row: Row, object_id: str) -> bool:
        """Whether a row may still be told of: what a person has to look at is kept longer, which must not be seen."""
        kept = row["received_at"] >= self._clock.now() - self.retention
        return bool(kept and row["object_id"] == object_id)  # not what has this for the id of its activity

    async def _passages_of(
        self, tx: Tx, rows: Sequence[Row], subscriptions: Sequence[Subscription]
    ) -> dict[int, tuple[Passage, ...]]:
        """Say by position what became of rows that were published; nothing for who has no subscription."""
        published = {row["position"]: _published_at(row) for row in rows if row["position"] is not None}
        return await self._passages.of(tx, published, subscriptions) if subscriptions else {}

    def _disclose(self, row: Row, level: Level, asker: Asker) -> Disclosure | None:
        author = asker.server is not None and asker.server in hosts.server_names([row["object_id"]])
        return disclose(_record(row), level, self._clock.now(), self._delay(), author=author)

    def _delay(self) -> Delay:
        return Delay(self._key(), self._shortest)

    def _explained(self, row: Row) -> dict[str, Any]:
        record, published = _record(row), row["state"] == ActivityState.PUBLISHED
        told = disclose(record, Level.PUBLIC, self._clock.now(), self._delay())
        late = told is not None and told.state is Outside.WAITING and is_kept_back(record)
        return {
            "object": row["object_id"],
            "kind": row["kind"],
            "received_at": row["received_at"],
            "state": row["state"],
            "decisions": [_decision(decision) for decision in row["decisions"]],
            "media": [_medium(medium) for medium in row["media"]],
            "number": row["seq"],
            "activity": row["activity_id"],
            "actor": row["actor"],
            "server": row["server"],
            "hold": row["hold"],
            "position": row["position"],
            "published_at": _published_at(row) if published else None,
            "public": None if told is None else {"state": told.state.value, "reason": told.reason},
            "told_at": self._delay().until(record) if late else None,
        }


def _telling(
    row: Row, disclosure: Disclosure, level: Level, passages: Mapping[int, tuple[Passage, ...]]
) -> Telling:
    shows_media = disclosure.shows_media and level is not Level.PUBLIC
    items = tuple(
        Attested(one["url"], one["kind"], one["attestation"], one["issuer"])
        for one in (row["media"] if shows_media else ())
    )
    return Telling(row["kind"], disclosure, items, passages.get(row["position"], ()))


async def _rows(tx: Tx, text: str) -> list[Row]:
    for spelling in spellings(text):
        rows = await tx.activities.about(spelling)
        if rows:
            return rows
    return []


def _servers(row: Row) -> frozenset[str]:
    """The servers whose post it is: of who signed and who did it, and of the post."""
    return hosts.server_names([row["actor"], row["object_id"]]) | {row["server"]}


def _published_at(row: Row) -> float:
    """When it was published: by the log, or when that has forgotten it, by the last decision."""
    if row["published_at"] is not None:
        return float(row["published_at"])
    return float(max(one["at"] for one in row["decisions"]))


def _record(row: Row) -> Record:
    return Record(
        kind=row["kind"],
        object_id=row["object_id"],
        state=ActivityState(row["state"]),
        received_at=row["received_at"],
        deleted=row["deleted"],
        decisions=[_decided(one) for one in row["decisions"]],
    )


def _decided(row: Row) -> Decided:
    facts = strictjson.loads(row["facts"].encode())
    media = facts.get("media") if isinstance(facts, dict) else None
    return Decided(
        rule=row["rule"],
        reason=row["reason"],
        media=None if media is None else media != [NONE],
        relays=row["verb"] in _VERBS,
        by_person=row["rule"] == OPERATOR and not row["policy"],
    )


def _decision(decision: Row) -> dict[str, Any]:
    return {
        "at": decision["at"],
        "verb": decision["verb"],
        "effective": decision["effective"],
        "rule": decision["rule"],
        "reason": decision["reason"],
        "policy": decision["policy"],
        "facts": strictjson.loads(decision["facts"].encode()),
        "trace": strictjson.loads(decision["trace"].encode()),
    }


def _medium(medium: Row) -> dict[str, Any]:
    return {
        "url": medium["url"],
        "kind": medium["kind"],
        "attestation": medium["attestation"],
        "digest": medium["digest"],
        "outcome": medium["outcome"],
        "reason": medium["reason"],
        "issuer": medium["issuer"],
        "matches": _matches(medium["matches"]),
        "type": medium["media_type"],
        "width": medium["width"],
        "height": medium["height"],
        "size": medium["size"],
    }


def _matches(stored: str) -> list[dict[str, Any]]:
    """Matches are stored as rows; whoever reads an explanation gets them with names.

    Rows of an older version are shorter: they do not count frames.
    """
    rows = strictjson.loads(stored.encode())
    return [dict(zip(_MATCH, row, strict=False)) for row in rows] if isinstance(rows, list) else []
