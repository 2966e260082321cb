"""`assay webhooks`: servers that send their posts to have them checked, and what was found. Facts only."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

import click

from relay.cli import sentences
from relay.cli.command import Command
from relay.cli.output import as_document, pairs, say, span, stamp, table, when
from relay.cli.session import Session, operator, pass_session
from relay.domain.webhook import ADDRESS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from relay.config.webhooks import WebhookSettings
    from relay.domain.intake import Item
    from relay.domain.webhook import HookCount, HookFinding

SENDER: Final = {
    "name": "name of the web hook",
    "address": "what the admin of the server enters in Mastodon",
    "server": "server whose posts may come",
    "visibility": "which posts are checked",
    "flag": "whether what matched is reported to the server",
    "counts": (
        "number by what became of it since the beginning: requests (`accepted`, `repeat`, `ignored-…`, "
        "`bad-signature`, `malformed`, `busy`) and posts (`clean`, `passed`, `gone`, `finding`)"
    ),
    "last_at": "when something of the server was counted last, or null",
}
FINDING: Final = {
    "number": "number of the finding",
    "state": "open or closed",
    "webhook": "name of the web hook",
    "post": "id of the post",
    "actor": "its author",
    "visibility": "to whom it is shown",
    "media": "its files: url, kind, digest (SHA-256, or null), outcome, reason, matches; for the operator only",
    "would": "what the policy would do: quarantine, drop, or another when its rule tells somebody",
    "rule": "rule of the policy",
    "reason": "reason code",
    "flag": "what became of the report to its server: `sent`, `failed: …`, or null when there was to be none",
    "first_at": "when it was found first",
    "last_at": "when it was found last",
    "times": "how often",
    "closed_at": "when somebody dealt with it, or null",
    "closed_by": "who, or null",
    "note": "note of who dealt with it, or null",
}


@click.group()
def webhooks() -> None:
    """Show web hooks, and what was found in posts that came by them."""


@webhooks.command(
    cls=Command,
    answer={
        "webhooks[]": "one object each:",
        **SENDER,
        "waiting": "posts that wait to be checked",
        "findings": "findings that nobody has dealt with",
    },
)
@pass_session
def status(session: Session) -> None:
    """Show the web hooks, whether anything comes, and what became of it.

    Counts are written every ten seconds while the relay runs.
    """
    found, now = session.run(_status(session))
    if session.as_json:
        as_document(found)
        return
    for one in found["webhooks"]:
        _show_sender(one, now)
        say()
    if not found["webhooks"]:
        say("There are no web hooks: see `webhooks` in the configuration.")
    else:
        todo = " -> assay webhooks findings" if found["findings"] else ""
        pairs({"Waiting": f"{found['waiting']:,} posts", "Findings": f"{found['findings']:,} open{todo}"})


@webhooks.command(cls=Command, answer={"findings[]": "one object each, newest first:", **FINDING})
@click.option("--closed", is_flag=True, help="Those that are dealt with.")
@click.option(
    "--most", type=click.IntRange(min=1), default=200, show_default=True, help="At most so many, the newest."
)
@pass_session
def findings(session: Session, *, closed: bool, most: int) -> None:
    """List posts that came by web hook and that the policy would not relay, newest first.

    They are still on their own server: what to do there is for its moderators.
    """
    found, now = session.run(_findings(session, closed=closed, most=most))
    if session.as_json:
        as_document({"findings": [_finding(one) for one in found]})
    elif found:
        _show(found, now)
    else:
        say("Nothing is on record.")


@webhooks.command(cls=Command, answer=FINDING)
@click.argument("number", type=click.IntRange(min=1))
@click.option("--note", metavar="TEXT", help="What was done; kept on record.")
@pass_session
def close(session: Session, number: int, note: str | None) -> None:
    """Note that a finding is dealt with. The same files in the same post do not come up again."""
    row = _finding(session.run(_close(session, number, note)))
    if session.as_json:
        as_document(row)
    else:
        say(f"Finding {number} of a web hook is closed.")


async def _status(session: Session) -> tuple[dict[str, Any], float]:
    async with session.office() as office:
        counts, waiting = await office.hooks.counts()
        url = office.identity.url
        rows = [_sender(one, url, counts) for one in office.settings.webhooks]
        return {
            "webhooks": rows,
            "waiting": waiting,
            "findings": await office.hooks.open(),
        }, office.clock.now()


async def _findings(session: Session, *, closed: bool, most: int) -> tuple[list[HookFinding], float]:
    async with session.office() as office:
        return await office.hooks.findings(is_open=not closed, most=most), office.clock.now()


async def _close(session: Session, number: int, note: str | None) -> HookFinding:
    async with session.office() as office:
        return await office.hooks.close(number, who=operator(), note=note)


def _sender(one: WebhookSettings, url: str, counts: Sequence[HookCount]) -> dict[str, Any]:
    mine = [count for count in counts if count.sender == one.name]
    return {
        "name": one.name,
        "address": f"{url}{ADDRESS}/{one.name}",
        "server": one.server,
        "visibility": list(one.visibility),
        "flag": one.flag,
        "counts": {count.what: count.number for count in mine},
        "last_at": stamp(max((count.last_at for count in mine), default=None)),
    }


def _show_sender(row: Mapping[str, Any], now: float) -> None:
    counted = ", ".join(f"{number:,} {what}" for what, number in row["counts"].items())
    pairs(
        {
            "Web hook": row["name"],
            "Address": row["address"],
            "Server": row["server"],
            "Checks": ", ".join(row["visibility"]) + ("; reports what matched" if row["flag"] else ""),
            "Came": f"{counted}; last {when(row['last_at'], now)}" if counted else "nothing yet",
        }
    )


def _file(item: Item) -> dict[str, Any]:
    return {
        "url": item.url,
        "kind": item.kind.value,
        "digest": item.digest,
        "outcome": item.outcome.value,
        "reason": item.reason,
        "matches": [asdict(match) for match in item.matches],
    }


def _finding(finding: HookFinding) -> dict[str, Any]:
    return {
        "number": finding.id,
        "state": "open" if finding.closed_at is None else "closed",
        "webhook": finding.sender,
        "post": finding.object_id,
        "actor": finding.actor,
        "visibility": finding.visibility,
        "media": [_file(item) for item in finding.items],
        "would": finding.verb.value,
        "rule": finding.rule,
        "reason": finding.reason,
        "flag": finding.flag,
        "first_at": stamp(finding.first_at),
        "last_at": stamp(finding.last_at),
        "times": finding.times,
        "closed_at": stamp(finding.closed_at),
        "closed_by": finding.closed_by,
        "note": finding.note,
    }


def _show(found: Sequence[HookFinding], now: float) -> None:
    table(
        ("number", "last", "web hook", "reason", "times"),
        [(one.id, f"{span(now - one.last_at)} ago", one.sender, one.reason, one.times) for one in found],
        right=("number", "times"),
        folds=("web hook", "reason"),
    )
    for one in found[:10]:
        say()
        pairs(_facts(_finding(one), now))


def _facts(row: Mapping[str, Any], now: float) -> dict[str, str]:
    facts = {
        "Finding": f"{row['number']}, {row['state']}",
        "Post": f"{row['post']} ({row['visibility']})",
        "Actor": row["actor"],
        "Would": f"{row['would']}, by rule {row['rule']}",
        "Files": "\n".join(sentences.media(row["media"])),
    }
    if row["flag"]:
        facts["Report"] = row["flag"]
    if row["closed_at"]:
        facts["Closed"] = f"{when(row['closed_at'], now)} by {row['closed_by']}"
    if row["note"]:
        facts["Note"] = row["note"]
    return facts
