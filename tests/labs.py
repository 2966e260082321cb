"""What people bring to the lab: an issuer with its actor document, posts with attested pictures, reports."""

from __future__ import annotations

import hashlib
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from mediaattest import Check, IssuerKey, describe_key, issue
from relay.domain.lab.cases import CASES
from relay.domain.lab.model import Evidence, Outcome, Result, Role, Run
from relay.protocol.lab import report
from tests.fakes import START

ISSUER = "https://issuer.test/actor"
KID = f"{ISSUER}#att-2026-11"
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PICTURE = b"the bytes of a picture"
HASH = f"sha256:{hashlib.sha256(PICTURE).hexdigest()}"
TERMS = {
    "pdna": "https://purl.archive.org/socialweb/photodna#",
    "hash": {"@id": "pdna:hash", "@type": "@id"},
    "attestation": {"@id": "pdna:attestation", "@type": "@id"},
}


def actor() -> dict[str, Any]:
    """The issuer's actor document."""
    return {
        "@context": ["https://www.w3.org/ns/activitystreams", "https://w3id.org/security/v1"],
        "id": ISSUER,
        "type": "Application",
        "inbox": f"{ISSUER}/inbox",
        "assertionMethod": [describe_key(IssuerKey(KID, ISSUER, KEY.public_key().public_bytes_raw()))],
    }


def attestation(digest: str = HASH, *, at: float = START, key: Ed25519PrivateKey = KEY) -> str:
    """An attestation string; `at` in seconds since 1970."""
    return issue(
        private_key=key,
        kid=KID,
        issuer=ISSUER,
        digest=digest,
        checks=[Check("pdq", "https://issuer.test/lists/1")],
        now=int(at),
        jti=bytes(range(16)),
    )


def create(token: str, *, digest: str = HASH, server: str = "a.test", number: int = 1) -> dict[str, Any]:
    """A Create of a Note with one picture that carries an attestation."""
    author = f"https://{server}/users/alice"
    return {
        "@context": ["https://www.w3.org/ns/activitystreams", TERMS],
        "id": f"https://{server}/notes/{number}/activity",
        "type": "Create",
        "actor": author,
        "to": ["https://www.w3.org/ns/activitystreams#Public"],
        "object": {
            "id": f"https://{server}/notes/{number}",
            "type": "Note",
            "attributedTo": author,
            "content": "<p>A boat</p><script>alert(1)</script>",
            "attachment": [
                {
                    "type": "Image",
                    "mediaType": "image/png",
                    "url": f"https://{server}/media/boat.png",
                    "hash": digest,
                    "attestation": token,
                }
            ],
        },
    }


def forged() -> str:
    """An attestation that another key made in the issuer's name."""
    return attestation(key=Ed25519PrivateKey.from_private_bytes(bytes(32)))


def run(*, target: str = "https://relay.example", failed: tuple[str, ...] = ()) -> Run:
    """A run of the document cases in which these failed."""
    results = [
        Result(
            code,
            Outcome.FAILED if code in failed else Outcome.PASSED,
            "It is not so." if code in failed else "It is so.",
            subject="attachment[0]",
            evidence=[Evidence("attestation", "data:application/jwt,<b>x</b>")] if code in failed else (),
        )
        for code, case in CASES.items()
        if case.role is Role.DOCUMENT
    ]
    return Run(Role.DOCUMENT, target, START - 60, START, "assay 0.1.0", results)


def report_of(**options: Any) -> bytes:
    """The same as a report."""
    return report.dump(run(**options))
