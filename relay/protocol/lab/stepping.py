"""One attestation, step by step: what each of the profile's eleven steps came to, and what the token says.

`assay verify`, `assay lab verify` and the lab's page all go through here.
"""

from __future__ import annotations

import binascii
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

import orjson

from mediaattest import Explanation, Step, Verdict, explain, is_compact_jws, to_data_url, unverified, verify
from mediaattest.data_url import PREFIX
from relay.domain import hosts
from relay.domain.lab.testing import is_test

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mediaattest import Attestation, Status, Unverified, Verification

    Actors = Mapping[str, Mapping[str, Any] | None]

_MOST_BRACKETS: Final = 200
"""More than any token may have; bounds the depth of what is shown."""
_URL_SAFE: Final = bytes.maketrans(b"-_", b"+/")


class State(StrEnum):
    """What a step came to."""

    PASSED = "passed"
    FAILED = "failed"
    ASSUMED = "assumed"
    """The issuer is believed here, though nobody named it as trusted."""
    UNCHECKED = "unchecked"
    """There was nothing to hold it against."""
    NOT_REACHED = "not-reached"


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
    had. `trusted`: issuers, as actor ids or server names. `lists`: accepted list ids, None for any. `now` in seconds
    since 1970. `strict`: an issuer that is not trusted fails; else every issuer is believed. `status` as in
    `mediaattest.verify`.
    """

    actors: Actors
    trusted: frozenset[str]
    lists: frozenset[str] | None
    now: int
    failures: Mapping[str, str] = field(default_factory=dict)
    strict: bool = False
    status: Callable[[Attestation], Status] | None = None

    def trusts(self, issuer: str) -> bool:
        """Whether an issuer is named, by its id or its server."""
        return issuer in self.trusted or (
            hosts.is_http_url(issuer) and hosts.server_name(issuer) in self.trusted
        )


@dataclass(frozen=True, slots=True)
class Examined:
    """What came of one attestation. `claim` is None when it says too little to look for a key.

    `reason` says why in a sentence, with why a key could not be had. `trusted`: the issuer is named as trusted. `test`:
    it names no list but the lab's. `header` and `claims` are what the token says, whatever it is worth; None where it
    cannot be read.
    """

    found: Found
    result: Verification
    claim: Unverified | None
    reason: str
    trusted: bool
    test: bool
    steps: Mapping[Step, State]
    header: object
    claims: object

    @property
    def explanation(self) -> Explanation:
        """What the outcome means, and what to do."""
        return explain(self.result)


def attestation_string(text: str) -> str:
    """The attestation string for what people paste: that, or the bare token."""
    stripped = text.strip()
    return to_data_url(stripped) if is_compact_jws(stripped) else stripped


def issuer_of(text: str) -> str | None:
    """Whose actor document is needed to verify an attestation; None when no document would help."""
    claim = unverified(text)
    return claim.issuer if claim else None


def examine_one(found: Found, terms: Terms) -> Examined:
    """Verify one attestation and tell every step."""
    claim = unverified(found.text)
    header, claims = said(found.text)
    named = claims.get("iss") if isinstance(claims, dict) else None
    issuer = named if isinstance(named, str) else None
    trusted = issuer is not None and terms.trusts(issuer)
    believed = frozenset({issuer} if issuer is not None and (trusted or not terms.strict) else ())
    # Nothing to hold it against: then against what it says itself, and the step is told as not checked.
    received = found.received or (claim.digest if claim else f"sha256:{'0' * 64}")
    result = verify(
        found.text,
        received=received,
        actors=terms.actors,
        trusted_issuers=believed,
        accepted_lists=terms.lists,
        now=terms.now,
        declared_hashes=found.declared,
        status=terms.status,
    )
    reason = result.reason
    if issuer is not None and issuer in terms.failures and result.verdict is Verdict.KEY_UNAVAILABLE:
        reason = f"{reason} {terms.failures[issuer]}"
    stated = result.attestation
    return Examined(
        found=found,
        result=result,
        claim=claim,
        reason=reason,
        trusted=trusted,
        test=stated is not None and is_test(check.list_id for check in stated.checks),
        steps={step: _state(step, result, found, terms, trusted=trusted) for step in Step},
        header=header,
        claims=claims,
    )


def said(text: str) -> tuple[object, object]:
    """Header and claims of a token in any spelling, as far as they can be read; None for what cannot.

    More than a verifier would take: with or without the prefix, padded, in other JSON.
    """
    parts = text.strip().removeprefix(PREFIX).split(".")
    return _read(parts[0]), _read(parts[1] if len(parts) > 1 else "")


def _read(part: str) -> object:
    text = part.strip().rstrip("=").encode("ascii", "replace").translate(_URL_SAFE)
    try:
        content = binascii.a2b_base64(text + b"=" * (-len(text) % 4))
        return None if content.count(b"[") + content.count(b"{") > _MOST_BRACKETS else orjson.loads(content)
    except ValueError:
        return None


def _state(step: Step, result: Verification, found: Found, terms: Terms, *, trusted: bool) -> State:
    if not result.valid and step >= result.step:
        return State.FAILED if step == result.step else State.NOT_REACHED
    if step is Step.ISSUER and not trusted:
        return State.ASSUMED
    if step is Step.DECLARED_HASH and not found.declared:
        return State.UNCHECKED
    if step is Step.RECEIVED_BYTES and found.received is None:
        return State.UNCHECKED
    status = result.attestation.status if result.attestation else None
    unasked = step is Step.STATUS and status is not None and terms.status is None
    return State.UNCHECKED if unasked else State.PASSED
