"""Verifying what was found: each attestation step by step, as values for programs and people."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from mediaattest import Step, is_compact_jws, to_data_url, unverified, verify
from relay.cli.output import pairs, say, stamp
from relay.domain import hosts
from relay.domain.attachments import flat

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from mediaattest import Verification

    Actors = Mapping[str, Mapping[str, Any] | None]

_NAMES: Final = ("attestation", "mediaAttestation")
"""Where attestations stand: beside a medium (FEP-b53d), and on a relay's Announce (attestation.md, carriage)."""
_WORDS: Final = {
    "passed": "passed",
    "failed": "FAILED",
    "assumed": "assumed: not trusted by this relay's configuration",
    "unchecked": "not checked",
    "not-reached": "not reached",
}


@dataclass(frozen=True, slots=True)
class Found:
    """One attestation: where it stood, the hashes declared beside it, the hash string of the bytes if at hand."""

    text: str
    where: str
    declared: tuple[str, ...] = ()
    received: str | None = None


@dataclass(frozen=True, slots=True)
class Terms:
    """What to verify against.

    `actors`: documents by issuer, None for one that is not known there. `failures`: why others could not be
    had. `trusted`: issuers, as actor ids or server names. `lists`: accepted list ids, None for any.
    """

    actors: Actors
    trusted: frozenset[str]
    lists: frozenset[str] | None
    now: int
    failures: Mapping[str, str] = field(default_factory=dict)


def attestation_string(text: str) -> str:
    """Return the attestation string for what people paste: that, or the bare token."""
    stripped = text.strip()
    return to_data_url(stripped) if is_compact_jws(stripped) else stripped


def found_in(document: object, received: frozenset[str], where: str = "") -> Iterator[Found]:
    """Yield every attestation in a JSON document, wherever it stands, with the path to it.

    `received` are the hash strings of the bytes at hand: an attestation about one of them is held against it.
    """
    if isinstance(document, list):
        for place, member in enumerate(document):
            yield from found_in(member, received, f"{where}[{place}]")
    if not isinstance(document, dict):
        return
    hashes = [text for name in ("hash", "digestMultibase") for text in flat(document.get(name))]
    for text in [text for name in _NAMES for text in flat(document.get(name))]:
        if isinstance(text, str):
            claim = unverified(text)
            digest = claim.digest if claim and claim.digest in received else None
            declared = tuple(one for one in hashes if isinstance(one, str))
            yield Found(text, where or "the document itself", declared, digest)
    for name, value in document.items():
        yield from found_in(value, received, f"{where}.{name}" if where else name)


def verdict(found: Found, terms: Terms) -> dict[str, Any]:
    """Verify one attestation and tell every step. The issuer is believed, and whether it is trusted here is told."""
    claim = unverified(found.text)
    issuer = claim.issuer if claim else None
    # Nothing to hold it against: then against what it says itself, and the step is told as not checked.
    received = found.received or (claim.digest if claim else f"sha256:{'0' * 64}")
    result = verify(
        found.text,
        received=received,
        actors=terms.actors,
        trusted_issuers=frozenset({issuer} if issuer else ()),
        accepted_lists=terms.lists,
        now=terms.now,
        declared_hashes=found.declared,
    )
    trusted = issuer is not None and bool({issuer, _server(issuer)} & terms.trusted)
    reason = result.reason
    if issuer and result.step is Step.KEY:
        reason = f"{reason} {terms.failures.get(issuer, '')}".rstrip()
    return {
        "where": found.where,
        "valid": result.valid,
        "verdict": result.verdict.value,
        "temporary": result.temporary,
        "reason": reason,
        "issuer": issuer,
        "trusted_here": trusted,
        "key": claim.kid if claim else None,
        "hash": claim.digest if claim else None,
        "bytes_checked": found.received is not None,
        **_statement(result),
        "steps": [
            {"step": int(step), "title": step.title, "state": _state(step, result, found, trusted=trusted)}
            for step in Step
        ],
    }


def show(told: Mapping[str, Any]) -> None:
    """Print one verdict for people."""
    say(f"{told['where']}: {told['verdict']}", bold=True)
    say(told["reason"])
    width = max(len(step["title"]) for step in told["steps"])
    for step in told["steps"]:
        say(f"{step['step']:>3}  {step['title'].ljust(width)}  {_WORDS[step['state']]}")
    rows = {"Issuer": told["issuer"], "Key": told["key"], "Hash": told["hash"]}
    if told["checks"]:
        rows["Checked"] = "\n".join(
            f"{check['algorithm']} against {check['list']}" for check in told["checks"]
        )
        rows["Issued"] = told["issued_at"]
        rows["Ends"] = told["expires_at"]
    pairs({label: value for label, value in rows.items() if value})
    if told["valid"]:
        say("It states: checked, no known match. It does not state: safe.")
    if told["valid"] and not told["bytes_checked"]:
        say("The bytes were not at hand: give them with --media FILE to check that it is about them.")


def _server(issuer: str) -> str:
    return hosts.server_name(issuer) if hosts.is_http_url(issuer) else issuer


def _state(step: Step, result: Verification, found: Found, *, trusted: bool) -> str:
    if not result.valid and step >= result.step:
        return "failed" if step == result.step else "not-reached"
    if step is Step.ISSUER and not trusted:
        return "assumed"
    if step is Step.DECLARED_HASH and not found.declared:
        return "unchecked"
    if step is Step.RECEIVED_BYTES and found.received is None:
        return "unchecked"
    status = result.attestation.status if result.attestation else None
    return "unchecked" if step is Step.STATUS and status is not None else "passed"


def _statement(result: Verification) -> dict[str, Any]:
    stated = result.attestation
    if stated is None:
        return {"issued_at": None, "expires_at": None, "checks": [], "medium": None}
    medium = stated.medium
    return {
        "issued_at": stamp(stated.issued_at),
        "expires_at": stamp(stated.expires_at),
        "checks": [
            {"algorithm": check.algorithm, "list": check.list_id, "checked_at": stamp(check.checked_at)}
            for check in stated.checks
        ],
        "medium": {"type": medium.media_type, "size": medium.size} if medium else None,
    }
