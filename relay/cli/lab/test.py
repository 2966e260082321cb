"""`assay lab test`: conformance runs against servers, from outside."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

import click

from relay import __version__
from relay.cli.command import Command, Program, answered
from relay.cli.lab.report import REPORT
from relay.cli.lab.showing import show
from relay.cli.lab.stage import Part, StageOptions, on_stage, stage_options
from relay.cli.output import note, say
from relay.cli.session import Session, pass_session
from relay.domain.lab.grading import assess
from relay.protocol.lab.rendering import render
from relay.protocol.lab.words import OUTCOMES, title

if TYPE_CHECKING:
    from pathlib import Path

    from relay.domain.lab.model import Result, Run

TESTER: Final = f"Assay lab {__version__}"
ROLES: Final = {
    "What is tested": {
        "carrier": ("relay.cli.lab.test:carrier", "Test a relay: follow it in both dialects and post."),
        "issuer": (
            "relay.cli.lab.issuer:issuer",
            "Test a server that attests: its keys, tokens, lookup and service.",
        ),
        "verifier": ("relay.cli.lab.verifier:verifier", "Test software that verifies, with every vector."),
    }
}
PARTS: Final = (
    Part(),
    Part(software="mastodon"),  # some relays tell the dialects apart by this
    Part(path="/relay"),  # FEP-ae0c: the id of a LitePub client ends with /relay
)
"""The servers of a test of a relay: one posts, two subscribe."""


@click.group(cls=Program, table=ROLES)
def test() -> None:
    """Test a server from outside, case by case.

    The lab plays the other servers. Exit status 1 when the conformance class is not reached.
    """


@click.command(cls=Command, answer=REPORT)
@click.argument("url")
@stage_options
@pass_session
def carrier(session: Session, /, url: str, *, form: str, out: Path | None, **options: Any) -> None:
    """Test a relay.

    URL is the relay's origin, actor or inbox. Three servers of the lab follow it, in Mastodon's dialect and in
    LitePub's, and one of them posts. The relay has to accept Follows within --timeout, and to reach the addresses of
    --url. What is posted goes to all its subscribers: ask before you test a relay of others. In the end posts are
    deleted and subscriptions ended.
    """
    run = session.run(run_carrier(url, StageOptions(**options)))
    finish(run, "json" if session.as_json else form, out)


async def run_carrier(url: str, options: StageOptions) -> Run:
    """Test the relay at `url`, telling of each case on standard error."""
    from relay.adapters.throwaway import make_keys
    from relay.cli.lab.pictures import make_pictures
    from relay.services.lab.carrier.run import CarrierTest

    async with on_stage(options, url, PARTS) as stage:
        one = CarrierTest(
            stage,
            paint=partial(make_pictures, options.seed or stage.clock.new_id()),
            patience=options.timeout,
            quiet=options.quiet,
            hostile=options.hostile,
            tester=TESTER,
            make_keys=make_keys,
            told=tell,
        )
        return await one.run(url, options=options.told())


def tell(result: Result) -> None:
    """Tell of a result on standard error, as it comes."""
    note(f"{OUTCOMES[result.outcome]}: {title(result)}")


def finish(run: Run, form: str, out: Path | None) -> None:
    """Print or write the report, and end with status 1 when the class is not reached."""
    shown = None if form == "text" else form
    found = assess(run)
    if out is None:
        show(run, shown)  # type: ignore[arg-type]  # click has checked it
    else:
        out.write_text(render(run, shown or "markdown"), encoding="utf-8")  # type: ignore[arg-type]
        reached = "reached" if found.conforms else "not reached"
        say(f"Grade {found.grade}, class {found.conformance} {reached}. The report is in {out}.")
    answered(yes=found.conforms)
