"""`assay follow` and `assay unfollow`: the relays that this one follows, so that their posts are relayed here, too."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import click

from relay.cli.command import Command
from relay.cli.output import as_document, pairs, say, stamp, table
from relay.cli.session import Session, operator, pass_session
from relay.domain.subscription import Dialect, UpstreamState

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from relay.domain.subscription import Upstream

ROW: Final = {
    "actor": "id of the relay's actor",
    "server": "its server",
    "inbox": "where our Follow went; null until its actor was fetched",
    "dialect": "`litepub` follows its actor, `mastodon` the public collection",
    "state": "new (to be sent), sent, accepted or rejected",
    "since": "time of the command",
    "changed": "time of the last change",
    "error": "why the Follow could not be sent yet, or null",
}
_STATES: Final = {
    UpstreamState.NEW: "will be asked by the running relay",
    UpstreamState.SENT: "asked, no answer yet",
    UpstreamState.ACCEPTED: "accepted",
    UpstreamState.REJECTED: "rejected",
}


@click.command(cls=Command, answer={"following[]": "one object each:", **ROW})
@click.argument("actor", required=False)
@click.option(
    "--dialect",
    type=click.Choice([dialect.value for dialect in Dialect]),
    default=Dialect.LITEPUB.value,
    show_default=True,
    help="litepub: both relay to each other what they announce. mastodon: that relay sends posts as they are.",
)
@pass_session
def follow(session: Session, actor: str | None, dialect: str) -> None:
    """Follow another relay, or list those that are followed.

    ACTOR is the id of that relay's actor, such as https://relay.example/actor. What it sends is checked like
    everything else. A relay that follows back is accepted without waiting.
    """
    if actor is not None:
        session.run(_follow(session, actor, Dialect(dialect)))
    rows = [_document(one) for one in session.run(_all(session))]
    if session.as_json:
        as_document({"following": rows})
    elif rows:
        _show(rows)
    else:
        say("No other relay is followed.")


@click.command(cls=Command, answer=ROW)
@click.argument("relay")
@pass_session
def unfollow(session: Session, relay: str) -> None:
    """Stop following another relay and tell it so.

    RELAY is an actor id or a server name of the list that `assay follow` shows.
    """
    row = _document(session.run(_unfollow(session, relay)))
    if session.as_json:
        as_document(row)
    else:
        say(f"{row['server']} is no longer followed" + (" and is told so." if row["inbox"] else "."))


async def _follow(session: Session, actor: str, dialect: Dialect) -> None:
    async with session.office() as office:
        await office.upstreams.follow(actor, dialect, who=operator())


async def _unfollow(session: Session, text: str) -> Upstream:
    async with session.office() as office:
        return await office.upstreams.unfollow(text, who=operator())


async def _all(session: Session) -> Sequence[Upstream]:
    async with session.office() as office:
        return await office.upstreams.all()


def _document(upstream: Upstream) -> dict[str, Any]:
    return {
        "actor": upstream.actor,
        "server": upstream.server,
        "inbox": upstream.inbox,
        "dialect": upstream.dialect.value,
        "state": upstream.state.value,
        "since": stamp(upstream.created_at),
        "changed": stamp(upstream.changed_at),
        "error": upstream.error,
    }


def _show(rows: Sequence[Mapping[str, Any]]) -> None:
    table(
        ["server", "dialect", "state", "since"],
        [
            [row["server"], row["dialect"], _STATES[UpstreamState(row["state"])], row["since"][:10]]
            for row in rows
        ],
        folds=("server", "state"),
    )
    failing = {row["server"]: row["error"] for row in rows if row["error"]}
    if failing:
        say()
        say("Could not be asked yet; it is tried again", bold=True)
        pairs(failing)
