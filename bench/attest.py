"""Attestations issued and verified per second on one core: our libraries beside PyJWT for the same work.

    python -m bench.attest

The same work: a token of the profile's claims signed with a key at hand; and from a string, an actor document and a
hash to a yes or no, with the profile's checks as somebody would write them around PyJWT. What PyJWT has no way to look
at (names that occur twice, the grammar of each claim) it is let off. The digest of the media is not part of it.

Rounds are interleaved, figures are medians of CPU time, ratios are to PyJWT in the same round; bare Ed25519 is the
limit. The JavaScript library is left out where nothing has fetched node.
"""

from __future__ import annotations

import re
import statistics
import tempfile
import time
from base64 import b64encode
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

import mediaattest
from bench.world import save
from mediaattest.jws import encode_part
from tests.interop.oracle import KEPT, Script

if TYPE_CHECKING:
    from collections.abc import Callable

COUNT, ROUNDS = 1_000, 9
ISSUER, LIST = "https://relay.example/actor", "https://relay.example/lists/1"
KID = f"{ISSUER}#att-2026-11"
MEDIA, SEED, JTI = b"hello media attestation\n", b"bench" * 6 + b"..", bytes(range(16))
TYPE = "media-attestation+jwt"
NEEDED = ["iss", "sub", "iat", "exp", "jti", "res", "chk"]
MONTH = 30 * 86400
HASH, METHOD = re.compile(r"sha256:[0-9a-f]{64}"), re.compile(r"[a-z0-9][a-z0-9._-]{0,31}")


def issue_with_pyjwt(key: Ed25519PrivateKey, digest: str, now: int) -> str:
    """What an issuer would write with PyJWT, its own statement taken on trust."""
    issued = now - now % 3600
    claims = {
        "iss": ISSUER,
        "sub": digest,
        "iat": issued,
        "exp": issued + 14 * 86400,
        "jti": encode_part(JTI),
        "res": "no-match",
        "chk": [{"alg": "pdq", "list": LIST}],
    }
    token = jwt.encode(claims, key, algorithm="EdDSA", headers={"kid": KID, "typ": TYPE})
    return f"data:application/jwt,{token}"


def checked(digest: str) -> str:
    """The same for an issuer that makes sure of what the profile asks of it, in the fewest words."""
    key_at, issuer_at = urlsplit(KID), urlsplit(ISSUER)
    assert key_at.scheme == issuer_at.scheme == "https"
    assert key_at.netloc == issuer_at.netloc
    assert HASH.fullmatch(digest)
    assert METHOD.fullmatch("pdq")
    assert urlsplit(LIST).scheme == "https"
    assert len(JTI) == 16
    return digest


def verify_with_pyjwt(attestation: str, digest: str, actor: dict[str, Any]) -> bool:
    """What a verifier would write with PyJWT."""
    token = attestation.removeprefix("data:application/jwt,")
    header = jwt.get_unverified_header(token)
    kid = header["kid"]
    if header["typ"] != TYPE or not kid.startswith("https://relay.example/"):
        return False
    (entry,) = (one for one in actor["assertionMethod"] if one["id"] == kid and one["controller"] == ISSUER)
    key = Ed25519PublicKey.from_public_bytes(mediaattest.decode_multikey(entry["publicKeyMultibase"]) or b"")
    claims = jwt.decode(
        token, key, algorithms=["EdDSA"], issuer=ISSUER, leeway=300, options={"require": NEEDED}
    )
    return bool(
        claims["sub"] == digest
        and claims["exp"] - claims["iat"] <= MONTH
        and claims["res"] == "no-match"
        and any(check["list"] == LIST for check in claims["chk"])
    )


def kinds(script: Script | None) -> dict[str, Callable[[], float]]:
    """What is measured: seconds of CPU for one."""
    key, now = Ed25519PrivateKey.from_private_bytes(SEED), int(time.time())
    public = key.public_key()
    digest = mediaattest.digest_of(MEDIA)
    entry = mediaattest.describe_key(mediaattest.IssuerKey(KID, ISSUER, public.public_bytes_raw()))
    actor = {"id": ISSUER, "assertionMethod": [entry]}
    checks = [mediaattest.Check("pdq", LIST)]
    trusted, lists = frozenset({ISSUER}), frozenset({LIST})

    def issue() -> str:
        return mediaattest.issue(
            private_key=key, kid=KID, issuer=ISSUER, digest=digest, checks=checks, now=now, jti=JTI
        )

    attestation = issue()
    signature, signed = key.sign(b"x" * 400), issue_with_pyjwt(key, digest, now)
    assert len(signed) == len(attestation)

    def verify() -> None:
        result = mediaattest.verify(
            attestation,
            received=digest,
            declared_hashes=(digest,),
            actors={ISSUER: actor},
            trusted_issuers=trusted,
            accepted_lists=lists,
            now=now,
        )
        assert result.valid

    def verify_other() -> None:
        assert verify_with_pyjwt(signed, digest, actor)

    found = {
        "issue: bare Ed25519": timed(lambda: key.sign(b"x" * 400)),
        "issue: PyJWT": timed(lambda: issue_with_pyjwt(key, checked(digest), now)),
        "issue: PyJWT, unchecked": timed(lambda: issue_with_pyjwt(key, digest, now)),
        "issue: mediaattest": timed(issue),
        "verify: bare Ed25519": timed(lambda: public.verify(signature, b"x" * 400)),
        "verify: PyJWT": timed(verify_other),
        "verify: mediaattest": timed(verify),
    }
    if script is not None:
        check = {"algorithm": "pdq", "list": LIST}
        said = {
            "kid": KID,
            "issuer": ISSUER,
            "checks": [check],
            "now": now,
            "media": b64encode(MEDIA).decode(),
        }
        known = {
            "digest": digest,
            "actors": {ISSUER: actor},
            "trusted": [ISSUER],
            "lists": [LIST],
            "now": now,
        }
        found["issue: JavaScript"] = lambda: script.ask("issue", count=COUNT, seed=SEED.hex(), **said) / COUNT
        found["verify: JavaScript"] = lambda: (
            script.ask("verify", count=COUNT, attestation=attestation, **known) / COUNT
        )
    return found


def timed(work: Callable[[], object]) -> Callable[[], float]:
    """Seconds of CPU for one."""

    def seconds() -> float:
        start = time.process_time()
        for _ in range(COUNT):
            work()
        return (time.process_time() - start) / COUNT

    return seconds


def main() -> None:
    found: dict[str, list[float]] = {}
    ratios: dict[str, list[float]] = {}
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        script = None
        if (KEPT / "python/bin/node").exists():
            script = stack.enter_context(
                Script(Path(__file__).with_name("attest.mjs"), folder / "attest.log")
            )
        else:
            print("node is not there: the JavaScript library is left out")
        measured = kinds(script)
        for _ in range(ROUNDS):
            times = {name: work() for name, work in measured.items()}
            for name, each in times.items():
                found.setdefault(name, []).append(each)
                ratios.setdefault(name, []).append(times[f"{name.partition(':')[0]}: PyJWT"] / each)
    for name in sorted(found):
        middle, ratio = statistics.median(found[name]), statistics.median(ratios[name])
        print(f"{name:24}{1 / middle:>9,.0f}/s {middle * 1e6:>6.0f} us  ({ratio:.2f} x PyJWT)")
    save("attest", {name: statistics.median(each) for name, each in ratios.items()})


if __name__ == "__main__":
    main()
