"""How a subscriber is doing, as commands show it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

from relay.cli.output import moment, span, stamp
from relay.domain import healthwords
from relay.domain.healthwords import Times

if TYPE_CHECKING:
    from collections.abc import Iterator

    from relay.domain.condition import CatchUp, Gap, Health, Suspension, Trouble, Waiting

HEALTH: Final = {
    "condition_since": "since when it is in that condition; null while it is well",
    "failures": "`times` in a row that its server, or its inbox that is gone, failed, `since`, `error`; null when well",
    "next_attempt": "when it is tried again, a day after the last one for an inbox that is gone; null when well",
    "next_rest": "seconds that it rests if that fails too, about; null when well",
    "heard_from": "whether its rest ended early because its server sent something",
    "oldest_due": "when the oldest post was published that it has yet to get, or null",
    "catch_up": "`left` positions, `per_second`, `ends_at` as reckoned (null: as fast as it takes them); or null",
    "suspended": "`who` did it, `why`, `at`, and whether it ends `by_itself`; or null",
    "stragglers": "failed while others arrived: position, object, published_at, attempts, due_at, error",
    "gaps": "what it will never get, because it was away for longer than it is kept: first, last, entries, recorded_at",
    "health": "how deliveries to it go, in words",
}


def health_document(health: Health) -> dict[str, Any]:
    """What `HEALTH` describes."""
    trouble = health.trouble
    return {
        "condition_since": stamp(health.since),
        "failures": None if trouble is None else _failures(trouble),
        "next_attempt": None if trouble is None else stamp(max(trouble.next_at, health.at)),
        "next_rest": None if trouble is None else trouble.next_rest,
        "heard_from": trouble is not None and trouble.heard,
        "oldest_due": None if health.backlog is None else stamp(health.backlog.oldest),
        "catch_up": None if health.catch_up is None else _catch_up(health.catch_up),
        "suspended": None if health.suspension is None else _suspended(health.suspension),
        "stragglers": [_straggler(one) for one in health.stragglers],
        "gaps": [_gap(one) for one in health.gaps],
        "health": "\n".join(text for _, text in show_health(health)),
    }


def show_health(health: Health) -> Iterator[tuple[str, str]]:
    """Yield labels and what there is to say."""
    return healthwords.lines(health, _times(health))


def show_notes(health: Health) -> Iterator[tuple[str, str]]:
    """The same for each straggler and each gap."""
    return healthwords.notes(health, _times(health))


def _times(health: Health) -> Times:
    return Times(partial(moment, now=health.at), span)


def _failures(found: Trouble) -> dict[str, Any]:
    return {"times": found.failures, "since": stamp(found.since), "error": found.error}


def _catch_up(found: CatchUp) -> dict[str, Any]:
    return {"left": found.left, "per_second": found.per_second, "ends_at": stamp(found.ends_at)}


def _suspended(found: Suspension) -> dict[str, Any]:
    return {
        "who": found.who or None,
        "why": found.why,
        "at": stamp(found.at),
        "by_itself": found.by_itself,
    }


def _straggler(found: Waiting) -> dict[str, Any]:
    return {
        "position": found.position,
        "object": found.object_id,
        "published_at": stamp(found.published_at),
        "attempts": found.straggler.attempts,
        "due_at": stamp(found.straggler.due_at),
        "error": found.straggler.error,
    }


def _gap(found: Gap) -> dict[str, Any]:
    return {
        "first": found.first,
        "last": found.last,
        "entries": found.entries,
        "recorded_at": stamp(found.since),
    }
