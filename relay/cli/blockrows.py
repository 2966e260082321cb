"""What `assay blocks` answers, as documents: lists, batches, changes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from relay.cli.output import stamp

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from relay.domain.blocklist import Blocklist, Change
    from relay.domain.moderation import Batch, ListState

NAMES: Final = {
    "servers[]": "one object each:",
    "server": "server that is named, with its subdomains",
    "list": "name of the list, or `federation.block`",
    "effect": "`block`, `observe`, or `policy` for a list that the policy names",
    "severity": "the list's own word, or null",
    "comment": "the list's public reason, or null",
    "opt_outs": "with --opt-outs instead: how many accounts blocked this relay",
    "actors[]": "with --opt-outs --all: actor, whole_server, since",
}
LIST: Final = {
    "name": "name of the list",
    "source": "its address or file",
    "format": "`mastodon-csv` or `fires`",
    "action": "`block`, `observe`, or `policy` for a list that the policy names",
    "blocks": "entries in force that block",
    "observes": "entries in force that are only observed",
    "checked_at": "when it was last read without an error, or null",
    "next_at": "when it is read again",
    "failures": "failures in a row",
    "error": "last error, or null",
    "obfuscated": "entries that their keeper made unreadable",
    "unusable": "entries that are no server names",
    "would_refuse": "activities that observed entries would have refused",
    "pending": "batches that wait for you",
}
BATCH: Final = {
    "number": "number of the batch",
    "list": "name of the list",
    "at": "when it was made",
    "who": "who asked for it: `schedule`, or a user",
    "source": "address or file it was read from",
    "state": "applied, pending, undone, rejected, or replaced by a newer one",
    "gained": "servers that it adds",
    "lost": "servers that it takes away",
    "decided_at": "when a person decided, or null",
    "decided_by": "who decided, or null",
}
CHANGE: Final = {
    "server": "server that is named",
    "before": "`block`, `observe` or null",
    "after": "`block`, `observe` or null",
    "severity": "the list's own word, or null",
    "comment": "the list's public reason, or null",
}


def list_row(listed: Blocklist, state: ListState, sizes: Mapping[str, int], pending: int) -> dict[str, Any]:
    """How a list does."""
    observing = listed.action.value == "observe"
    blocks, observes = sizes.get("block", 0), sizes.get("observe", 0)
    return {
        "name": listed.name,
        "source": listed.place,
        "format": listed.format.value,
        "action": "policy" if listed.for_policy else listed.action.value,
        "blocks": 0 if observing else blocks,
        "observes": observes + blocks if observing else observes,
        "checked_at": stamp(state.checked_at),
        "next_at": stamp(state.next_at) if state.next_at else None,
        "failures": state.failures,
        "error": state.error,
        "obfuscated": state.obfuscated,
        "unusable": state.unusable,
        "would_refuse": state.observed,
        "pending": pending,
    }


def batch_row(batch: Batch) -> dict[str, Any]:
    """A batch without its changes."""
    return {
        "number": batch.id,
        "list": batch.list,
        "at": stamp(batch.at),
        "who": batch.who,
        "source": batch.source,
        "state": batch.state.value,
        "gained": batch.gained,
        "lost": batch.lost,
        "decided_at": stamp(batch.decided_at),
        "decided_by": batch.decided_by,
    }


def change_rows(changes: Sequence[Change]) -> list[dict[str, Any]]:
    """What a batch changes."""
    rows = []
    for one in changes:
        before, after = one.effects
        entry = one.after or one.before
        rows.append(
            {
                "server": one.server,
                "before": before and before.value,
                "after": after and after.value,
                "severity": (entry.severity if entry else None) or None,
                "comment": (entry.comment if entry else None) or None,
            }
        )
    return rows
