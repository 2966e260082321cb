"""What a step of the demo of hash services is, and what its scenario is written with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from relay.cli.demo.services.pictures import Picture
from relay.cli.demo.services.table import CLOUD, MODEL, OURS, SAFER, SHIELD

if TYPE_CHECKING:
    from relay.cli.demo.services.frame import Fault

Fakes: TypeAlias = Mapping[str, Any]
"""The fakes by name; each step knows which it has."""
Arrange: TypeAlias = Callable[[Fakes, Picture], None]

EVERYBODY: Final = (OURS, SHIELD, CLOUD, SAFER, MODEL)
CLEAN, MATCH, TEST = "no-known-match", "match", "vendor-test-match"
UNAVAILABLE = "unavailable"
PASSES, WAITS = "We scanned it", "on_scanner_error"


def nothing(_fakes: Fakes, _picture: Picture) -> None:
    """Leave all as it is."""


@dataclass(frozen=True, slots=True)
class Errand:
    """What the relay does before a post: fetch the list `of` somebody, only preview it, or look at the tool.

    `told` is what must come of it, in words.
    """

    of: str
    told: str
    preview: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """One post. `picture` names its file, `arrange` makes services say what the step is about.

    What must come: the `outcome` of all scanners together with its `reason`, the `rule` that decides, the services
    that are `asked`, in order; where that matters `times`: how often, and `matched`: what. `later`: seconds that pass
    before, `errand`: what is done before.
    """

    what: str
    picture: str
    outcome: str
    rule: str
    asked: tuple[str, ...] = EVERYBODY
    reason: str | None = None
    arrange: Arrange = nothing
    times: Mapping[str, int] = field(default_factory=dict)
    later: float = 0.0
    errand: Errand | None = None
    matched: str | None = None


def broken(name: str, fault: Callable[[], Fault]) -> Arrange:
    """Return what makes a fake fail, each time anew."""

    def arrange(fakes: Fakes, _picture: Picture) -> None:
        fakes[name].fault = fault()

    return arrange
