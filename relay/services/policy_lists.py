"""Lists that a policy names and others keep: what is in force of them goes into the policy that decides.

They are refreshed, held back when they change suddenly and undone like blocklists (`relay.services.blocklists`).
Here they are only put into use: at the start, and whenever something changed, also by a command elsewhere.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from relay.domain.blocklist import POLICY_PREFIX, Effect

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from relay.domain.blocklist import Blocklist
    from relay.domain.policy import Policy
    from relay.ports import Clock, Store, Tx
    from relay.services.decide import Decider

    Entries = Mapping[str, Sequence[tuple[str, Effect]]]

LOOK_EVERY: Final = 2.0
"""Seconds between two looks whether something changed."""


class PolicyLists:
    """Keeps the lists of the policy in force up to date. `sources` may be replaced while running."""

    def __init__(self, store: Store, clock: Clock, decider: Decider, sources: Sequence[Blocklist]) -> None:
        self._store, self._clock, self._decider = store, clock, decider
        self.sources = tuple(sources)
        self._seen: tuple[int, str] | None = None

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            await self.run_once()
            await self._clock.sleep(LOOK_EVERY)

    async def run_once(self) -> bool:
        """Take up what changed; return whether the policy decides by other lists than before."""
        if not self.sources:
            return False
        policy = self._decider.policy
        async with self._store.reading() as tx:
            version = await tx.blocking.version()
            if self._seen == (version, policy.id):
                return False
            entries = await _entries(tx, self.sources)
        filled = await _filled(policy, entries)
        if self._decider.policy is not policy:
            return False  # another one came into force meanwhile: the next look fills that
        self._decider.policy, self._seen = filled, (version, filled.id)
        return filled is not policy


async def filled(store: Store, policy: Policy, sources: Sequence[Blocklist]) -> Policy:
    """A policy that is not in force with what its lists of others hold now; one that was never read holds nothing."""
    async with store.reading() as tx:
        entries = await _entries(tx, sources)
    return await _filled(policy, entries)


async def _entries(tx: Tx, sources: Sequence[Blocklist]) -> Entries:
    return {one.name.removeprefix(POLICY_PREFIX): await tx.blocking.named(one.name) for one in sources}


async def _filled(policy: Policy, entries: Entries) -> Policy:
    # A hundred thousand names take a while to sort: not on the loop.
    return await asyncio.to_thread(
        lambda: policy.with_lists({name: _members(found) for name, found in entries.items()})
    )


def _members(entries: Sequence[tuple[str, Effect]]) -> frozenset[str]:
    """The servers that a source says to block, and their subdomains: an entry covers both."""
    names = [server for server, effect in entries if effect is Effect.BLOCK]
    return frozenset(names) | {f"*.{name}" for name in names if not name.startswith("[")}
