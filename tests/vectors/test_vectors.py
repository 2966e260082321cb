"""The published vectors, run against the library, PyJWT and PyLD."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from pyld import jsonld

from mediaattest import (
    Check,
    Status,
    Verdict,
    base58,
    decode_multikey,
    format_header,
    from_multibase,
    issue,
    parse_header,
    read_status_list,
    to_multibase,
    unverified,
    verify,
)
from mediaattest.jws import decode_part

ROOT = Path(__file__).resolve().parents[2]
VERIFY = ("verify-accepted", "verify-form", "verify-trust", "verify-statement")


def vectors(*kinds: str) -> list[Any]:
    return [
        pytest.param(vector["input"], vector["expected"], id=f"{kind}: {vector['name']}")
        for kind in kinds
        for vector in json.loads((ROOT / "fep" / "vectors" / f"{kind}.json").read_text())
    ]


def verification(given: dict[str, Any]) -> dict[str, Any]:
    said = given["status"]
    result = verify(
        given["attestation"],
        received=given["received_text"].encode(),
        actors=given["actors"],
        trusted_issuers=frozenset(given["trusted_issuers"]),
        accepted_lists=frozenset(given["accepted_lists"]),
        now=given["now"],
        declared_hashes=tuple(given["declared_hashes"]),
        object_origin=given["object_origin"],
        status=None if said is None else lambda _: Status(said),
    )
    answer = {"verdict": str(result.verdict), "step": int(result.step), "temporary": result.temporary}
    return answer | ({"issuer_class": str(result.issuer_class)} if result.valid else {})


@pytest.mark.parametrize(("given", "expected"), vectors(*VERIFY))
def test_verification(given: dict[str, Any], expected: dict[str, Any]) -> None:
    assert verification(given) == expected


@pytest.mark.parametrize(("given", "expected"), vectors(*VERIFY))
def test_nothing_is_fetched_for_a_token_that_fails_before_its_key(
    given: dict[str, Any], expected: dict[str, Any]
) -> None:
    claimed = unverified(given["attestation"] or "")
    if expected["verdict"] != "untrusted-issuer" and expected["step"] < 5:
        assert claimed is None
    elif expected["verdict"] == "valid":
        assert claimed is not None
        assert claimed.issuer in given["actors"]


def test_every_verdict_has_a_vector() -> None:
    assert {expected["verdict"] for _, expected in (vector.values for vector in vectors(*VERIFY))} == set(
        Verdict
    )


@pytest.mark.parametrize(("given", "expected"), vectors("verify-accepted"))
def test_pyjwt_verifies_what_the_library_accepts(given: dict[str, Any], expected: dict[str, Any]) -> None:
    assert expected["verdict"] == "valid"
    token = given["attestation"].removeprefix("data:application/jwt,")
    claimed = unverified(given["attestation"])
    assert claimed is not None
    entries = given["actors"][claimed.issuer]["assertionMethod"]
    keys = [decode_multikey(entry["publicKeyMultibase"]) for entry in entries if isinstance(entry, dict)] or [
        decode_multikey(entries["publicKeyMultibase"])
    ]
    public_key = Ed25519PublicKey.from_public_bytes(keys[-1] or b"")
    options: Any = {"verify_exp": False, "verify_iat": False}
    jws = jwt.PyJWS(["EdDSA"])
    jws.register_algorithm("Ed25519", jwt.algorithms.OKPAlgorithm())  # RFC 9864's name, unknown to PyJWT
    claims = json.loads(jws.decode(token, public_key, algorithms=["EdDSA", "Ed25519"], options=options))
    assert claims["sub"] == claimed.digest


@pytest.mark.parametrize(("given", "expected"), vectors("header"))
def test_header(given: str, expected: list[str]) -> None:
    tokens = parse_header(given)
    assert list(tokens) == expected
    assert parse_header(format_header(tokens)) == tokens


@pytest.mark.parametrize(("given", "expected"), vectors("digest"))
def test_digest(given: str, expected: str | None) -> None:
    assert from_multibase(given) == expected
    assert expected is None or to_multibase(expected) == given


@pytest.mark.parametrize(("given", "expected"), vectors("multikey"))
def test_multikey(given: str, expected: str | None) -> None:
    key = decode_multikey(given)
    assert (key and key.hex()) == expected


@pytest.mark.parametrize(("given", "expected"), vectors("status-list"))
def test_status_list(given: dict[str, Any], expected: str | None) -> None:
    index = given.pop("index")
    found = read_status_list(**given)
    assert (found and found.status(index, now=given["now"])) == expected


@pytest.mark.parametrize(("given", "expected"), vectors("issue"))
def test_issue(given: dict[str, Any], expected: str | None) -> None:
    if expected is None:
        with pytest.raises(ValueError, match=r"."):
            issued(given)
    else:
        assert issued(given) == expected


def issued(given: dict[str, Any]) -> str:
    secret = (base58.decode(given["secret_key_multibase"][1:]) or b"")[2:]
    return issue(
        private_key=Ed25519PrivateKey.from_private_bytes(secret),
        kid=given["kid"],
        issuer=given["issuer"],
        digest=given["digest"],
        checks=[Check(check["alg"], check["list"]) for check in given["checks"]],
        now=given["now"],
        jti=decode_part(given["jti"]) or b"",
        lifetime=given["lifetime"],
    )


@pytest.mark.parametrize(("given", "expected"), vectors("expansion"))
def test_what_linked_data_signatures_cover(given: dict[str, Any], expected: dict[str, list[str]]) -> None:
    quads = str(
        jsonld.to_rdf(given, {"base": None, "documentLoader": no_loader, "format": "application/n-quads"})
    )
    found: dict[str, list[str]] = {}
    for predicate, value in re.findall(r"^<\S+> <(\S+)> <(\S+)> \.$", quads, re.MULTILINE):
        found.setdefault(predicate, []).append(value)
    assert {name: sorted(values) for name, values in found.items()} == {
        name: sorted(values) for name, values in expected.items()
    }
    assert quads.count("\n") == sum(map(len, expected.values()))


def no_loader(url: str, _options: object) -> Any:
    raise AssertionError(f"nothing is fetched, not even {url}")


def test_the_committed_vectors_are_those_that_the_tool_writes() -> None:
    run = subprocess.run(  # noqa: S603
        [sys.executable, ROOT / "tools" / "vectors", "--check"], capture_output=True, check=False, text=True
    )
    assert (run.returncode, run.stdout + run.stderr) == (0, "")
