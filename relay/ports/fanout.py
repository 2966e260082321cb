"""The log of what was published, and how far each subscriber has come in it."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from relay.domain.delivery import Gap, Host, Progress, Reached, Saved, Straggler
    from relay.domain.log import LogEntry
    from relay.domain.shares import Held
    from relay.domain.subscriber_profile import Skip
    from relay.domain.traits import Traits

NOTHING: Final[Mapping[Any, Any]] = MappingProxyType({})


class Fanout(Protocol):
    """The log and how far each subscriber has come."""

    async def head(self) -> int:
        """Return the last position ever used."""

    async def withdrawals(self) -> int:
        """Return a number that grows whenever entries were taken out of the log before their time."""

    async def entries(self, after: int, upto: int, *, stopped: bool = False) -> list[LogEntry]:
        """Return a stretch of the log; what was purged is missing, and what a recall stopped unless `stopped`."""

    async def progress(self) -> dict[int, Progress]:
        """Return the saved progress of every subscription."""

    async def straggling(self) -> dict[int, str]:
        """Return the object at each position that straggles for anybody and is still in the log."""

    async def save(
        self,
        saved: Saved,
        *,
        moved: Mapping[int, Reached | None],
        stragglers: Mapping[tuple[int, int], Straggler | None],
        hosts: Mapping[str, Host],
        counts: Mapping[int, tuple[int, int, int]],
        skipped: Mapping[tuple[int, Skip], int],
        gaps: Mapping[int, Gap] = NOTHING,
        held: Held | None = None,
    ) -> None:
        """Write a checkpoint: watermark, who `moved` (None: stands there), stragglers (None: settled), hosts.

        `counts` (delivered, refused, failed) and `skipped` are added to what was counted before. `gaps` say what a
        subscriber will never get, while the log still has it. The watermark is that of the shares `held`; raises
        `Superseded` when they are not all its own. Where nobody holds shares it is that of all subscribers.
        """

    async def first(self, object_id: str) -> tuple[int, Traits] | None:
        """Return where in the log an object was published first, and what it was then; None when it is not there."""

    async def missing(self, position: int) -> set[int]:
        """Return the subscriptions that have a gap over a position."""

    async def hosts(self) -> dict[str, Host]:
        """Return the saved health of servers."""

    async def rfc9421_servers(self, now: float) -> dict[str, float]:
        """Return the servers that take RFC 9421 and until when that is believed, the next to end first."""

    async def save_rfc9421_server(self, server: str, until: float | None, *, now: float, most: int) -> None:
        """Write until when a server is believed to take RFC 9421, None for no longer; keep the newest `most`."""

    async def prunable(self, before: float) -> int | None:
        """Return the last position that retention ended for."""

    async def prune(self, upto: int) -> None:
        """Forget the log up to a position, as far as everybody who is served has come by what is saved."""
