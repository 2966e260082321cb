"""Rows to values and back. JSON columns hold what is read as a whole."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from relay.domain.facts import AttestationState
from relay.domain.intake import Hold, Issued, Item, Letter, MediaFacts, StoredKey, Work
from relay.domain.log import HoldState, LogEntry, NewEntry, Proof, Proven, Rendered
from relay.domain.media import (
    Decoded,
    Digests,
    FrameHash,
    Match,
    MatchKind,
    MediaKind,
    ScanOutcome,
    ScanResult,
    Undecodable,
)
from relay.domain.policy_rules import Verb
from relay.domain.profile_text import profile_of
from relay.domain.subscriber_profile import POSTS, SubscriberProfile
from relay.domain.subscription import Back, Dialect, State, Subscription, Upstream, UpstreamState
from relay.domain.traits import Traits

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from relay.domain.delivery import Host
    from relay.domain.intake import Settled

    Row = Mapping[str, Any]


def json(value: object) -> str:
    """Write a JSON column."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()


def matches_json(matches: Iterable[Match]) -> str:
    """Write matches."""
    return json(
        [[m.kind, m.scanner, m.category, m.algorithm, m.distance, m.frames, m.of, m.entry] for m in matches]
    )


def matches(text: str) -> tuple[Match, ...]:
    """Read matches; those of an older version do not count frames."""
    return tuple(Match(MatchKind(kind), *rest) for kind, *rest in orjson.loads(text))


def media_row(facts: MediaFacts) -> dict[str, object]:
    """Write facts about bytes."""
    decoded = facts.decoded if isinstance(facts.decoded, Decoded) else None
    frames = [
        [frame.pdq.hex(), frame.quality, [turn.hex() for turn in frame.dihedral], frame.phash.hex()]
        for frame in (decoded.frames if decoded else ())
    ]
    return {
        "digest": facts.digests.sha256,
        "sha1": facts.digests.sha1,
        "md5": facts.digests.md5,
        "size": facts.digests.size,
        "media_type": decoded.media_type if decoded else None,
        "width": decoded.width if decoded else None,
        "height": decoded.height if decoded else None,
        "frames": json(frames),
        "undecodable": facts.decoded.unseen if isinstance(facts.decoded, Decoded) else facts.decoded.value,
        "outcome": facts.result.outcome.value,
        "reason": facts.result.reason,
        "matches": matches_json(facts.result.matches),
        "versions": json(facts.result.versions),
        "at": facts.scanned_at,
    }


def media_facts(row: Row) -> MediaFacts:
    """Read facts about bytes."""
    decoded: Decoded | Undecodable
    why = row["undecodable"]
    if row["media_type"] is not None:
        frames = tuple(
            FrameHash(bytes.fromhex(pdq), quality, tuple(map(bytes.fromhex, turns)), bytes.fromhex(phash))
            for pdq, quality, turns, phash in orjson.loads(row["frames"])
        )
        unseen = None if why is None else Undecodable(why)
        decoded = Decoded(row["media_type"], row["width"], row["height"], frames, unseen)
    else:
        decoded = Undecodable(why)
    result = ScanResult(
        ScanOutcome(row["outcome"]),
        matches(row["matches"]),
        row["reason"],
        orjson.loads(row["versions"]),
    )
    digests = Digests(row["digest"], row["sha1"], row["md5"], row["size"])
    return MediaFacts(digests, decoded, result, row["scanned_at"])


def item_row(seq: int, place: int, item: Item) -> dict[str, object]:
    """Write a media item of an activity."""
    return {
        "seq": seq,
        "place": place,
        "url": item.url,
        "kind": item.kind.value,
        "digest": item.digest,
        "outcome": item.outcome.value,
        "reason": item.reason,
        "attestation": item.attestation.value,
        "issuer": item.issuer,
        "matches": matches_json(item.matches),
    }


def item(row: Row) -> Item:
    """Read a media item of an activity."""
    return Item(
        row["url"],
        MediaKind(row["kind"]),
        row["digest"],
        ScanOutcome(row["outcome"]),
        row["reason"],
        AttestationState(row["attestation"]),
        row["issuer"],
        matches(row["matches"]),
    )


def work(row: Row) -> Work:
    """Read an activity taken for screening; the row is as it was before it was taken."""
    return Work(
        row["seq"],
        row["activity_id"],
        row["kind"],
        row["actor"],
        row["server"],
        row["object_id"],
        row["body"],
        row["received_at"],
        tuple(orjson.loads(row["tokens"])),
        row["attempts"] + 1,
        proven(row["proven"], row["forward_until"]),
    )


def proven(by: str | None, until: float | None) -> Proven | None:
    """Read how bytes were proven."""
    return None if by is None else Proven(Proof(by), until)


def issued(row: Row) -> Issued:
    """Read an attestation of ours."""
    return Issued(
        row["digest"], row["jws"], row["issued_at"], row["expires_at"], row["retracted_at"], row["key"]
    )


def decision_row(seq: int, settled: Settled) -> dict[str, object]:
    """Write a decision about an activity."""
    decision = settled.decision
    return {
        "seq": seq,
        "at": settled.at,
        "verb": decision.would.value,
        "effective": decision.verb.value,
        "rule": decision.rule,
        "reason": decision.reason,
        "policy": decision.policy,
        "facts": json(settled.facts),
        "trace": json([step.as_json() for step in decision.trace]),
    }


