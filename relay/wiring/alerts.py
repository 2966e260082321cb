"""The part of the relay that tells people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from relay.domain.alerts import AlertKind, ChannelRules

if TYPE_CHECKING:
    from relay.config.settings import Settings


def channel_rules(settings: Settings) -> list[ChannelRules]:
    """Say who is told of what."""
    return [
        ChannelRules(
            one.name, one.kind, frozenset(AlertKind(event) for event in one.events), one.quiet.total_seconds()
        )
        for one in settings.alerts.channels
    ]
