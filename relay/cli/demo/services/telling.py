"""The demo of hash services in words: lines for people, or one JSON document."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

from relay.cli.output import say
from relay.cli.status import service_line, service_row

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from relay.cli.demo.services.story import Result, Story
    from relay.cli.demo.services.table import Running
    from relay.cli.demo.world import World
    from relay.domain.hashservice import ServiceState

TITLE: Final = "Assay demo: a relay that asks hash services, all of them fakes on this machine"
CANARY_FILE: Final = "canary.jpg"
LESSONS: Final = (
    "Nothing but the documented answer to everything that was asked is clean. The rest waits, by on_scanner_error.",
    "One question per file: what was asked before is not asked again until the service's list grows.",
    "What one scanner knows for certain is told to no service behind it.",
    "All pictures were made by arithmetic. No real list and no real service has a part in this.",
)


def opening(fakes: Mapping[str, Running]) -> None:
    """Say who is there."""
    say(TITLE)
    for one in fakes.values():
        say(f"  {one.row.name:6}  {one.row.kind:10}  {one.url}  gets {one.row.gets}")


def step(result: Result) -> None:
    """Tell a step: what was said together, what was done, and what left the machine for it."""
    why = "" if result.reason is None else f" ({result.reason})"
    say(f"{result.number:2} {result.what} | {result.outcome}{why} | {result.decision}, {result.rule}")
    for what in result.left or ("nobody was asked",):
        say(f"     {what}")
    for fault in result.faults:
        say(f"   wrong: {fault}")


def closing(story: Story, states: Mapping[str, ServiceState], seconds: float) -> None:
    """Say what there was to see."""
    say("What assay status says of them")
    for name in story.fakes:
        say(f"  Service {name}: {service_line(service_row(states.get(name)))}")
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
    say("scanners:")
    for one in fakes.values():
        say(one.row.settings(one.url).rstrip())
    say(f"{folder / CANARY_FILE} is a test picture to all but the model; anything new is clean to them.")
    say(f"assay --config {folder / 'config.yaml'} status")
    say("Ctrl-C ends it and removes everything.")


def document(
    story: Story, states: Mapping[str, ServiceState], world: World, seconds: float
) -> dict[str, Any]:
    """Return everything as one JSON document."""
    return {
        "services": [
            {
                "name": one.row.name,
                "kind": one.row.kind,
                "url": one.url,
                "questions": len(one.fake.questions_since(0)),
                **service_row(states.get(one.row.name)),
            }
            for one in story.fakes.values()
        ],
        "steps": [asdict(result) for result in story.results],
        "faults": story.faults,
        "ok": not story.faults,
        "seconds": round(seconds, 1),
        "folder": str(world.folder),
    }
