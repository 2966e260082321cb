"""Channels of alerts in the configuration."""

from __future__ import annotations

from typing import get_args

from relay.config.alerts import ChannelSettings, Event
from relay.domain.alerts import EVENTS


def test_a_channel_is_told_of_everything_unless_it_says_less() -> None:
    assert get_args(Event) == tuple(kind.value for kind in EVENTS)
    assert ChannelSettings.model_fields["events"].default == get_args(Event)
