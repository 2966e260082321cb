"""`assay blocks`: which servers are blocked and why, the lists that others keep, and their batches."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import click

from relay.cli.blockrows import BATCH, CHANGE, LIST, NAMES, batch_row, change_rows, list_row
from relay.cli.blocktables import show_batches, show_lists, show_outcome, show_preview, show_verdict
from relay.cli.command import Command, answered
from relay.cli.output import as_document, say, stamp, table
from relay.cli.problems import Problem, Status
from relay.cli.progress import busy, progress
from relay.cli.session import Session, operator, pass_session
from relay.domain import hosts
from relay.domain.errors import Malformed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from relay.domain.blocklist import Blocklist, ListedServer
    from relay.services.blocklists import Blocklists, Outcome

OUTCOME: Final = {
    "name": "name of the list",
    "batch": "number of the batch that was made, or null when nothing changed",
    "gained": "servers that were added",
    "lost": "servers that were taken away",
    "pending": "whether the batch waits for you, because it changes suddenly much",
    "error": "why the list could not be read, or null; then nothing changed",
}


@click.group()
def blocks() -> None:
    """Show who is blocked and why; refresh, look at and undo the lists that others keep."""


# -------------------------------------------------------------------- looking


@blocks.command("list", cls=Command, answer=NAMES)
@click.option("--list", "name", metavar="NAME", help="Only this list.")
@click.option("--opt-outs", is_flag=True, help="Only who blocked this relay.")
@click.option(
    "--all", "everybody", is_flag=True, help="With --opt-outs: name them; by default they are counted."
)
@pass_session
def list_(session: Session, name: str | None, *, opt_outs: bool, everybody: bool) -> None:
    """List the blocked servers, or count who blocked this relay."""
    if opt_outs:
        _show_opt_outs(session, everybody=everybody)
        return
    rows = session.run(_servers(session, name))
    if session.as_json:
        as_document({"servers": rows})
    elif rows:
        columns = ("server", "list", "effect", "severity", "comment")
        shown = [[row[column] or "" for column in columns] for row in rows]
        table(columns, shown, folds=("server", "comment"))
    else:
        say("No server is blocked.")


@blocks.command(
    cls=Command,
    answer={
        "server": "canonical name",
        "blocked": "whether it is blocked",
        "reason": "what blocks it, or null",
        "allowed_by": "the entry of `federation.allow` that wins over lists, or null",
        "listings[]": "one object each: list, server (the entry that fits), observed, severity, comment",
    },
)
@click.argument("server")
@pass_session
def check(session: Session, server: str) -> None:
    """Say whether SERVER is blocked, and by what; exit status 1 when it is not."""
    found = session.run(_check(session, server))
    if session.as_json:
        as_document(found)
    else:
        show_verdict(found)
    answered(yes=found["blocked"])


@blocks.command(
    cls=Command, answer={"lists[]": "one object each:", **LIST, "batches[]": "the newest:", **BATCH}
)
@click.argument("name", required=False)
@pass_session
def status(session: Session, name: str | None) -> None:
    """Show how the configured lists do, and their newest batches."""
    found = session.run(_status(session, name))
    if session.as_json:
        as_document({key: found[key] for key in ("lists", "batches")})
        return
    show_lists(found["lists"], found["now"])
    if found["batches"]:
        say()
        show_batches(found["batches"])


@blocks.command(
    cls=Command,
    answer={
        "name": "name of the list",
        "batch": "number of the batch that is shown, or null",
        "sudden": "whether a refresh would wait for you",
        "obfuscated": "entries that their keeper made unreadable: they cannot be matched",
        "unusable": "entries that are no server names",
        "changes[]": "one object each:",
        **CHANGE,
    },
)
@click.argument("name_or_batch")
@pass_session
def preview(session: Session, name_or_batch: str) -> None:
    """Show what a refresh of a list would change, or what a batch changes; nothing is written."""
    number = int(name_or_batch) if name_or_batch.isascii() and name_or_batch.isdigit() else None
    work = _preview(session, name_or_batch) if number is None else _batch(session, number)
    found = session.run(work)
    if session.as_json:
        as_document(found)
    else:
        show_preview(found)


# -------------------------------------------------------------------- doing


@blocks.command(cls=Command, answer={"lists[]": "one object each:", **OUTCOME})
@click.argument("names", nargs=-1)
@pass_session
def sync(session: Session, names: Sequence[str]) -> None:
    """Refresh the lists NAMES, or all of them, now. Exit status 1 when one could not be read."""
    rows = session.run(_sync(session, names))
    if session.as_json:
        as_document({"lists": rows})
    else:
        for row in rows:
            show_outcome(row)
        if not rows:
            say("No blocklists are configured: see federation.blocklists.")
    answered(yes=not any(row["error"] for row in rows))


@blocks.command(cls=Command, answer=BATCH)
@click.argument("batch", type=int)
@pass_session
def accept(session: Session, batch: int) -> None:
    """Put a batch in force that waits, or that was rejected or undone."""
    _decide(session, batch, "accept", "is in force now")


@blocks.command(cls=Command, answer=BATCH)
@click.argument("batch", type=int)
@pass_session
def reject(session: Session, batch: int) -> None:
    """Refuse a batch that waits; its changes are not offered again until the list changes its mind."""
    _decide(session, batch, "reject", "is refused")


@blocks.command(cls=Command, answer=BATCH)
@click.argument("batch", type=int)
@pass_session
def undo(session: Session, batch: int) -> None:
    """Take back a batch; its changes stay away until the list changes its mind."""
    _decide(session, batch, "undo", "is undone")


def _decide(session: Session, number: int, what: str, told: str) -> None:
    row = session.run(_decided(session, number, what))
    if session.as_json:
        as_document(row)
    else:
        say(f"Batch {row['number']} of {row['list']} (+{row['gained']:,} -{row['lost']:,}) {told}.")


# -------------------------------------------------------------------- answers


async def _servers(session: Session, name: str | None) -> list[dict[str, Any]]:
    from relay.services.blocks import OWN_LIST

    async with session.office() as office:
        if name is not None and name != OWN_LIST:
            _named(office.blocklists, name)
        rows = [
            {"server": server, "list": OWN_LIST, "effect": "block", "severity": None, "comment": None}
            for server in sorted(office.settings.federation.block)
        ]
        lists = office.blocklists.lists
        for listed, entries in (await office.blocklists.entries()).items():
            rows += [
                {
                    "server": server,
                    "list": listed,
                    "effect": _effect(lists[listed], entry),
                    "severity": entry.severity,
                    "comment": entry.comment or None,
                }
                for server, entry in sorted(entries.items())
            ]
        return [row for row in rows if name in {None, row["list"]}]


def _effect(listed: Blocklist, entry: ListedServer) -> str:
    """What comes of an entry; of a list that the policy names only what its rules say."""
    if listed.for_policy:
        return "policy"
    return "observe" if listed.action == "observe" else entry.effect.value


async def _check(session: Session, text: str) -> dict[str, Any]:
    try:
        server = hosts.parse_pattern(text).removeprefix("*.")
    except Malformed as error:
        raise Problem(f"{text}: {error}", code=error.code, status=Status.NO) from error
    async with session.office() as office:
        await office.blocks.load(office.store)
        verdict = office.blocks.verdict(server, await office.blocklists.entries())
    return {
        "server": server,
        "blocked": verdict.blocked_by is not None,
        "reason": verdict.reason,
        "allowed_by": verdict.allowed_by,
        "listings": [
            {
                "list": one.list,
                "server": one.server,
                "observed": one.observed,
                "severity": one.severity or None,
                "comment": one.comment or None,
            }
            for one in verdict.listings
        ],
    }


async def _status(session: Session, name: str | None) -> dict[str, Any]:
    async with session.office() as office:
        if name is not None:
            _named(office.blocklists, name)
        lists = [list_row(*one) for one in await office.blocklists.states() if name in {None, one[0].name}]
        batches = [batch_row(one) for one in await office.blocklists.batches(name)]
        return {"lists": lists, "batches": batches, "now": office.clock.now()}


async def _preview(session: Session, name: str) -> dict[str, Any]:
    async with session.relay() as relay:
        _named(relay.office.blocklists, name)
        with busy("reading"):
            found = await relay.office.blocklists.preview(name, relay.moderation.sources)
    return {
        "name": name,
        "batch": None,
        "sudden": found.sudden,
        "obfuscated": found.obfuscated,
        "unusable": found.unusable,
        "changes": change_rows(found.changes),
    }


async def _batch(session: Session, number: int) -> dict[str, Any]:
    async with session.office() as office:
        found = await office.blocklists.batch(number)
    return {
        "name": found.list,
        "batch": number,
        "sudden": found.state.value == "pending",
        "obfuscated": 0,
        "unusable": 0,
        "changes": change_rows(found.changes),
    }


async def _sync(session: Session, names: Sequence[str]) -> list[dict[str, Any]]:
    async with session.relay() as relay:
        blocklists = relay.office.blocklists
        for name in names:
            _named(blocklists, name)
        rows = []
        chosen = names or tuple(blocklists.lists)
        with progress("reading", len(chosen)) as told:
            for done, name in enumerate(chosen, 1):
                rows.append(
                    _outcome(await blocklists.refresh(name, relay.moderation.sources, who=operator()))
                )
                told(done, len(chosen))
    return rows


async def _decided(session: Session, number: int, what: str) -> dict[str, Any]:
    async with session.office() as office:
        lists = office.blocklists
        change = {"accept": lists.accept, "reject": lists.reject, "undo": lists.undo}[what]
        return batch_row(await change(number, who=operator()))


def _named(blocklists: Blocklists, name: str) -> None:
    """Raise `Problem` with the list that was probably meant when there is none of that name."""
    from relay.config.diagnostics import guess

    if name in blocklists.lists:
        return
    meant = guess(name, blocklists.lists)
    there = ", ".join(blocklists.lists) or "none"
    hint = f'Did you mean "{meant}"?' if meant else f"There are: {there}."
    message = f'no blocklist "{name}" is configured under `federation.blocklists`. {hint}'
    raise Problem(message, code="unknown-list", status=Status.NO)


def _outcome(found: Outcome) -> dict[str, Any]:
    return {
        "name": found.list,
        "batch": found.batch,
        "gained": found.gained,
        "lost": found.lost,
        "pending": found.pending,
        "error": found.error,
    }


# -------------------------------------------------------------------- for people


def _show_opt_outs(session: Session, *, everybody: bool) -> None:
    async def found() -> list[dict[str, Any]]:
        async with session.office() as office, office.store.reading() as tx:
            return [
                {"actor": one.actor, "whole_server": one.whole_server, "since": stamp(one.at)}
                for one in await tx.blocking.opt_outs()
            ]

    rows = session.run(found())
    if session.as_json:
        as_document({"opt_outs": len(rows), **({"actors": rows} if everybody else {})})
    elif everybody and rows:
        table(
            ("actor", "since", "whole server"),
            [(row["actor"], row["since"][:10], "yes" if row["whole_server"] else "") for row in rows],
            folds=("actor",),
        )
    else:
        say(f"{len(rows):,} {'account has' if len(rows) == 1 else 'accounts have'} blocked this relay.")
