"""What can be seen of an issuer in its actor document and its tokens. Pure; see domain/lab/cases/issuer.

Each function returns what is wrong in a sentence, or None when nothing is.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from mediaattest import decode_multikey, from_data_url, is_hash, unverified
from mediaattest.jws import decode_part
from mediaattest.strict_json import read_object, write_object
from relay.domain.attachments import flat, types_of
from relay.protocol.documents import PROFILE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    Document = Mapping[str, Any]

HOUR: Final = 3600
USUAL_LIFE: Final = 14 * 24 * HOUR
_KEY_NAME: Final = re.compile(r"#att-\d{4}-(?:0[1-9]|1[0-2])(?:-?[a-z0-9]+)?")
_PURPOSES: Final = ("authentication", "capabilityInvocation", "capabilityDelegation", "keyAgreement")
_PERCEPTUAL: Final = frozenset(
    {"pdq", "phash", "dhash", "ahash", "whash", "photodna", "tmk", "vpdq", "neuralhash", "blockhash"}
)
_CLAIMS: Final = frozenset({"iss", "sub", "iat", "exp", "jti", "res", "chk", "alt", "med", "status"})
_TELLING: Final = re.compile(
    r"(?:^|[^a-z0-9])(?:v\d+|\d{4}-\d\d(?:-\d\d)?|(?:19|20)\d{6}|[0-9]+(?:entries|hashes|items))(?:$|[^a-z0-9])",
    re.IGNORECASE,
)
"""A version, a date or a size. An id can tell more than that without anybody being able to see it."""
_FEW: Final = 8
"""Indexes from which on their order means something: eight are in order by chance once in 40,000 times."""
_CLOSE: Final = 16


@dataclass(frozen=True, slots=True)
class Token:
    """A token as text and as what it holds; empty objects when it holds none. Nothing in it is verified."""

    jws: str
    header: Mapping[str, Any]
    claims: Mapping[str, Any]
    texts: tuple[bytes, bytes]

    @classmethod
    def of(cls, attestation: str) -> Token:
        """Take an attestation string apart. Total."""
        jws = from_data_url(attestation) or ""
        parts = [decode_part(part) or b"" for part in jws.split(".")[:2]]
        first, second = (*parts, b"", b"")[:2]
        return cls(jws, read_object(first) or {}, read_object(second) or {}, (first, second))


# ---------------------------------------------------------------- the actor


def keys_of(actor: Document) -> list[Mapping[str, Any]]:
    """The Multikeys that `assertionMethod` embeds, of whatever algorithm."""
    return [one for one in flat(actor.get("assertionMethod")) if _is_multikey(one)]  # type: ignore[misc]


def bad_keys(actor: Document, issued_with: Sequence[str]) -> str | None:
    """K-01. `issued_with` are the ids of keys that tokens name; without any, one fitting key is enough."""
    fitting = [key for key in keys_of(actor) if _fits(key, actor)]
    named = {str(key.get("id")) for key in fitting}
    if missing := [kid for kid in issued_with if kid not in named]:
        return f"{missing[0]} signed a token and is no Multikey of the actor."
    return None if fitting else "There is no Ed25519 Multikey in assertionMethod with the actor as controller."


def odd_names(actor: Document) -> str | None:
    """K-02."""
    names = [str(key.get("id")) for key in keys_of(actor) if _fits(key, actor)]
    begin = str(actor.get("id"))
    odd = [
        name for name in names if not name.startswith(begin) or not _KEY_NAME.fullmatch(name[len(begin) :])
    ]
    return f"{odd[0]} is named otherwise." if odd else None


def other_uses(actor: Document, issued_with: Sequence[str]) -> str | None:
    """K-03, as far as the document shows it. `issued_with` as for `bad_keys`."""
    own = [key for key in keys_of(actor) if not issued_with or key.get("id") in issued_with]
    for purpose in _PURPOSES:
        for entry in flat(actor.get(purpose)):
            for key in own:
                if _same(entry, key):
                    return f"{key.get('id')} is listed under {purpose} as well."
    pems = [one for one in flat(actor.get("publicKey")) if isinstance(one, dict)]
    for key in own:
        if any(entry.get("id") == key.get("id") for entry in pems):
            return f"{key.get('id')} is listed under publicKey as well."
    return None


def unnamed_profile(actor: Document) -> str | None:
    """K-07."""
    generator = actor.get("generator")
    named = flat(generator.get("implements")) if isinstance(generator, dict) else ()
    ids = [one.get("id", one.get("href")) if isinstance(one, dict) else one for one in named]
    return None if PROFILE in ids else f"generator.implements does not name {PROFILE}."


def lookup_of(actor: Document) -> str | None:
    """The prefix of the lookup; None without one."""
    endpoints = actor.get("endpoints")
    prefix = endpoints.get("mediaAttestation") if isinstance(endpoints, dict) else None
    return prefix if isinstance(prefix, str) and prefix.endswith("sha256/") else None


# ---------------------------------------------------------------- tokens


def off_the_hour(token: Token) -> str | None:
    """I-03."""
    issued = token.claims.get("iat")
    return None if isinstance(issued, int) and issued % HOUR == 0 else f"iat is {issued}, which is no full hour."


def long_life(token: Token) -> str | None:
    """I-05."""
    issued, ends = token.claims.get("iat"), token.claims.get("exp")
    if not isinstance(issued, int) or not isinstance(ends, int):
        return "iat or exp is no whole number."
    days = (ends - issued) / (24 * HOUR)
    return None if ends - issued <= USUAL_LIFE else f"The token lives {days:.1f} days."


def telling(token: Token, medium_url: str | None) -> str | None:
    """I-06. `medium_url` is where the bytes came from."""
    if unknown := sorted(set(token.claims) - _CLAIMS):
        return f"The claim {unknown[0]} is none of the profile's."
    alternatives = token.claims.get("alt")
    perceptual = sorted(_PERCEPTUAL & set(alternatives)) if isinstance(alternatives, dict) else []
    if perceptual:
        return f"alt holds a perceptual hash, {perceptual[0]}."
    for check in flat(token.claims.get("chk")):
        if isinstance(check, dict) and (more := sorted(set(check) - {"alg", "list", "at"})):
            return f"An entry of chk has {more[0]}."
    if medium_url is not None and medium_url in set(_texts(token.claims)):
        return "The address of the medium is in the claims."
    return None


def telling_lists(token: Token) -> str | None:
    """I-07, as far as anybody can see it from outside."""
    lists = [check.get("list") for check in flat(token.claims.get("chk")) if isinstance(check, dict)]
    odd = [one for one in lists if isinstance(one, str) and _TELLING.search(one.partition("://")[2])]
    return f"{odd[0]} looks like a version, a date or a size." if odd else None


def not_canonical(token: Token) -> str | None:
    """I-09."""
    for name, text, value in zip(("header", "claims"), token.texts, (token.header, token.claims), strict=True):
        try:
            same = write_object(dict(value)) == text
        except TypeError:
            same = False
        if not same:
            return f"RFC 8785 writes the {name} otherwise."
    return None


def other_spelling(token: Token) -> str | None:
    """I-10."""
    algorithm = token.header.get("alg")
    return None if algorithm == "EdDSA" else f"alg is {algorithm}."


def repeated_ids(tokens: Sequence[Token]) -> str | None:
    """I-04, of tokens that are not the same."""
    ids = [token.claims.get("jti") for token in {token.jws: token for token in tokens}.values()]
    again = next((one for place, one in enumerate(ids) if one in ids[:place]), None)
    return None if again is None else f"Two tokens have the id {again}."


def places_in_order(indexes: Sequence[int]) -> str | None:
    """S-08, of places in one list in the order in which they were given; None also for too few."""
    if len(indexes) < _FEW:
        return None
    steps = [after - before for before, after in zip(indexes, indexes[1:], strict=False)]
    if all(step > 0 for step in steps) or all(step < 0 for step in steps):
        return f"{len(indexes)} places are in the order of their issue."
    spread = max(indexes) - min(indexes)
    return f"{len(indexes)} places are within {spread + 1}." if spread < _CLOSE * len(indexes) else None


def status_of(token: Token) -> tuple[str, int] | None:
    """Address of the status list and place in it."""
    status = token.claims.get("status")
    named = status.get("status_list") if isinstance(status, dict) else None
    if not isinstance(named, dict):
        return None
    uri, index = named.get("uri"), named.get("idx")
    return (uri, index) if isinstance(uri, str) and isinstance(index, int) else None


def about(attestation: str) -> str | None:
    """The hash string that an attestation is about, by its own account."""
    claimed = unverified(attestation)
    return claimed.digest if claimed is not None and is_hash(claimed.digest) else None


def _is_multikey(entry: object) -> bool:
    return isinstance(entry, dict) and "Multikey" in types_of(entry)


def _fits(key: Document, actor: Document) -> bool:
    value = key.get("publicKeyMultibase")
    known = isinstance(value, str) and decode_multikey(value) is not None
    return known and isinstance(key.get("id"), str) and key.get("controller") == actor.get("id")


def _same(entry: object, key: Document) -> bool:
    if isinstance(entry, dict):
        value = entry.get("publicKeyMultibase")
        return entry.get("id") == key.get("id") or (
            value is not None and value == key.get("publicKeyMultibase")
        )
    return entry == key.get("id")


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        for member in value.values():
            yield from _texts(member)
    elif isinstance(value, list):
        for member in value:
            yield from _texts(member)
    elif isinstance(value, str):
        yield value