def hold(row: Row) -> Hold:
    """Read a hold with what it holds."""
    return Hold(
        id=row["id"],
        seq=row["seq"],
        reason=row["reason"],
        rule=row["rule"],
        created_at=row["created_at"],
        state=HoldState(row["state"]),
        activity_id=row["activity_id"],
        kind=row["kind"],
        actor=row["actor"],
        server=row["server"],
        object_id=row["object_id"],
        body=row["body"],
        decided_at=row["decided_at"],
        decided_by=row["decided_by"],
        note=row["note"],
        proven=proven(row["proven"], row["forward_until"]),
    )


def log_entry(row: Row) -> LogEntry:
    """Read a log entry."""
    forward = row["forward"]
    return LogEntry(
        object_id=row["object_id"],
        origins=frozenset(orjson.loads(row["origins"])),
        announce=Rendered(row["body"], row["digest"]) if row["body"] else None,
        forward=None if forward is None else Rendered(forward, row["forward_digest"]),
        proven=proven(row["forward_by"], row["forward_until"]),
        attestations=row["attestations"],
        position=row["position"],
        published_at=row["published_at"],
        traits=traits(row["traits"]),
    )


def log_row(entry: NewEntry) -> dict[str, object]:
    """Write a log entry; its place is the caller's."""
    announce, forward, shown = entry.announce, entry.forward, entry.proven
    return {
        "object_id": entry.object_id,
        "origins": json(sorted(entry.origins)),
        "body": announce.body if announce else b"",
        "digest": announce.digest if announce else "",
        "attestations": entry.attestations,
        "forward": forward.body if forward else None,
        "forward_digest": forward.digest if forward else None,
        "forward_by": shown.by.value if shown else None,
        "forward_until": shown.until if shown else None,
        "traits": json(_traits(entry.traits)),
    }


def _traits(traits: Traits) -> dict[str, object]:
    found: dict[str, object] = {"kind": traits.kind, "verb": traits.verb.value}
    found |= {name: list(value) for name in ("languages", "hashtags") if (value := getattr(traits, name))}
    if traits.media:
        found["media"] = True
    if traits.original is not None:
        found |= {"first": traits.first, "original": _traits(traits.original)}
    return found


def traits(text: str | None) -> Traits:
    """Read traits; of an entry of an older version nothing is known."""
    return Traits() if text is None else _read_traits(orjson.loads(text))


def _read_traits(found: Mapping[str, Any]) -> Traits:
    original = found.get("original")
    return Traits(
        kind=found["kind"],
        verb=Verb(found["verb"]),
        languages=tuple(found.get("languages", ())),
        hashtags=tuple(found.get("hashtags", ())),
        media=found.get("media", False),
        first=found.get("first"),
        original=None if original is None else _read_traits(original),
    )


def first(row: Row | None) -> tuple[int, Traits] | None:
    """Read where an object was published first, from its first entry that is left: that may be an edit."""
    found = None if row is None else traits(row["traits"])
    if row is None or found is None:
        return None
    return first_of(row["position"], found)


def first_of(position: int, found: Traits) -> tuple[int, Traits] | None:
    """Return the same from an entry's place and traits; None for an edit whose post is not known."""
    if found.original is not None and found.first is not None:
        return found.first, found.original
    return (position, found) if found.kind in POSTS else None


def subscription(row: Row) -> Subscription:
    """Read a subscription."""
    return Subscription(
        id=row["id"],
        actor=row["actor"],
        server=row["server"],
        inbox=row["inbox"],
        dialect=Dialect(row["dialect"]),
        state=State(row["state"]),
        follow=orjson.loads(row["follow"]),
        created_at=row["created_at"],
        changed_at=row["changed_at"],
        reason=row["reason"],
        back=Back(row["back"]),
        back_id=row["back_id"],
        profile=SubscriberProfile() if row["profile"] is None else profile_of(orjson.loads(row["profile"])),
        profile_since=row["profile_since"],
        profile_locked=bool(row["profile_locked"]),
    )


def upstream(row: Row) -> Upstream:
    """Read a relay that this one follows."""
    return Upstream(
        actor=row["actor"],
        server=row["server"],
        dialect=Dialect(row["dialect"]),
        state=UpstreamState(row["state"]),
        follow_id=row["follow_id"],
        created_at=row["created_at"],
        changed_at=row["changed_at"],
        inbox=row["inbox"],
        error=row["error"],
    )


def upstream_row(upstream: Upstream) -> dict[str, object]:
    """Write a relay that this one follows."""
    return {
        "actor": upstream.actor,
        "server": upstream.server,
        "dialect": upstream.dialect.value,
        "state": upstream.state.value,
        "follow_id": upstream.follow_id,
        "created_at": upstream.created_at,
        "changed_at": upstream.changed_at,
        "inbox": upstream.inbox,
        "error": upstream.error,
    }


def host_row(server: str, host: Host) -> dict[str, object]:
    """Write the health of a server."""
    return {
        "server": server,
        "failures": host.failures,
        "retry_at": host.retry_at,
        "error": host.error,
        "failing_since": host.failing_since,
        "succeeded_at": host.succeeded_at,
    }


def letter(row: Row) -> Letter:
    """Read a letter that is being taken; the row is as it was before."""
    return Letter(
        row["id"],
        row["kind"],
        row["actor"],
        row["inbox"],
        row["body"],
        row["created_at"],
        row["attempts"] + 1,
    )


def stored_key(row: Row) -> StoredKey:
    """Read a public key."""
    return StoredKey(row["id"], row["actor"], row["pem"], row["fetched_at"])
