"""The demo of hash services in words: lines for people, or one JSON document."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

from relay.cli.demo.services.table import TABLE, sections
from relay.cli.listsync import told_of
from relay.cli.output import pairs, say
from relay.cli.status import service_line, service_row, tool_line

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from relay.cli.demo.services.story import Result, States, Story
    from relay.cli.demo.services.table import Running
    from relay.cli.demo.world import World

TITLE: Final = (
    "Assay demo: a relay that asks hash services and fetches hash lists, all from fakes on this machine"
)
CANARY_FILE: Final = "canary.jpg"
LESSONS: Final = (
    "Nothing but the documented answer to everything that was asked is clean. The rest waits, by on_scanner_error.",
    "One question per file: what was asked before is not asked again until the service's list grows.",
    "What one scanner knows for certain is told to no service behind it.",
    "A list changes when its keeper says so, as documented and to the last page; what the keeper takes back is gone.",
    "All pictures were made by arithmetic. No real list and no real service has a part in this.",
)


def opening(fakes: Mapping[str, Running]) -> None:
    """Say who is there."""
    say(TITLE)
    for one in fakes.values():
        say(f"  {one.row.name:12}  {one.row.kind:14}  {one.url}  gets {one.row.gets}")


def step(result: Result) -> None:
    """Tell a step: what was said together, what was done, what matched, and what left the machine for it."""
    why = "" if result.reason is None else f" ({result.reason})"
    say(f"{result.number:2} {result.what} | {result.outcome}{why} | {result.decision}, {result.rule}")
    if result.told is not None:
        say(f"     {result.told}")
    for what in result.matched:
        say(f"     matches on {what}")
    for what in result.left or ("nobody was asked",):
        say(f"     {what}")
    for fault in result.faults:
        say(f"   wrong: {fault}")


def closing(story: Story, states: States, seconds: float) -> None:
    """Say what there was to see."""
    say("What assay status says of them")
    pairs(
        {
            **{f"Hashes {row['name']}": told_of(row, states.now) for row in states.lists},
            **{
                f"Service {row.name}": service_line(service_row(states.services.get(row.name)))
                for row in TABLE
            },
            **{f"Tool {name}": tool_line(row, states.now) for name, row in states.tools.items()},
        },
        indent="  ",
    )
    if story.faults:
        say("What did not hold:")
        for fault in story.faults:
            say(f"  {fault}")
        return
    say("What you saw")
    for sentence in LESSONS:
        say(f"- {sentence}")
    say(f"All {len(story.steps)} steps came out as they had to, in {seconds:.1f} seconds.")


def visits(fakes: Mapping[str, Running], folder: Path) -> None:
    """Say how one's own relay asks the fakes, and what they know."""
    say("The fakes stay. For a relay of your own, in its config.yaml:")
    say(sections(fakes).rstrip())
    say(
        f"{folder / CANARY_FILE} is a test picture to all services but the model; anything new is clean to them."
    )
    say("The lists hold pictures of the demo: assay lists sync fetches them.")
    say(f"assay --config {folder / 'config.yaml'} status")
    say("Ctrl-C ends it and removes everything.")


def document(story: Story, states: States, world: World, seconds: float) -> dict[str, Any]:
    """Return everything as one JSON document."""
    return {
        "services": [
            {
                "name": one.row.name,
                "kind": one.row.kind,
                "url": one.url,
                "questions": len(one.fake.questions_since(0)),
                **service_row(states.services.get(one.row.name)),
            }
            for one in story.fakes.values()
            if one.row in TABLE
        ],
        "lists": states.lists,
        "tools": states.tools,
        "steps": [asdict(result) for result in story.results],
        "faults": story.faults,
        "ok": not story.faults,
        "seconds": round(seconds, 1),
        "folder": str(world.folder),
    }
