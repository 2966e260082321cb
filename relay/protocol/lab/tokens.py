"""The rules about what a token says, whether its signature is good or not: `ATT-033` to `ATT-042`, and `ATT-046`.

Whether the claims keep their grammar is step 7's to say (`ATT-007`); what cannot be read is left out here.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from mediaattest import DEFAULT_LIFETIME, from_data_url, origin_of
from mediaattest.jws import ALGORITHM, encode_part
from mediaattest.model import HOUR
from mediaattest.strict_json import is_safe_integer, write_object
from relay.protocol.lab.looking import judged, passed, unclear

if TYPE_CHECKING:
    from collections.abc import Iterator

    from relay.domain.lab.model import Result
    from relay.protocol.lab.looking import Looked

_DAY: Final = 24 * HOUR
_CLAIMS: Final = frozenset(
    {"iss", "sub", "iat", "exp", "jti", "res", "chk", "alt", "med", "status", "aud", "nbf"}
)
_PERCEPTUAL: Final = frozenset(
    {
        "pdq",
        "photodna",
        "phash",
        "ahash",
        "dhash",
        "whash",
        "tmk",
        "vpdq",
        "netclean",
        "blurhash",
        "neuralhash",
    }
)
_REVEALING: Final = _PERCEPTUAL | {
    *("distance", "threshold", "score", "quality", "similarity", "url", "href", "object", "activity", "post"),
    *("status_id", "actor", "attributedTo", "author", "user", "account", "uploader", "ip"),
}
"""Names of claims that would break I-06."""
_CONTENTS: Final = frozenset(
    {"csam", "csem", "csea", "ncmec", "iwf", "abuse", "terror", "terrorism", "ncii", "porn", "nsfw", "known"}
)
_SIZES: Final = frozenset({"entries", "hashes", "rows", "size", "count"})
_VERSION: Final = re.compile(r"v\d{1,4}|version|rev\d*|release|20\d\d|\d{8}")
_WORDS: Final = re.compile(r"[^0-9A-Za-z]+")
_HEX: Final = re.compile(r"[0-9a-f]{12,}")


def tokens(looked: Looked) -> Iterator[Result]:
    """Look at every token that can be read."""
    names: dict[object, str] = {}
    for one in looked.examined:
        where = one.found.where
        header, claims = one.header, one.claims
        if isinstance(header, dict):
            yield from _header(where, header, claims)
        if isinstance(claims, dict):
            yield from _times(where, claims, looked.now)
            yield from _contents(where, claims)
            yield from _own_id(where, claims, one.found.text, names)
        jws = from_data_url(one.found.text)
        if jws is not None and isinstance(header, dict) and isinstance(claims, dict):
            yield _canonical(where, jws, header, claims)
        if one.test:
            yield judged(46, where, "It names no list but the lab's test list.", "")


def _header(where: str, header: dict[str, Any], claims: object) -> Iterator[Result]:
    if header.get("alg") in (ALGORITHM, "Ed25519"):
        fault = None if header["alg"] == ALGORITHM else "`alg` is written as Ed25519."
        yield judged(35, where, fault, "`alg` is EdDSA.")
    issuer, kid = claims.get("iss") if isinstance(claims, dict) else None, header.get("kid")
    if isinstance(issuer, str) and isinstance(kid, str):
        usual = re.fullmatch(rf"{re.escape(issuer)}#att-\d{{4}}-(?:0[1-9]|1[0-2])", kid) is not None
        yield judged(38, where, None if usual else "`kid` has another form.", "`kid` names the month.")


def _times(where: str, claims: dict[str, Any], now: int) -> Iterator[Result]:
    issued, ends = claims.get("iat"), claims.get("exp")
    if not is_safe_integer(issued):
        return
    fault = f"`iat` is {issued % HOUR} seconds after the hour." if issued % HOUR else None
    yield judged(34, where, fault, "`iat` is a full hour.")
    if not is_safe_integer(ends):
        return
    days = (ends - issued) / _DAY
    fault = None if ends - issued <= DEFAULT_LIFETIME else f"It lives {days:.1f} days."
    yield judged(33, where, fault, f"It lives {days:.1f} days.")
    left = ends - now
    if left > 0:
        hours = left // HOUR
        is_soon = left < min(_DAY, (ends - issued) // 10)
        yield judged(
            42, where, f"It ends in {hours} hours." if is_soon else None, f"It ends in {hours} hours."
        )


def _contents(where: str, claims: dict[str, Any]) -> Iterator[Result]:
    bound = sorted({"aud", "nbf"} & set(claims))
    yield judged(
        39, where, f"It has the claim `{bound[0]}`." if bound else None, "It is for everybody, and at once."
    )
    yield judged(36, where, _revealed(claims), "It holds nothing of that kind that could be recognised.")
    checks = claims.get("chk")
    lists = (
        [check.get("list") for check in checks if isinstance(check, dict)] if isinstance(checks, list) else []
    )
    named = [one for one in lists if isinstance(one, str)]
    if named:
        telling = [one for one in named if _tells(one)]
        if telling:
            yield unclear(37, f"`{telling[0]}` looks as if it told something of the list.", where)
        else:
            yield passed(37, "The ids look opaque.", where)


def _revealed(claims: dict[str, Any]) -> str | None:
    """What a token must not hold, as a sentence: by the names of claims, and addresses in unknown ones."""
    for name, value in claims.items():
        if name in _CLAIMS:
            continue
        if name in _REVEALING:
            return f"It has the claim `{name}`."
        if isinstance(value, str) and value.startswith(("https://", "http://", "acct:")):
            return f"The claim `{name}` holds an address."
    checks = claims.get("chk")
    for check in checks if isinstance(checks, list) else ():
        extra = sorted(_REVEALING & set(check)) if isinstance(check, dict) else []
        if extra:
            return f"A check has the member `{extra[0]}`."
    further = claims.get("alt")
    hashes = sorted(_PERCEPTUAL & set(further)) if isinstance(further, dict) else []
    return f"`alt` holds a perceptual hash, `{hashes[0]}`." if hashes else None


def _tells(list_id: str) -> bool:
    """Whether the id of a list looks as if it named contents, version or size; the server's name does not count."""
    server = origin_of(list_id) or ""
    words = [word.lower() for word in _WORDS.split(list_id[len(server) :]) if word]
    return any(
        word in _CONTENTS or word in _SIZES or (_VERSION.fullmatch(word) and not _HEX.fullmatch(word))
        for word in words
    )


def _own_id(where: str, claims: dict[str, Any], text: str, names: dict[object, str]) -> Iterator[Result]:
    own = claims.get("jti")
    if isinstance(own, str):
        other = names.setdefault(own, text)
        fault = None if other == text else "Another token of the document has the same `jti`."
        yield judged(41, where, fault, "No other token of the document has it.")


def _canonical(where: str, jws: str, header: dict[str, Any], claims: dict[str, Any]) -> Result:
    parts = jws.split(".")[:2]
    try:
        usual = [encode_part(write_object(part)) for part in (header, claims)]
    except TypeError:  # a fraction, which no token has
        usual = []
    return judged(
        40, where, None if parts == usual else "They are written in another way.", "They are canonical."
    )
