"""The demo where nobody watches: plain lines in a pipe, or one JSON document."""

from __future__ import annotations

from typing import TYPE_CHECKING

from relay.cli.demo import telling
from relay.cli.demo.names import RELAY
from relay.cli.output import as_document, say

if TYPE_CHECKING:
    from relay.cli.demo.results import Report, Result, Totals
    from relay.cli.demo.scenario import Act
    from relay.cli.demo.server import DemoServer
    from relay.cli.demo.world import World


class Lines:
    """Prints a line for each step as it ends. `keep` tells whether it goes on when the story has ended."""

    def __init__(self, *, keep: bool) -> None:
        self._keep = keep

    def opening(self) -> None:
        """Begin: everything is being made."""
        say(telling.TITLE)

    def opened(self, world: World) -> None:
        """Say where the relay is."""
        say(f"{RELAY} is {world.url}")

    async def subscribed(self, server: DemoServer) -> None:
        """Say where a server is that has subscribed."""
        say(f"{server.name} is {server.url}, {telling.server(server)}: subscribed")

    async def begins(self, number: int, act: Act) -> None:
        """Say nothing yet."""

    async def ends(self, result: Result, totals: Totals) -> None:  # noqa: ARG002 - what watchers are given
        """Print a step's line."""
        say(line(result))
        for fault in result.faults:
            say(f"   wrong: {fault}")

    def closing(self, report: Report, world: World, seconds: float) -> None:
        """Say what there was to see."""
        say(telling.totals(report.totals))
        lessons = telling.lessons(report)
        if lessons:
            say("What you saw")
        for sentence in lessons:
            say(f"- {sentence}")
        say(telling.verdict(report, seconds))
        for fault in report.faults:
            say(f"  {fault}")
        for visit in telling.visits(world) if self._keep else ():
            say(visit)

    def stop(self) -> None:
        """Do nothing: every line is complete."""


class Document:
    """Prints one JSON document when the story has ended."""

    def opening(self) -> None:
        """Say nothing yet."""

    def opened(self, world: World) -> None:
        """Say nothing yet."""

    async def subscribed(self, server: DemoServer) -> None:
        """Say nothing yet."""

    async def begins(self, number: int, act: Act) -> None:
        """Say nothing yet."""

    async def ends(self, result: Result, totals: Totals) -> None:
        """Say nothing yet."""

    def closing(self, report: Report, world: World, seconds: float) -> None:
        """Print the document."""
        as_document(telling.document(report, world, seconds))

    def stop(self) -> None:
        """Do nothing."""


def line(result: Result) -> str:
    """Tell a step in a line."""
    received = f"received by {', '.join(result.received)}" if result.received else "received by nobody"
    if result.verified:
        by = "all of them" if result.verified == result.received else ", ".join(result.verified)
        received = f"{received}; attestation of {result.voucher} verified by {by}"
    return (
        f"{result.number:2} {result.by}: {result.what} | {result.saw} | "
        f"{result.decision}, {telling.why(result)} | {received}"
    )
