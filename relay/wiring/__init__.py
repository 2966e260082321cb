"""Puts the relay together: one place that knows every part."""

from relay.wiring.assembly import REPOSITORY, Relay, open_relay
from relay.wiring.office import Office, open_office
from relay.wiring.parts import Outside, identity_of

__all__ = ["REPOSITORY", "Office", "Outside", "Relay", "identity_of", "open_office", "open_relay"]
