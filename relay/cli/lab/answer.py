"""`assay lab answer`: this relay's way of verifying, to be asked by `assay lab test verifier`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from relay.cli.command import Command
from relay.cli.session import Session, pass_session

if TYPE_CHECKING:
    from ipaddress import IPv4Network, IPv6Network

ANSWERS: Final = {
    "verdict, step, temporary, issuer_class": "to `verify` and `object`",
    "tokens": "to `header`",
    "media[]": "to `document`",
    "unsupported": "true to everything else",
}


@click.command(cls=Command, answer=ANSWERS)
@click.option(
    "--ca",
    type=click.Path(path_type=Path, dir_okay=False),
    help="An authority (PEM) to trust besides those of the system.",
)
@click.option(
    "--allow-private", "private", multiple=True, metavar="CIDR", help="A private network that may be reached."
)
@pass_session
def answer(session: Session, ca: Path | None, private: tuple[str, ...]) -> None:
    """Answer questions of the lab, one in a line, as this software verifies.

    Posts, media and actors are fetched as the relay fetches them. For `assay lab test verifier --command`.
    """
    from ipaddress import ip_network

    try:
        networks = tuple(ip_network(text) for text in private)
    except ValueError as error:
        raise click.BadParameter(f"{error}", param_hint="--allow-private") from error
    session.run(_answer(ca, networks))


async def _answer(ca: Path | None, networks: tuple[IPv4Network | IPv6Network, ...]) -> None:
    import asyncio
    import sys

    from relay import __version__
    from relay.adapters.guard import AddressPolicy
    from relay.adapters.remote import GuardedRemote
    from relay.adapters.system import SystemClock
    from relay.services.lab.answering import OwnVerifier

    clock = SystemClock()
    questions, answers = sys.stdin.buffer, sys.stdout.buffer
    async with GuardedRemote(
        clock=clock,
        user_agent=f"Assay/{__version__}",
        addresses=AddressPolicy(allowed_private=networks),
        ca_file=ca,
    ) as remote:
        verifier = OwnVerifier(remote, clock)
        while True:
            line = await asyncio.to_thread(questions.readline)
            if not line:
                return
            answers.write(await verifier.answer(line) + b"\n")
            answers.flush()
