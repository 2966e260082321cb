"""What came to a temporary inbox, as the lab tells it: each delivery, its signature, its carriage, its attestations.

Everything follows from what was written down when it came and when it was looked at, so it is told anew whenever
somebody looks and never changes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from relay.domain import strictjson
from relay.domain.attachments import flat
from relay.domain.errors import Malformed
from relay.domain.lab.model import Outcome, Role, Run
from relay.protocol.lab.documents import Examination, Given, examine
from relay.protocol.lab.stepping import Terms

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from relay.domain.lab.inbox import Delivery
    from relay.domain.lab.model import Result


@dataclass(frozen=True, slots=True)
class Arrival:
    """A delivery and what is told of it. `number` counts from 1; `fault` says why the body is no document."""

    number: int
    delivery: Delivery
    document: object
    fault: str | None
    examination: Examination | None

    @property
    def kind(self) -> str:
        """The type of the activity, or what stands for it."""
        names = flat(self.document.get("type")) if isinstance(self.document, dict) else ()
        return ", ".join(name for name in names if isinstance(name, str))[:80] or "no activity"

    def text(self, name: str) -> str | None:
        """A property of the activity that is a string, or the id of the object that it is."""
        value: Any = self.document.get(name) if isinstance(self.document, dict) else None
        found = value.get("id") if isinstance(value, dict) else value
        return found if isinstance(found, str) else None

    @property
    def carriage(self) -> tuple[str, ...]:
        """Where attestations travelled, in words (profile, Carrying)."""
        found = []
        header = self.delivery.attestations
        if header is not None:
            seen = self.delivery.seen
            covered = seen is not None and "media-attestation" in seen.covered
            found.append(
                "in the header Media-Attestation"
                + (
                    ", which the signature covers"
                    if covered
                    else ", which the signature does NOT cover (C-03)"
                )
            )
        places = [one.found.where for one in self.examination.examined] if self.examination else []
        if any(where.startswith("mediaAttestation") for where in places):
            found.append("in mediaAttestation of the Announce")
        if any(not where.startswith(("mediaAttestation", "header")) for where in places):
            found.append("in the object itself")
        return tuple(found)


def arrivals(deliveries: Sequence[Delivery]) -> tuple[Arrival, ...]:
    """What came, in its order."""
    return tuple(_arrival(number, delivery) for number, delivery in enumerate(deliveries, start=1))


def _arrival(number: int, delivery: Delivery) -> Arrival:
    try:
        document = strictjson.loads(delivery.body)
    except Malformed as error:
        return Arrival(number, delivery, None, str(error), None)
    if delivery.seen is None:
        return Arrival(number, delivery, document, None, None)
    terms = Terms(
        actors=delivery.seen.issuers,
        trusted=frozenset(),
        lists=None,
        now=int(delivery.at),
        failures=delivery.seen.failures,
    )
    return Arrival(
        number, delivery, document, None, examine(Given(document, terms, header=delivery.attestations))
    )


def run_of(found: Sequence[Arrival], target: str, *, tester: str, since: float) -> Run:
    """All that came as one run of the document cases; a case that applied nowhere is told once.

    `since`: when the inbox was made, in seconds since 1970.
    """
    results = list(_results(found))
    applied = {result.code for result in results if result.outcome is not Outcome.INAPPLICABLE}
    told: set[str] = set()
    kept = []
    for result in results:
        if result.outcome is Outcome.INAPPLICABLE and result.code in applied | told:
            continue
        told.add(result.code)
        kept.append(result)
    kept.sort(key=lambda result: result.code)
    ended = max((one.delivery.at for one in found), default=since)
    return Run(Role.DOCUMENT, target, since, ended, tester, tuple(kept))


def _results(found: Sequence[Arrival]) -> Iterator[Result]:
    for one in found:
        if one.examination is None or not one.examination.examined:
            continue  # a Follow or a text without media has nothing that the cases are about
        name = f"delivery {one.number}"
        for result in one.examination.results:
            subject = f"{name}, {result.subject}" if result.subject else name
            yield replace(result, subject="" if result.outcome is Outcome.INAPPLICABLE else subject)
