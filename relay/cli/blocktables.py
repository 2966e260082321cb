"""What `assay blocks` shows people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from relay.cli.output import note, pairs, say, table, when

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SHOWN: Final = 50
"""Servers of a preview that people are shown."""


def show_verdict(found: Mapping[str, Any]) -> None:
    """Say whether a server is blocked, and which lists name it."""
    if found["blocked"]:
        say(f"{found['server']} is blocked: {found['reason']}.")
    elif found["allowed_by"] and any(not one["observed"] for one in found["listings"]):
        say(f"{found['server']} is not blocked: {found['allowed_by']} in federation.allow wins over lists.")
    else:
        say(f"{found['server']} is not blocked.")
    for one in found["listings"]:
        said = f", {one['severity']}" if one["severity"] else ""
        why = f": {one['comment']}" if one["comment"] else ""
        seen = " (only observed)" if one["observed"] else ""
        say(f"  {one['list']} lists {one['server']}{said}{seen}{why}")


def show_lists(rows: Sequence[Mapping[str, Any]], now: float) -> None:
    """Show how lists do."""
    if not rows:
        say("No blocklists are configured: see federation.blocklists.")
    for row in rows:
        waits = (
            [f"{row['pending']} to decide on -> assay blocks status {row['name']}"] if row["pending"] else []
        )
        lines = {
            "Source": f"{row['source']} ({row['format']}, {row['action']})",
            "In force": f"{row['blocks']:,} blocked, {row['observes']:,} observed",
            "Read": when(row["checked_at"], now),
            "Next": when(row["next_at"], now) if row["next_at"] else "as soon as the relay runs",
            "Would refuse": f"{row['would_refuse']:,} activities so far, if it blocked what it observes",
        }
        if row["obfuscated"] or row["unusable"]:
            lines["Left out"] = f"{row['obfuscated']:,} obfuscated, {row['unusable']:,} no server names"
        if row["error"]:
            lines["Error"] = f"{row['error']} ({row['failures']} in a row; what was in force stays)"
        if waits:
            lines["Waiting"] = waits[0]
        say(row["name"], bold=True)
        pairs(lines, indent="  ")


def show_batches(rows: Sequence[Mapping[str, Any]]) -> None:
    """Show batches, and what to do about one that waits."""
    columns = ("batch", "list", "at", "gained", "lost", "state", "who")
    cells = [
        (
            row["number"],
            row["list"],
            row["at"],
            f"{row['gained']:,}",
            f"{row['lost']:,}",
            row["state"],
            row["who"],
        )
        for row in rows
    ]
    table(columns, cells, right=("batch", "gained", "lost"), folds=("list", "who"))
    waiting = next((row["number"] for row in rows if row["state"] == "pending"), None)
    if waiting is not None:
        say()
        say(f"Waiting for you: assay blocks preview {waiting}, then assay blocks accept {waiting} or reject")


def show_preview(found: Mapping[str, Any]) -> None:
    """Show what would change, or what a batch changes."""
    changes = found["changes"]
    if not changes:
        say(f"Nothing would change in {found['name']}.")
    for change in changes[:SHOWN]:
        sign = "-" if change["after"] is None else "+" if change["before"] is None else "~"
        effect = change["after"] or change["before"]
        comment = f"  {change['comment']}" if change["comment"] else ""
        say(f"{sign} {change['server']}  {effect}{comment}")
    if len(changes) > SHOWN:
        say(f"and {len(changes) - SHOWN:,} more; --json shows all")
    if found["obfuscated"] or found["unusable"]:
        note(f"left out: {found['obfuscated']:,} obfuscated, {found['unusable']:,} that are no server names")
    if found["sudden"]:
        note("this is suddenly much: it waits until you accept it")


def show_outcome(row: Mapping[str, Any]) -> None:
    """Say what a refresh did."""
    if row["error"]:
        say(f"{row['name']} could not be read: {row['error']}. What was in force stays.")
    elif row["batch"] is None:
        say(f"{row['name']}: nothing changed.")
    elif row["pending"]:
        say(
            f"{row['name']}: batch {row['batch']} (+{row['gained']:,} -{row['lost']:,}) waits for you, because it "
            f"changes suddenly much: assay blocks preview {row['batch']}"
        )
    else:
        say(f"{row['name']}: batch {row['batch']} (+{row['gained']:,} -{row['lost']:,}) is in force.")
