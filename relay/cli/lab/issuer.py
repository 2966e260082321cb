"""`assay lab test issuer`: a server that attests, tested from outside."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

import click

from relay.cli.command import Command
from relay.cli.lab.report import REPORT
from relay.cli.lab.stage import Part, StageOptions, on_stage, private_networks, stage_options
from relay.cli.lab.test import TESTER, finish, tell
from relay.cli.session import Session, pass_session
from relay.domain.lab.model import Role, Run

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
    from pathlib import Path

    from relay.adapters.probe import GuardedProbe
    from relay.ports import Clock
    from relay.services.lab.issuers.service import Pictures, Trap

PARTS: Final = (Part(), Part())
"""The servers of the test: one subscribes, one is a stranger."""
ROTATION: Final = 60.0
"""Seconds that the command that replaces the key may take."""
_WIDTH, _HEIGHT = 320, 240


@click.command(cls=Command, answer=REPORT)
@click.argument("url")
@click.option(
    "--object",
    "objects",
    multiple=True,
    metavar="URL",
    help="An object with attestations by this issuer; without any, the first page of its outbox is looked at.",
)
@click.option(
    "--rotate-command",
    metavar="COMMAND",
    help="Makes the issuer take a new key, such as `assay keys rotate`. Without it no rotation is tested.",
)
@stage_options
@pass_session
def issuer(
    session: Session,
    /,
    url: str,
    *,
    objects: tuple[str, ...],
    rotate_command: str | None,
    form: str,
    out: Path | None,
    **options: Any,
) -> None:
    """Test a server that attests.

    URL is the id of the issuing actor. Where the actor names a lookup, one server of the lab follows it and has
    pictures attested: new ones, the canary, broken ones. The issuer has to accept the Follow within --timeout, and to
    reach the addresses of --url.
    """
    run = session.run(run_issuer(url, StageOptions(**options), objects, rotate_command))
    finish(run, "json" if session.as_json else form, out)


async def run_issuer(
    url: str, options: StageOptions, objects: Sequence[str] = (), rotate_command: str | None = None
) -> Run:
    """Test the issuer at `url`, telling of each case on standard error."""
    from relay.services.lab.issuers.issuer import IssuerTest, Plan
    from relay.services.lab.issuers.seen import Outside

    async with (
        on_stage(options, url, PARTS) as stage,
        probing(options, url, stage.clock) as probe,
    ):
        pictures = await asyncio.to_thread(make_pictures, options.seed or stage.clock.new_id())
        async with trap(pictures.clean(0)) as set_trap:
            plan = Plan(url, objects, pictures, set_trap, _rotation(rotate_command))
            outside = Outside(probe, stage, stage.clock, options.timeout)
            started = stage.clock.now()
            results = await IssuerTest(outside, plan, tell=tell).run()
            told = [*options.told(), *(["key replaced"] if rotate_command else [])]
            return Run(Role.ISSUER, url, started, stage.clock.now(), TESTER, results, told)


@asynccontextmanager
async def probing(options: StageOptions, target: str, clock: Clock) -> AsyncIterator[GuardedProbe]:
    """Open what sends single requests, with the reach of the stage."""
    from relay import __version__
    from relay.adapters.guard import AddressPolicy
    from relay.adapters.probe import GuardedProbe

    async with GuardedProbe(
        clock=clock,
        user_agent=f"AssayLab/{__version__}",
        addresses=AddressPolicy(allowed_private=private_networks(options, target)),
        allow_http=True,
        ca_file=options.ca,
        resolver=options.resolver,
    ) as probe:
        yield probe


def make_pictures(seed: str) -> Pictures:
    """Make what is submitted: the same for the same seed. The clean ones are made when they are needed."""
    from PIL import Image

    from relay.adapters.media.canary import CANARY_SEED, bomb, clean_picture, encoded, photograph
    from relay.services.lab.issuers.service import Pictures

    def clean(number: int) -> bytes:
        return clean_picture(f"issuer {seed} {number}", width=_WIDTH, height=_HEIGHT)

    broken = clean(-1)
    unfit = {"broken": broken[: len(broken) // 2], "oversized": bomb(12_000, 12_000)}
    return Pictures(clean, encoded(Image.fromarray(photograph(CANARY_SEED)), "JPEG", quality=90), unfit)


@asynccontextmanager
async def trap(picture: bytes) -> AsyncIterator[Trap]:
    """Listen where nobody should come to."""
    from relay.cli.serving import listening
    from relay.services.lab.issuers.service import Trap
    from relay.web.lab.trap import TrapPages

    pages = TrapPages(picture)
    async with listening(pages.app(), "127.0.0.1", 0) as port:
        yield Trap(f"http://127.0.0.1:{port}/private.jpg", lambda: pages.asked)


def _rotation(command: str | None) -> Callable[[], Awaitable[None]] | None:
    if command is None:
        return None

    async def rotate() -> None:
        from relay.adapters.answering import run_command
        from relay.domain.errors import RemoteError

        try:
            status = await run_command(command, timeout=ROTATION)
        except ValueError as error:
            raise RemoteError(f"the command cannot be read: {error}") from error
        if status:
            raise RemoteError(f"the command ended with status {status}")

    return rotate
