"""What the relay of the demo does before some posts: it fetches a list, previews it, or looks at Cloudflare's tool."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from relay.cli.demo.services.table import TOOL
from relay.cli.output import counted
from relay.domain.errors import RemoteError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from relay.cli.demo.services.clock import HastyClock
    from relay.cli.demo.services.steps import Errand
    from relay.cli.demo.services.table import Running
    from relay.services.listsync import Synced
    from relay.wiring import Relay

WHO: Final = "demo"
GLANCE: Final = 0.5
"""Seconds of the demo's clock between two looks at what the relay uses or decided."""
_TIMES: Final = {1: "once", 2: "twice"}


class Errands:
    """Runs errands in a relay that runs, and says what came of each."""

    def __init__(self, relay: Relay, fakes: Mapping[str, Running], clock: HastyClock) -> None:
        self._relay, self._fakes, self._clock = relay, fakes, clock
        self._sync = relay.services.fetching.sync

    async def settled(self) -> None:
        """Wait until the relay has fetched every list after its start."""
        while not all(state.synced_at for state in (await self._sync.states()).values()):
            await self._clock.sleep(GLANCE)
        for name in self._sync.kept:
            await self._used(name)

    async def run(self, errand: Errand) -> str:
        """Do it, wait until the relay uses what came, and say what that was."""
        fake = self._fakes[errand.of].fake
        start = len(fake.asked)
        if errand.of == TOOL:
            return await self._looked()
        work = self._sync.preview if errand.preview else self._sync.sync
        try:
            found = await work(errand.of, who=WHO)
        except RemoteError as error:
            return f"nothing changes: {error.code}; asked {_times(len(fake.asked) - start)}"
        await self._used(errand.of)
        return _told(found, len(fake.asked) - start, would="would be " if errand.preview else "")

    async def _looked(self) -> str:
        [tool] = self._relay.services.fetching.tools
        check = await tool.run_once()
        return check.error or "; ".join(check.problems) or "it is on"

    async def _used(self, name: str) -> None:
        """Wait until pictures are compared with the list as it is in force."""
        library = self._relay.office.library
        [source] = [one for one in library.sources if one.name == name]
        version = library.version(await library.made_of(source))
        while (name, version) not in {(one.name, one.version) for one in self._relay.inspector.scanners}:
            await self._clock.sleep(GLANCE)


def _told(found: Synced, asked: int, *, would: str) -> str:
    unused = "".join(f"; not used: {count:,} {why}" for why, count in found.unused.items())
    effects = found.effects
    changes = f"{effects.added} {would}new, {effects.removed} {would}gone"
    return f"{changes}; asked {_times(asked)} for {counted(found.pages, 'page')}{unused}"


def _times(count: int) -> str:
    return _TIMES.get(count, f"{count} times")
