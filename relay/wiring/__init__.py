"""Puts the relay together: one place that knows every part. A command imports only the parts that it uses."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from relay.wiring.assembly import REPOSITORY, Relay, open_relay
    from relay.wiring.office import Office, open_office
    from relay.wiring.parts import Outside, identity_of

__all__ = ["REPOSITORY", "Office", "Outside", "Relay", "identity_of", "open_office", "open_relay"]

_PLACES: Final = {
    "REPOSITORY": "assembly",
    "Relay": "assembly",
    "open_relay": "assembly",
    "Office": "office",
    "open_office": "office",
    "Outside": "parts",
    "identity_of": "parts",
}

if not TYPE_CHECKING:  # for mypy a name that is not listed above stays a mistake

    def __getattr__(name: str) -> Any:
        """Import what is asked for (PEP 562): the whole relay takes twice as long as its office."""
        if name not in _PLACES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(f"{__name__}.{_PLACES[name]}"), name)
