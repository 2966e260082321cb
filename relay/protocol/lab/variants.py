"""Attestations that are wrong in one way each, with what verifying has to come to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import orjson

from mediaattest import to_multibase
from mediaattest.data_url import PREFIX
from mediaattest.model import HOUR
from relay.protocol.documents import AS2, timestamp
from relay.protocol.lab.making import sign
from relay.protocol.lab.meaning import ADDRESS, CONTEXT

if TYPE_CHECKING:
    from relay.protocol.lab.making import TestIssuer

Json: TypeAlias = dict[str, Any]
Change: TypeAlias = Callable[[Json, "TestIssuer"], Json]

DAY: Final = 24 * HOUR
OTHER: Final = "sha256:" + "0b" * 32
"""The hash string of no file."""
ELSEWHERE: Final = "https://elsewhere.example/actor"


def _same(value: Json, _: TestIssuer) -> Json:
    return value


def _no_keys(_: TestIssuer) -> Json:
    return {}


@dataclass(frozen=True, slots=True)
class Variant:
    """One way to be wrong, or good.

    `code` is the outcome (`mediaattest.EXPLANATIONS`), `says` a sentence. `failed` are the cases that fail beside that
    of the step. `header`, `claims`, `properties` change what is written; `key` members of the published key, `signer`
    is the label of the key that signs, `raw` writes the claims. `context` replaces that of the document. `gone`: the
    actor document is not to be had.
    """

    code: str
    says: str
    failed: tuple[int, ...] = ()
    header: Change = _same
    claims: Change = _same
    properties: Change = _same
    key: Callable[[TestIssuer], Json] = _no_keys
    signer: str = "key"
    raw: Callable[[Json], bytes] | None = None
    context: object = field(default=None)
    gone: bool = False

    def made(self, issuer: TestIssuer, digest: str, label: str) -> Json:
        """The two properties for a hash string."""
        header = self.header(issuer.header(), issuer)
        claims = self.claims(issuer.claims(digest, label), issuer)
        text = sign(header, claims if self.raw is None else self.raw(claims), issuer.key(self.signer))
        return self.properties({"hash": digest, "attestation": text}, issuer)

    def actor(self, issuer: TestIssuer) -> Json | None:
        """The issuer's actor document; None when it is not to be had."""
        return None if self.gone else issuer.document(**self.key(issuer))


def _with(**changed: object) -> Change:
    return lambda value, _: value | changed


def _less(*names: str) -> Change:
    return lambda value, _: {name: member for name, member in value.items() if name not in names}


def _life(days: float) -> Change:
    return lambda claims, _: claims | {"exp": claims["iat"] + int(days * DAY)}


def _moved(seconds: int) -> Change:
    return lambda claims, _: claims | {"iat": claims["iat"] + seconds, "exp": claims["exp"] + seconds}


def _text(change: Callable[[str], object]) -> Change:
    return lambda value, _: value | {"attestation": change(value["attestation"])}


def _cut(text: str) -> str:
    return text.removeprefix(PREFIX)


def _tampered(text: str) -> str:
    """Another signature of the right form: two characters of it exchanged with others."""
    return f"{text[:-6]}{'AA' if text[-6:-4] != 'AA' else 'BB'}{text[-4:]}"


def _twice(claims: Json) -> bytes:
    """JSON with one name twice, which strict readers refuse."""
    return orjson.dumps(claims, option=orjson.OPT_SORT_KEYS)[:-1] + b',"res":"no-match"}'


def _spaced(claims: Json) -> bytes:
    return orjson.dumps(claims, option=orjson.OPT_INDENT_2)


def _time(offset: int, name: str) -> Callable[[TestIssuer], Json]:
    return lambda issuer: {name: timestamp(issuer.now + offset)}


