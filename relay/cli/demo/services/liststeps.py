"""What happens with the lists of keepers in the demo of hash services, and with Cloudflare's tool, as data.

Entries are hashes of the demo's own pictures. Their times are a little before now, as a keeper's would be.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from relay.adapters.system import SystemClock
from relay.cli.demo.services.frame import HTML, always, first
from relay.cli.demo.services.ncmec import Shared
from relay.cli.demo.services.steps import CLEAN, EVERYBODY, MATCH, PASSES, Errand, Step, broken
from relay.cli.demo.services.stopncii import record
from relay.cli.demo.services.table import ADULTS, GROUP, MEMBER, NCMEC, TOOL, YOUNG
from relay.cli.demo.services.threatexchange import signal

if TYPE_CHECKING:
    from relay.cli.demo.services.pictures import Picture
    from relay.cli.demo.services.steps import Arrange, Fakes

SIGNAL: Final = 1
"""Number of the only signal in the group."""
KNOWN, HELD = "Known match", "otherwise"


def _now() -> float:
    return SystemClock().now()


def _whole_list(fakes: Fakes, picture: Picture) -> None:
    """Three entries, the oldest on the last page."""
    now = _now()
    fakes[NCMEC].entries = [
        Shared("a", now - 30, {"pdq": "0f" * 32, "pdna": "not compared here"}),
        Shared("b", now - 20, {"pdq": "f0" * 32}),
        Shared("c", now - 300, {"pdq": picture.pdq.hex()}),
    ]


def _taken_back(fakes: Fakes, _picture: Picture) -> None:
    fakes[NCMEC].entries[-1] = Shared("c", _now(), deleted=True)


def _submitted(member: int) -> Arrange:
    def arrange(fakes: Fakes, picture: Picture) -> None:
        entry = Shared(f"of {member}", _now() - 10, {"pdq": picture.pdq.hex()}, member=member)
        fakes[YOUNG].entries.append(entry)

    return arrange


def _busy(fakes: Fakes, picture: Picture) -> None:
    fakes[ADULTS].records = [record(picture.pdq.hex(), int(_now()) - 10)]
    fakes[ADULTS].fault = first(1, always(429, Retry_After="7"))


def _shared(fakes: Fakes, picture: Picture) -> None:
    fakes[GROUP].updates = [signal(picture.pdq.hex(), int(_now()) - 10, SIGNAL)]


def _no_longer_shared(fakes: Fakes, picture: Picture) -> None:
    fakes[GROUP].updates = [signal(picture.pdq.hex(), int(_now()), SIGNAL, should_delete=True)]


def _tool(*, enabled: bool) -> Arrange:
    def arrange(fakes: Fakes, _picture: Picture) -> None:
        fakes[TOOL].value["enabled"] = enabled

    return arrange


LISTS: Final = (
    Step(
        "ncmec: two pages in no order of time",
        "k1",
        MATCH,
        KNOWN,
        asked=(),
        arrange=_whole_list,
        errand=Errand(NCMEC, "3 new, 0 gone; asked twice for 2 pages; not used: 1 pdna"),
        matched="ncmec: known, csam",
    ),
    Step(
        "ncmec: a web page with status 200",
        "k1",
        MATCH,
        KNOWN,
        asked=(),
        arrange=broken(NCMEC, lambda: always(200, HTML)),
        errand=Errand(NCMEC, "nothing changes: bad-answer; asked once"),
    ),
    Step(
        "ncmec: takes the entry back",
        "k1",
        CLEAN,
        PASSES,
        arrange=_taken_back,
        errand=Errand(NCMEC, "0 new, 1 gone; asked twice for 2 pages; not used: 1 pdna"),
    ),
    Step(
        "take-it-down: its own entry",
        "k2",
        MATCH,
        KNOWN,
        asked=(),
        arrange=_submitted(MEMBER),
        errand=Errand(YOUNG, "1 new, 0 gone; asked once for 1 page"),
        matched="take-it-down: known, csam",
    ),
    Step(
        "take-it-down: an entry of another member",
        "k3",
        CLEAN,
        PASSES,
        arrange=_submitted(MEMBER + 1),
        errand=Errand(YOUNG, "0 new, 0 gone; asked once for 1 page; not used: 1 of other members"),
    ),
    Step(
        "adults: 429, Retry-After: 7, then its list",
        "k4",
        MATCH,
        HELD,
        EVERYBODY,
        arrange=_busy,
        errand=Errand(ADULTS, "1 new, 0 gone; asked twice for 1 page"),
        matched="adults: ncii, ncii",
    ),
    Step(
        "group: a signal",
        "k5",
        MATCH,
        KNOWN,
        asked=(),
        arrange=_shared,
        errand=Errand(GROUP, "1 new, 0 gone; asked once for 1 page"),
        matched="group: known, known",
    ),
    Step(
        "group: takes it back, but that is only previewed",
        "k5",
        MATCH,
        KNOWN,
        asked=(),
        arrange=_no_longer_shared,
        errand=Errand(GROUP, "0 would be new, 1 would be gone; asked once for 1 page", preview=True),
    ),
    Step(
        "cloudflare: somebody switched the tool off",
        "harbour",
        CLEAN,
        PASSES,
        asked=(),
        arrange=_tool(enabled=False),
        errand=Errand(TOOL, "it is switched off for this zone"),
    ),
    Step(
        "cloudflare: the tool is on again",
        "harbour",
        CLEAN,
        PASSES,
        asked=(),
        arrange=_tool(enabled=True),
        errand=Errand(TOOL, "it is on"),
    ),
)
"""The steps, in order."""
