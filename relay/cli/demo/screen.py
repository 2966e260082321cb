"""The demo on a terminal: rows that stay as they are done, and below them what happens now."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich.console import Console, Group
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from relay.cli.demo import telling
from relay.cli.demo.names import RELAY, SERVERS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rich.console import RenderableType

    from relay.cli.demo.results import Report, Result, Totals
    from relay.cli.demo.scenario import Act
    from relay.cli.demo.server import DemoServer
    from relay.cli.demo.world import World
    from relay.ports import Clock

PACE: Final = 0.6
"""Seconds that a step takes at least, so that people can follow."""
PACED: Final = 15.0
"""Seconds after which nothing is slowed down any more: a slow machine needs the time itself."""
WIDEST: Final = 120
GAP: Final = 2
_WIDE: Final = 100
"""Columns from which on the servers' names stand over the ticks."""

_STYLES: Final = {
    "relay": "green",
    "relay-and-attest": "bold green",
    "relay-marked": "cyan",
    "quarantine": "yellow",
    "drop": "red",
    "refused": "red",
    "ignored": "dim",
    "left": "dim",
}


class Screen:
    """Shows the demo live. `keep` tells whether it goes on when the story has ended."""

    def __init__(self, clock: Clock, *, keep: bool, console: Console | None = None) -> None:
        self._clock, self._keep = clock, keep
        self._console = console or Console(highlight=False)
        self._width = min(self._console.width, WIDEST)
        self._live = Live(console=self._console, transient=True, refresh_per_second=12)
        self._opened = self._began = clock.monotonic()
        self._totals: Totals | None = None
        unicode = self._console.encoding.startswith("utf")
        self._marks = telling.MARKS if unicode else telling.PLAIN_MARKS
        self._spinner = "dots" if unicode else "line"

    def opening(self) -> None:
        """Begin: everything is being made."""
        self._console.print(Text(telling.TITLE, style="bold"))
        self._live.start()
        self._now(telling.MAKING)

    def opened(self, world: World) -> None:
        """Show where everything is."""
        self._console.print(self._place(RELAY, world.url, "the relay"))

    async def subscribed(self, server: DemoServer) -> None:
        """Show a server that has subscribed."""
        self._console.print(self._place(server.name, server.url, telling.server(server)))

    async def begins(self, number: int, act: Act) -> None:
        """Show a step as it begins."""
        if number == 1:
            self._console.print()
            self._console.print(self._heading())
        self._began = self._clock.monotonic()
        self._now(f"{number:2} {act.by}: {act.what}")

    async def ends(self, result: Result, totals: Totals) -> None:
        """Let the step's row stay, after a while in which people could read."""
        now = self._clock.monotonic()
        if now - self._opened < PACED:
            await self._clock.sleep(PACE - (now - self._began))
        self._totals = totals
        self._console.print(self._row(result))
        for fault in result.faults:
            self._console.print(Text(f"   {fault}", style="bold red"))

    def closing(self, report: Report, world: World, seconds: float) -> None:
        """End the live part and say what there was to see."""
        self.stop()
        put = self._console.print
        put(Text(f"    {telling.legend(self._marks)}", style="dim"))
        put()
        put(Text(telling.totals(report.totals), style="bold"))
        put()
        self._put_lessons(telling.lessons(report))
        put(Text(telling.verdict(report, seconds), style="bold green" if report.held else "bold red"))
        for fault in report.faults:
            put(Text(f"  {fault}", style="red"))
        put()
        put(Text("Look around" if self._keep else "Next", style="bold"))
        for line in telling.visits(world) if self._keep else telling.NEXT:
            self._console.print(Text(f"  {line}"), soft_wrap=True)

    def stop(self) -> None:
        """End the live part, however far it came."""
        self._live.stop()

    # ------------------------------------------------------------------ parts

    def _now(self, text: str) -> None:
        parts: list[RenderableType] = [Spinner(self._spinner, Text(f" {text}"), style="cyan")]
        if self._totals is not None:
            parts += ["", Text(telling.totals(self._totals), style="bold")]
        self._live.update(Group(*parts))

    def _place(self, name: str, url: str, what: str) -> Table:
        grid = Table.grid(padding=(0, 2, 0, 0))
        grid.add_column(width=max(map(len, SERVERS)) + 2, style="bold")
        grid.add_column(width=len("https://photos.test:00000"), no_wrap=True)
        grid.add_column()
        grid.add_row(f"  {name}", Text(url, style="cyan"), what)
        return grid

    def _columns(self) -> Table:
        ticks = len(self._ticks(dict.fromkeys(SERVERS, "")))
        left = self._width - 2 - ticks - 4 * GAP
        post, saw = int(left * 0.31), int(left * 0.36)
        table = Table(box=None, show_header=False, pad_edge=False, padding=(0, GAP, 0, 0))
        for width in (2, post, saw, left - post - saw):
            table.add_column(width=width, overflow="fold")
        table.add_column(width=ticks, no_wrap=True)
        return table

    def _ticks(self, marks: Mapping[str, str]) -> str:
        """Return a mark for each server, under its name on wide terminals and else under its initial."""
        wide = self._width >= _WIDE
        return " ".join(marks[name].center(len(_head(name, wide=wide))) for name in SERVERS)

    def _heading(self) -> Table:
        heads = self._ticks({name: _head(name, wide=self._width >= _WIDE) for name in SERVERS})
        table = self._columns()
        table.add_row(
            "", "Who posted what", "What the relay saw", "What it did, and why", heads, style="bold"
        )
        return table

    def _row(self, result: Result) -> Table:
        did = Text(result.decision, style=_STYLES.get(result.decision, "bold red"))
        did.append(f"\n{telling.why(result)}", style="not bold default")
        post = Text(result.by, style="bold").append(f"\n{result.what}", style="not bold")
        marks = self._ticks({name: self._mark(result, name) for name in SERVERS})
        table = self._columns()
        table.add_row(Text(f"{result.number:2}", style="dim"), post, result.saw, did, marks)
        return table

    def _mark(self, result: Result, name: str) -> str:
        marks = self._marks
        if name in result.verified:
            return marks.verified
        if name in result.received:
            return marks.received
        return marks.posted if name == result.by else marks.nothing

    def _put_lessons(self, lessons: Sequence[str]) -> None:
        if not lessons:
            return
        items = Table.grid(padding=(0, 1, 0, 0))
        for sentence in lessons:
            items.add_row("  -", Text(sentence))
        self._console.print(Text("What you saw", style="bold"))
        self._console.print(items, width=self._width)
        self._console.print()


def _head(name: str, *, wide: bool) -> str:
    short = name.partition(".")[0]
    return short if wide else short[0].upper()