VARIANTS: Final[Mapping[str, Variant]] = {
    "good": Variant("valid", "Everything is as it has to be."),
    # ---------------------------------------------------------------- the steps
    "draft-example": Variant(
        "malformed-grammar",
        "The attestation is the example of FEP-b53d.",
        (23, 26),
        properties=_with(attestation="1234567890"),
    ),
    "no-prefix": Variant(
        "malformed-grammar", "The token stands there without a prefix.", (23, 26), properties=_text(_cut)
    ),
    "multibase": Variant(
        "malformed-grammar",
        "There is a multibase text where the attestation belongs.",
        (23, 26),
        properties=lambda value, _: value | {"attestation": to_multibase(value["hash"])},
    ),
    "padded": Variant(
        "malformed-grammar", "The token is padded.", (23,), properties=_text(lambda text: f"{text}==")
    ),
    "duplicate-claim": Variant("malformed-grammar", "A claim is there twice.", (40,), raw=_twice),
    "alg-none": Variant("malformed-header", "The algorithm is `none`.", header=_with(alg="none")),
    "typ-jwt": Variant(
        "malformed-header", "The type is `JWT`, as many libraries write it.", header=_with(typ="JWT")
    ),
    "key-in-header": Variant(
        "malformed-header", "The header names where to find a key.", header=_with(jku=f"{ELSEWHERE}/jwks")
    ),
    "no-kid": Variant("malformed-header", "The header names no key.", header=_less("kid")),
    "acct-issuer": Variant(
        "malformed-issuer",
        "The issuer is an acct: address.",
        (38,),
        claims=_with(iss="acct:relay@relay.example"),
    ),
    "key-elsewhere": Variant(
        "malformed-key-origin",
        "The key is of another server.",
        (38,),
        header=_with(kid=f"{ELSEWHERE}#att-2026-11"),
    ),
    "actor-unreachable": Variant(
        "key-unavailable", "The issuer's actor document is not to be had.", gone=True
    ),
    "unknown-key": Variant(
        "unknown-key", "The actor publishes another key.", key=lambda issuer: {"id": f"{issuer.actor}#other"}
    ),
    "key-of-another": Variant(
        "unknown-key",
        "The key says that it belongs to another actor.",
        key=lambda _: {"controller": ELSEWHERE},
    ),
    "expired-key": Variant("revoked-key", "The key has expired.", key=_time(-DAY, "expires")),
    "revoked-key": Variant("revoked-key", "The key was revoked.", key=_time(-DAY, "revoked")),
    "wrong-key": Variant("bad-signature", "Another key signed it.", signer="another key"),
    "tampered": Variant("bad-signature", "The signature was changed.", properties=_text(_tampered)),
    "audience": Variant(
        "malformed-claims", "It has the claim `aud`.", (39,), claims=_with(aud="https://reader.example")
    ),
    "not-before": Variant(
        "malformed-claims",
        "It has the claim `nbf`.",
        (39,),
        claims=lambda claims, _: claims | {"nbf": claims["iat"]},
    ),
    "no-checks": Variant("malformed-claims", "It names no check.", claims=_with(chk=[])),
    "two-months": Variant("malformed-claims", "It lives 60 days.", (33,), claims=_life(60)),
    "expired": Variant("expired", "Its time is over.", claims=_moved(-15 * DAY)),
    "from-the-future": Variant("not-yet-valid", "It was issued two hours from now.", claims=_moved(2 * HOUR)),
    "wrong-hash": Variant(
        "hash-mismatch-declared", "The object declares another hash.", properties=_with(hash=OTHER)
    ),
    "wrong-bytes": Variant(
        "hash-mismatch-received",
        "Object and token are about other bytes than those served.",
        claims=_with(sub=OTHER),
        properties=_with(hash=OTHER),
    ),
    "match": Variant("no-accepted-check", "It states another result.", claims=_with(res="match")),
    # ---------------------------------------------------------------- what is valid and should be otherwise
    "alg-ed25519": Variant("valid", "The algorithm has its newer name.", (35,), header=_with(alg="Ed25519")),
    "long-life": Variant("valid", "It lives 20 days.", (33,), claims=_life(20)),
    "minutes": Variant("valid", "The time of issue is not rounded.", (34,), claims=_moved(-1234)),
    "key-name": Variant(
        "valid",
        "The key's name does not tell its month.",
        (38,),
        header=lambda header, issuer: header | {"kid": f"{issuer.actor}#key-1"},
        key=lambda issuer: {"id": f"{issuer.actor}#key-1"},
    ),
    "perceptual-hash": Variant("valid", "It holds a perceptual hash.", (36,), claims=_with(pdq="f" * 64)),
    "not-canonical": Variant("valid", "Its JSON is written for people.", (40,), raw=_spaced),
    "no-hash": Variant("valid", "There is no `hash` beside it.", (29,), properties=_less("hash")),
    "hash-multibase": Variant(
        "valid",
        "The hash is a multibase text.",
        (22, 26),
        properties=lambda value, _: value | {"hash": to_multibase(value["hash"])},
    ),
    "digest-differs": Variant(
        "valid",
        "`digestMultibase` is of other bytes.",
        (31,),
        properties=_with(digestMultibase=to_multibase(OTHER)),
    ),
    "array": Variant(
        "valid", "The attestation stands in an array.", (20,), properties=_text(lambda text: [text])
    ),
    "context-by-address": Variant(
        "valid", "The context is named by its address.", (24, 25), context=[AS2, ADDRESS]
    ),
    "no-context": Variant("valid", "No context defines the terms.", (24, 26), context=AS2),
    "text-terms": Variant(
        "valid",
        "The terms are defined without the type of an IRI.",
        (24,),
        context=[AS2, {**CONTEXT, "attestation": "pdna:attestation", "hash": "pdna:hash"}],
    ),
}
"""Every variant by name. What is `valid` and breaks a rule tells strict software from careful software."""
