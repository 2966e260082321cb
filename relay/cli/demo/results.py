"""What came of each step and of the whole, what people are told of it, and whether it is what had to come."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from relay.cli.sentences import ATTESTATIONS, OUTCOMES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from relay.cli.demo.scenario import Act, Expected


@dataclass(frozen=True, slots=True)
class Result:
    """What came of one step.

    `decision`: the verb that was carried out, or `ignored`, `refused`, `left`, `unknown`. `why`: the rule's name, or
    what the relay answered; `reason`: the policy's reason code. `outcome`, `attestation` and `saw` tell of the
    media. `received`: the servers that fetched and show it; `verified`: those that verified an attestation of
    `voucher`. `faults` are differences from what had to come, as sentences.
    """

    number: int
    by: str
    what: str
    status: int
    decision: str
    why: str
    reason: str | None = None
    outcome: str | None = None
    attestation: str | None = None
    saw: str = ""
    scans: int = 0
    received: tuple[str, ...] = ()
    verified: tuple[str, ...] = ()
    voucher: str | None = None
    faults: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Return the result as JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Totals:
    """Counts of the whole story.

    `media`: files that came with posts; `scans`: how often one was decoded and looked up; `attested`: attestations
    that the relay issued; `deliveries`: posts received by servers; `verified`: of these, with an attestation that the
    receiver verified; `held` and `dropped`: posts that nobody received because of the policy.
    """

    posts: int = 0
    media: int = 0
    scans: int = 0
    attested: int = 0
    deliveries: int = 0
    verified: int = 0
    held: int = 0
    dropped: int = 0
    refused: int = 0


@dataclass(frozen=True, slots=True)
class Report:
    """The whole: results in order, totals, and everything that came out otherwise than it had to."""

    results: tuple[Result, ...]
    totals: Totals
    faults: tuple[str, ...] = field(default=())

    @property
    def held(self) -> bool:
        """Whether every expectation held."""
        return not self.faults


def saw(medium: Mapping[str, Any] | None, scans: int, issuer: str | None) -> str:
    """Tell what the relay found out about a post's only medium; `issuer`: the name of who attested it."""
    if medium is None:
        return "no media"
    outcome, attestation = medium["outcome"], medium["attestation"]
    if attestation == "valid" and outcome == "not-attempted":
        return f"{ATTESTATIONS['valid']} by {issuer}: no scan"
    told = OUTCOMES[outcome].removesuffix(", which harms nobody")
    if outcome == "no-known-match" and not scans:
        told = "the bytes it checked before: no second scan"
    if outcome == "unscannable" and medium["reason"]:
        told = f"{told}: {medium['reason']}"
    if medium["matches"]:
        [first, *_] = medium["matches"]
        told = f"{told} ({first['algorithm']}, {first['distance']} bits off)"
    return told if attestation == "missing" else f"{ATTESTATIONS[attestation]}; {told}"


def judge(act: Act, result: Result) -> tuple[str, ...]:
    """Return every difference between a result and what had to come, as sentences."""
    expected = act.expected
    found = {
        "decision": (expected.decision, result.decision),
        "rule or answer": (expected.why, result.why),
        "scan outcome": (expected.outcome, result.outcome),
        "number of scans": (expected.scans, result.scans),
    }
    faults = [f"{name}: {got} in place of {had}" for name, (had, got) in found.items() if had != got]
    return (*faults, *_about_readers(expected, result))


def _about_readers(expected: Expected, result: Result) -> list[str]:
    readers, received = expected.readers, set(result.received)
    faults = [f"{name} did not receive it" for name in sorted(readers - received)]
    faults += [f"{name} received it, which it should not" for name in sorted(received - readers)]
    vouched = readers & received if expected.voucher else set[str]()
    if unsure := vouched - set(result.verified):
        faults.append(f"{', '.join(sorted(unsure))} could not verify the attestation")
    if expected.voucher and result.verified and result.voucher != expected.voucher:
        faults.append(f"attested by {result.voucher} in place of {expected.voucher}")
    return faults
