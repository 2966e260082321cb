"""The part of the relay that attests for others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from relay.config import values
from relay.services.attesting import GRACE, Attesting
from relay.services.findings import FindingBook
from relay.services.submissions import Allowances, Submissions

if TYPE_CHECKING:
    from relay.ports import Remote
    from relay.services.attestations import Attestor
    from relay.services.inspect import Inspector
    from relay.services.misses import Misses
    from relay.services.tally import Tally
    from relay.wiring.office import Office


@dataclass(frozen=True, slots=True)
class AttestingService:
    """What takes submissions, and what works on them."""

    submissions: Submissions
    attesting: Attesting

    @classmethod
    def of(
        cls,
        office: Office,
        *,
        remote: Remote,
        inspector: Inspector,
        attestor: Attestor,
        misses: Misses,
        tally: Tally,
    ) -> Self:
        """Put it together."""
        rules, room = values.service_rules(office.settings), values.room(office.settings)
        allowances = Allowances(rules, office.clock)
        submissions = Submissions(
            store=office.store,
            clock=office.clock,
            signals=office.signals,
            peers=office.peers,
            inspector=inspector,
            attestor=attestor,
            misses=misses,
            room=room,
            allowances=allowances,
            rules=rules,
        )
        attesting = Attesting(
            store=office.store,
            clock=office.clock,
            signals=office.signals,
            remote=remote,
            inspector=inspector,
            attestor=attestor,
            findings=finding_book(office),
            submissions=submissions,
            room=room,
            allowances=allowances,
            limits=values.media_limits(office.settings),
            tally=tally,
            grace=GRACE if office.store.shared else 0.0,
        )
        return cls(submissions, attesting)


def finding_book(office: Office) -> FindingBook:
    """Say where files that are on a list are put on record."""
    return FindingBook(clock=office.clock, decider=office.decider, alerts=office.alerts)
