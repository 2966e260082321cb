"""The tables of fakes: what there is, and how a relay is told of each. A new fake is a row here.

There are keepers, whose lists are fetched, services, which are asked about pictures, and a tool that is looked at.
"""

from __future__ import annotations

from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from relay.cli.demo.services import arachnid, cloudflare, hive, ncmec, photodna, stopncii, threatexchange
from relay.cli.demo.services.arachnid import FakeArachnid
from relay.cli.demo.services.classifier import FakeClassifier
from relay.cli.demo.services.cloudflare import FakeCloudflare
from relay.cli.demo.services.frame import running
from relay.cli.demo.services.hive import FakeHive
from relay.cli.demo.services.hma import FakeHma
from relay.cli.demo.services.ncmec import FakeNcmec
from relay.cli.demo.services.photodna import FakePhotoDna
from relay.cli.demo.services.stopncii import FakeStopNcii
from relay.cli.demo.services.threatexchange import FakeThreatExchange

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping

    from relay.cli.demo.services.frame import FakeService


@dataclass(frozen=True, slots=True)
class Row:
    """A fake: its `name` and `kind` in the configuration, how it is made, the `keys` that a relay needs besides.

    `gets` says what it is sent of a file.
    """

    name: str
    kind: str
    make: Callable[[], FakeService]
    keys: str
    gets: str

    def settings(self, url: str) -> str:
        """Return its row in `scanners`; of the tool its own section."""
        if self.name == TOOL:
            return f"{self.kind}: {{url: '{url}'{self.keys}}}\n"
        return f"  - {{name: {self.name}, kind: {self.kind}, url: '{url}'{self.keys}}}\n"


TOOL: Final = "cloudflare"
NCMEC, YOUNG, ADULTS, GROUP = "ncmec", "take-it-down", "adults", "group"
MEMBER: Final = 7
"""Number of the member that Take It Down is here."""
_LISTED: Final = ', purpose: "Pictures made by arithmetic", country: any'
_PASSWORD: Final = f", user: {ncmec.USER}, password: {ncmec.PASSWORD}"
_NOTHING: Final = "nothing: its list is fetched"

KEEPERS: Final = (
    Row(NCMEC, "ncmec-hashes", FakeNcmec, f"{_PASSWORD}{_LISTED}", _NOTHING),
    Row(YOUNG, "ncmec-hashes", FakeNcmec, f", members: [{MEMBER}]{_PASSWORD}{_LISTED}", _NOTHING),
    Row(
        ADULTS,
        "stopncii",
        FakeStopNcii,
        f", key: {stopncii.KEY}, function_key: {stopncii.FUNCTION_KEY}{_LISTED}",
        _NOTHING,
    ),
    Row(
        GROUP,
        "threatexchange",
        FakeThreatExchange,
        f", key: {threatexchange.TOKEN}, privacy_group: {threatexchange.GROUP}, category: known{_LISTED}",
        _NOTHING,
    ),
)
"""The lists that somebody keeps; lists are best put before services."""

OURS, SHIELD, CLOUD, SAFER, MODEL = "ours", "shield", "cloud", "safer", "model"

TABLE: Final = (
    Row(OURS, "hma", FakeHma, ", categories: {SAMPLE: test}", "one hash after the other"),
    Row(
        SHIELD,
        "arachnid",
        FakeArachnid,
        f", user: {arachnid.USER}, password: {arachnid.PASSWORD}",
        "all hashes at once",
    ),
    Row(CLOUD, "photodna", FakePhotoDna, f", key: {photodna.KEY}, send: media", "the file, or a small JPEG"),
    Row(SAFER, "safer", FakeHive, f", key: {hive.KEY}, send: media", "the file, or a small JPEG"),
    Row(MODEL, "classifier", FakeClassifier, ", send: media, timeout: 1 second", "the file"),
)
"""The services, in the order in which the demo's relay asks them."""

TOOLS: Final = (
    Row(
        TOOL,
        "cloudflare",
        FakeCloudflare,
        f", zone: {cloudflare.ZONE}, token: {cloudflare.TOKEN}",
        "nothing: its setting is looked at",
    ),
)
"""What is looked at, and is no scanner."""


@dataclass(frozen=True, slots=True)
class Running:
    """A fake that runs, and where."""

    row: Row
    fake: FakeService
    url: str


@asynccontextmanager
async def open_fakes(
    table: tuple[Row, ...] = (*KEEPERS, *TABLE, *TOOLS),
) -> AsyncIterator[Mapping[str, Running]]:
    """Run fakes on free ports of loopback; yield them by name."""
    async with AsyncExitStack() as stack:
        found = {}
        for row in table:
            fake = row.make()
            found[row.name] = Running(row, fake, await stack.enter_async_context(running(fake)))
        yield found


def sections(fakes: Mapping[str, Running], before: str = "") -> str:
    """Return the sections of a configuration that lead to all fakes; `before` are rows of scanners before theirs."""
    rows = {name: one.row.settings(one.url) for name, one in fakes.items()}
    scanners = before + "".join(text for name, text in rows.items() if name != TOOL)
    return f"scanners:\n{scanners}{rows.get(TOOL, '')}"
