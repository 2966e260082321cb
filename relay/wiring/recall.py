"""The part of the relay that finds what came onto a list after it was relayed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from relay.adapters.scanners.recalling import ListRematcher
from relay.domain.recall import RecallMode, RecallRules
from relay.services.rematching import Rematching

if TYPE_CHECKING:
    from relay.config.recall import RecallSettings
    from relay.services.inspect import Inspector
    from relay.wiring.office import Office


def rematching(office: Office, inspector: Inspector) -> Rematching:
    """Put it together."""
    return Rematching(
        store=office.store,
        clock=office.clock,
        signals=office.signals,
        alerts=office.alerts,
        rematcher=ListRematcher(office.library, office.settings.relay.data / "lists"),
        recalls=office.recalls,
        scanners=lambda: inspector.scanners,
        purposes={one.name: one.purpose for one in office.library.sources},
        rules=recall_rules(office.settings.recall),
    )


def recall_rules(settings: RecallSettings) -> RecallRules:
    """From settings to what recalls go by."""
    return RecallRules(
        RecallMode(settings.mode), settings.wait.total_seconds(), settings.flood, settings.notify
    )
