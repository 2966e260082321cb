"""The table of fakes: what there is, and how a relay is told of each. A new fake is a row here."""

from __future__ import annotations

from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from relay.cli.demo.services import arachnid, hive, photodna
from relay.cli.demo.services.arachnid import FakeArachnid
from relay.cli.demo.services.classifier import FakeClassifier
from relay.cli.demo.services.frame import running
from relay.cli.demo.services.hive import FakeHive
from relay.cli.demo.services.hma import FakeHma
from relay.cli.demo.services.photodna import FakePhotoDna

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
        """Return its row in `scanners`."""
        return f"  - {{name: {self.name}, kind: {self.kind}, url: '{url}'{self.keys}}}\n"


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


@dataclass(frozen=True, slots=True)
class Running:
    """A fake that runs, and where."""

    row: Row
    fake: FakeService
    url: str


@asynccontextmanager
async def open_fakes(table: tuple[Row, ...] = TABLE) -> AsyncIterator[Mapping[str, Running]]:
    """Run all fakes on free ports of loopback; yield them by name."""
    async with AsyncExitStack() as stack:
        found = {}
        for row in table:
            fake = row.make()
            found[row.name] = Running(row, fake, await stack.enter_async_context(running(fake)))
        yield found
