"""The part of the relay that checks files for media servers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from relay.config import values
from relay.services.filechecks import FileChecks
from relay.wiring.service import finding_book

if TYPE_CHECKING:
    from relay.wiring.assembly import Relay


def file_checks(relay: Relay) -> FileChecks:
    """Put it together."""
    office = relay.office
    return FileChecks(
        store=office.store,
        clock=office.clock,
        inspector=relay.inspector,
        findings=finding_book(office),
        rules=values.check_rules(office.settings),
        tally=relay.tally,
    )
