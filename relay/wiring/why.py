"""The part that answers why."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from relay.adapters.keys import KeyFolder
from relay.services.explain import Explainer
from relay.services.passages import Passages
from relay.services.selection import Selectors

if TYPE_CHECKING:
    from relay.config.settings import Settings
    from relay.ports import Clock, Store
    from relay.services.decide import Decider


def explainer(settings: Settings, store: Store, clock: Clock, decider: Decider) -> Explainer:
    """Explain decisions; the key of the delay is read, or made, when it is needed for the first time."""
    federation, keys = settings.federation, KeyFolder(settings.relay.data)
    return Explainer(
        store,
        clock,
        Passages(clock, Selectors(decider, federation.profile)),
        key=cache(lambda: keys.derived("why: when it is told that a post is not relayed")),
        shortest=settings.why.delay.total_seconds(),
        retention=federation.retention.total_seconds(),
    )
