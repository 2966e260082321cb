"""`assay lab test verifier`: software that verifies, asked what it makes of every published vector."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

import click

from relay.cli.command import Command
from relay.cli.lab.issuer import PARTS, make_pictures, probing, trap
from relay.cli.lab.report import REPORT
from relay.cli.lab.stage import StageOptions, on_stage, stage_options
from relay.cli.lab.test import TESTER, finish, tell
from relay.cli.session import Session, pass_session
from relay.domain.lab.model import Role, Run

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from relay.domain.lab.model import Result
    from relay.ports import Clock
    from relay.ports.lab import Answerer

ANY: Final = ("0.0.0.0/0", "::/0")
"""The address to ask comes from whoever runs the test, and from nowhere else."""


@click.command(cls=Command, answer=REPORT)
@click.argument("url", required=False)
@click.option(
    "--command",
    metavar="COMMAND",
    help="A program to ask: it reads one question in a line and writes one answer in a line, until there are no more. "
    "Such as `python -m mediaattest answer`.",
)
@click.option(
    "--live",
    is_flag=True,
    help="Also give it addresses of posts, which it has to fetch with media and actors from the lab; needs https.",
)
@stage_options
@pass_session
def verifier(
    session: Session,
    /,
    url: str | None,
    *,
    command: str | None,
    live: bool,
    form: str,
    out: Path | None,
    **options: Any,
) -> None:
    """Test software that verifies.

    URL takes each question as the body of a POST and answers it; or name a program with --command. Questions and
    answers are JSON, see docs/lab.md: `{"kind": "verify", "input": {…}}`, `{"verdict": "valid", "step": 11}`.
    """
    if (url is None) == (command is None):
        raise click.UsageError("name a URL or a --command, and not both")
    given = StageOptions(**options)
    if live and given.tls_cert is None and not any(one.startswith("https://") for one in given.urls):
        message = (
            "issuers have https ids: give --tls-cert, or --url https://… of a server in front of the lab"
        )
        raise click.BadParameter(message, param_hint="--live")
    run = session.run(run_verifier(url, command, given, live=live))
    finish(run, "json" if session.as_json else form, out)


async def run_verifier(
    url: str | None, command: str | None, options: StageOptions, *, live: bool = False
) -> Run:
    """Test the verifier at `url`, or the one that `command` starts. Raises `BadParameter`, `Problem`."""
    from relay.adapters.system import SystemClock
    from relay.services.lab.verifier import VectorTest

    clock = SystemClock()
    started = clock.now()
    async with _answerer(url, command, options, clock) as answerer:
        results = await VectorTest(answerer, patience=options.timeout).run()
        for result in results:
            tell(result)
        results += await _live(answerer, url, options) if live else []
    told = [*options.told(), *(["live"] if live else [])]
    return Run(Role.VERIFIER, url or command or "", started, clock.now(), TESTER, results, told)


async def _live(answerer: Answerer, url: str | None, options: StageOptions) -> list[Result]:
    from relay.services.lab.live import LiveTest

    async with on_stage(options, url or "http://localhost", PARTS) as stage:
        pictures = make_pictures(options.seed or stage.clock.new_id())
        async with trap(pictures.clean(0)) as set_trap:
            test = LiveTest(answerer, stage, set_trap, pictures.clean, patience=options.timeout, tell=tell)
            return await test.run()


@asynccontextmanager
async def _answerer(
    url: str | None, command: str | None, options: StageOptions, clock: Clock
) -> AsyncIterator[Answerer]:
    from dataclasses import replace
    from ipaddress import ip_network

    from relay.adapters.answering import AddressAnswerer, CommandAnswerer

    if command is not None:
        try:
            asked = CommandAnswerer(command)
        except ValueError as error:
            raise click.BadParameter(f"{error}", param_hint="--command") from error
        async with asked:
            yield asked
        return
    anywhere = replace(options, private=tuple(map(ip_network, ANY)))
    async with probing(anywhere, str(url), clock) as probe:
        yield AddressAnswerer(probe, str(url))
