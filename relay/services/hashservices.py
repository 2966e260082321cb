"""Keeps the hash services current, and tells commands in other processes how they are doing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from relay.domain.hashservice import ServiceState
    from relay.ports import Clock, Store

LOOK_EVERY: Final = 10.0


class Watched(Protocol):
    """A scanner that asks a service."""

    @property
    def state(self) -> ServiceState:
        """How the service is doing."""

    def recall(self, state: ServiceState) -> None:
        """Take what was known before a restart."""

    async def refresh(self) -> None:
        """Look which version the service's list has, if that was long ago."""


class HashServiceWatch:
    """Refreshes `services` and writes their states down when they changed."""

    def __init__(self, services: Sequence[Watched], store: Store, clock: Clock) -> None:
        self._services, self._store, self._clock = services, store, clock
        self._saved: dict[str, ServiceState] = {}

    async def load(self) -> None:
        """Tell the services what was known of them."""
        async with self._store.reading() as tx:
            known = {state.name: state for state in await tx.hash_services.all()}
        for service in self._services:
            state = known.get(service.state.name)
            if state is not None:
                service.recall(state)

    async def run(self) -> None:
        """Watch until cancelled."""
        while self._services:
            await self.run_once()
            await self._clock.sleep(LOOK_EVERY)

    async def run_once(self) -> None:
        """Look once."""
        for service in self._services:
            await service.refresh()
        changed = [
            state
            for state in (service.state for service in self._services)
            if self._saved.get(state.name) != state
        ]
        if not changed:
            return
        async with self._store.transaction() as tx:
            for state in changed:
                await tx.hash_services.save(state)
        self._saved |= {state.name: state for state in changed}
