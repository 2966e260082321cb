"""`assay admin`: who may use the admin pages."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from relay.cli.command import Command
from relay.cli.output import as_document, note, say, stamp, table
from relay.cli.session import Session, operator, pass_session

if TYPE_CHECKING:
    from relay.domain.admin import AdminSession

LINK = {"link": "address that signs a browser in, once", "ends": "when it can be used no more"}
ROW = {
    "number": "number of the session",
    "who": "the account",
    "since": "when it signed in",
    "used": "when it was used last, to the minute",
    "ends": "when it ends at the latest",
    "browser": "what the browser calls itself",
}


@click.group()
def admin() -> None:
    """Sign in to the admin pages, and see who is signed in."""


@admin.command(cls=Command, answer=LINK)
@pass_session
def link(session: Session) -> None:
    """Make a link that signs a browser in to the admin pages: once, within 15 minutes.

    Also works beside a running relay. Whoever has the link can change what the relay does, so send it to nobody.
    """
    address, ends = session.run(_link(session))
    if session.as_json:
        as_document({"link": address, "ends": stamp(ends)})
        return
    say(address)
    note("Open it within 15 minutes; it works once. Send it to nobody.")


@admin.command(cls=Command, answer={"sessions[]": "one object each, the last used first:", **ROW})
@pass_session
def sessions(session: Session) -> None:
    """List who is signed in to the admin pages."""
    found = session.run(_sessions(session))
    if session.as_json:
        as_document({"sessions": [_row(one) for one in found]})
    elif found:
        rows = [_row(one) for one in found]
        table(tuple(ROW), [tuple(row.values()) for row in rows], right=("number",), folds=("browser",))
    else:
        say("Nobody is signed in. A link: assay admin link")


@admin.command("sign-out", cls=Command, answer={"ended": "how many sessions were ended"})
@click.argument("number", type=click.IntRange(min=1), required=False)
@pass_session
def sign_out(session: Session, number: int | None) -> None:
    """End one session, or without a NUMBER all of them."""
    ended = session.run(_sign_out(session, number))
    if session.as_json:
        as_document({"ended": ended})
    else:
        say(f"{ended} {'session is' if ended == 1 else 'sessions are'} ended.")


async def _link(session: Session) -> tuple[str, float]:
    from relay.domain.admin import LINK_LASTS
    from relay.services.admins import Admins
    from relay.wiring.adminpages import sign_in_address

    async with session.office() as office:
        secret = await Admins(office.store, office.clock).link(made_by=operator())
        return sign_in_address(office.settings, secret), office.clock.now() + LINK_LASTS


async def _sessions(session: Session) -> list[AdminSession]:
    from relay.domain.admin import ADMIN
    from relay.services.admins import Admins

    async with session.office() as office:
        return await Admins(office.store, office.clock).sessions(ADMIN)


async def _sign_out(session: Session, number: int | None) -> int:
    from relay.domain.admin import ADMIN
    from relay.services.admins import Admins

    async with session.office() as office:
        admins = Admins(office.store, office.clock)
        numbers = [one.id for one in await admins.sessions(ADMIN)] if number is None else [number]
        for one in numbers:
            await admins.end(ADMIN, one, by=operator())
        return len(numbers)


def _row(one: AdminSession) -> dict[str, object]:
    return {
        "number": one.id,
        "who": one.who,
        "since": stamp(one.created_at),
        "used": stamp(one.used_at),
        "ends": stamp(one.expires_at),
        "browser": one.agent,
    }
