"""The attestation library for JavaScript (fep/js) and the one for Python: the same answer to everything."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import event, given, settings
from hypothesis import strategies as st

from mediaattest import (
    Attestation,
    Check,
    Medium,
    Status,
    StatusReference,
    Verification,
    find_key,
    format_header,
    from_multibase,
    issue,
    origin_of,
    parse_header,
    unverified,
    verify,
)
from tests.interop.attestations import (
    DIGEST,
    ENTRY,
    ISSUER,
    KID,
    LIST,
    NOW,
    ORIGINS,
    TIMES,
    circumstances,
    statements,
    tokens,
)

if TYPE_CHECKING:
    from tests.interop.oracle import Script

MANY = settings(max_examples=200, deadline=None)
JWS = "eyJhbGciOiJFZERTQSJ9.e30.AAAA"


def issued(asked: dict[str, Any]) -> str | None:
    """What the Python library issues; None when it refuses."""
    medium, status = asked["medium"], asked["status"]
    try:
        return issue(
            private_key=Ed25519PrivateKey.from_private_bytes(bytes.fromhex(asked["seed"])),
            kid=asked["kid"],
            issuer=asked["issuer"],
            digest=asked["digest"],
            checks=[Check(*check) for check in asked["checks"]],
            now=asked["now"],
            jti=bytes.fromhex(asked["jti"]),
            lifetime=asked["lifetime"],
            alternatives=asked["alternatives"],
            medium=medium and Medium(*medium),
            status=status and StatusReference(*status),
        )
    except ValueError:
        return None


def judged(attestation: str, known: dict[str, Any]) -> dict[str, Any]:
    """What the Python library finds, as the oracle puts it."""
    said = known["status"]
    lists = known["accepted_lists"]
    result = verify(
        attestation,
        received=known["received"],
        actors=known["actors"],
        trusted_issuers=frozenset(known["trusted_issuers"]),
        accepted_lists=None if lists is None else frozenset(lists),
        now=known["now"],
        declared_hashes=tuple(known["declared_hashes"]),
        object_origin=known["object_origin"],
        status=None if said is None else lambda _: Status(said),
    )
    return outcome(result) | {"unverified": claimed(attestation)}


def outcome(result: Verification) -> dict[str, Any]:
    return {
        "verdict": str(result.verdict),
        "step": int(result.step),
        "temporary": result.temporary,
        "issuer_class": result.issuer_class and str(result.issuer_class),
        "attestation": result.attestation and statement(result.attestation),
    }


def claimed(attestation: str) -> dict[str, str] | None:
    found = unverified(attestation)
    return found and {"issuer": found.issuer, "kid": found.kid, "digest": found.digest}


def statement(attestation: Attestation) -> dict[str, Any]:
    medium, status = attestation.medium, attestation.status
    return {
        "issuer": attestation.issuer,
        "digest": attestation.digest,
        "times": [attestation.issued_at, attestation.expires_at],
        "jti": attestation.jti.hex(),
        "checks": [[check.algorithm, check.list_id, check.checked_at] for check in attestation.checks],
        "alternatives": dict(attestation.alternatives),
        "medium": medium and [medium.media_type, medium.size],
        "status": status and [status.uri, status.index],
    }


@MANY
@given(asked=statements())
def test_both_issue_the_same_and_verify_what_the_other_issued(library: Script, asked: dict[str, Any]) -> None:
    ours, theirs = issued(asked), library.ask("issue", **asked)
    assert ours == theirs
    event("issued" if ours else "refused")
    if ours is None:
        return
    issuer, kid = asked["issuer"], asked["kid"]
    known = {
        "received": asked["digest"],
        "actors": {issuer: {"id": issuer, "assertionMethod": ENTRY | {"id": kid, "controller": issuer}}},
        "trusted_issuers": [issuer],
        "accepted_lists": [asked["checks"][-1][1]],
        "now": asked["now"],
        "declared_hashes": [asked["digest"]],
        "object_origin": None,
        "status": "standing",
    }
    found = judged(theirs, known)
    assert found["verdict"] == "valid"
    assert found == library.ask("verify", attestation=ours, **known)


@MANY
@given(attestation=tokens(), known=circumstances())
def test_both_find_the_same(library: Script, attestation: str, known: dict[str, Any]) -> None:
    found = judged(attestation, known)
    event(f"{found['verdict']} {found['step']}")
    assert library.ask("verify", attestation=attestation, **known) == found


USUAL = {
    "received": DIGEST,
    "actors": {ISSUER: {"id": ISSUER, "assertionMethod": [ENTRY]}},
    "trusted_issuers": [ISSUER],
    "accepted_lists": [LIST],
    "now": NOW,
    "declared_hashes": [],
    "object_origin": None,
    "status": None,
}


@MANY
@given(attestation=tokens())
def test_both_find_the_same_when_only_the_token_is_odd(library: Script, attestation: str) -> None:
    found = judged(attestation, USUAL)
    event(f"{found['verdict']} {found['step']}")
    assert library.ask("verify", attestation=attestation, **USUAL) == found


def test_both_read_the_same_times_of_keys(library: Script) -> None:
    for name in ("expires", "revoked"):
        for time in TIMES:
            actor = {"id": ISSUER, "assertionMethod": ENTRY | {name: time}}
            found = find_key(actor, kid=KID, issuer=ISSUER, now=NOW)
            ours = str(found.verdict) if isinstance(found, Verification) else [found.expires, found.revoked]
            assert library.ask("key", actor=actor, kid=KID, issuer=ISSUER, now=NOW) == ours, time


@MANY
@given(
    text=st.sampled_from(ORIGINS) | st.from_regex(r"https://[a-z.:@\[\]0-9]{1,8}[/?#]?.{0,4}\Z") | st.text()
)
def test_both_read_the_same_origins(library: Script, text: str) -> None:
    assert library.ask("origin_of", text=text) == origin_of(text)


@MANY
@given(
    value=st.lists(
        st.sampled_from([f'"{JWS}"', ",", ", ", " ", "\t", ";a=1", '"', "\\", "é", "a" * 600])
    ).map("".join)
)
def test_both_read_the_same_headers(library: Script, value: str) -> None:
    assert library.ask("parse_header", value=value) == list(parse_header(value))


@given(tokens=st.lists(st.sampled_from([JWS, "a.b.c", f"a.{'b' * 1000}.c"]), max_size=9))
def test_both_write_the_same_headers(library: Script, tokens: list[str]) -> None:
    assert library.ask("format_header", tokens=tokens) == format_header(tokens)


@MANY
@given(
    text=st.from_regex(r"z[1-9A-HJ-NP-Za-km-z]{40,50}", fullmatch=True)
    | st.from_regex(r"zQm[1-9A-HJ-NP-Za-km-z]{44}", fullmatch=True)
)
def test_both_read_the_same_multibase(library: Script, text: str) -> None:
    assert library.ask("from_multibase", text=text) == from_multibase(text)
