"""What can be seen of an issuer in its actor document and its tokens; see domain/lab/cases/issuer.

What is wrong is said in a sentence; None: nothing is. What the lab says of documents and tokens it says of an issuer's,
too: `gathered` puts that together.
"""

from __future__ import annotations

import re
from collections import Counter
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

from mediaattest import decode_multikey
from relay.domain.attachments import flat, types_of
from relay.domain.lab.model import Outcome, Result
from relay.protocol.documents import PROFILE

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from mediaattest import Attestation

    Document = Mapping[str, Any]

_KEY_NAME: Final = re.compile(r"#att-\d{4}-(?:0[1-9]|1[0-2])(?:-?[a-z0-9]+)?")
_PURPOSES: Final = ("authentication", "capabilityInvocation", "capabilityDelegation", "keyAgreement")
FEW: Final = 8
"""Places in a list from which on their order means something: eight are in order by chance once in 20,000 times."""
_CLOSE: Final = 16
"""Times the number of places within which they are close."""
_NAMED: Final = 3

FROM_DOCUMENTS: Final[Mapping[str, frozenset[str]]] = {
    "ATT-111": frozenset(f"ATT-{step:03}" for step in range(1, 12)),
    "ATT-112": frozenset({"ATT-034"}),
    "ATT-114": frozenset({"ATT-033"}),
    "ATT-115": frozenset({"ATT-036"}),
    "ATT-116": frozenset({"ATT-037"}),
    "ATT-117": frozenset({"ATT-040"}),
    "ATT-118": frozenset({"ATT-035"}),
    "ATT-121": frozenset({"ATT-029", "ATT-031"}),
    "ATT-122": frozenset({"ATT-024"}),
    "ATT-123": frozenset({"ATT-025"}),
    "ATT-124": frozenset({"ATT-020"}),
    "ATT-125": frozenset({"ATT-028"}),
    "ATT-126": frozenset({"ATT-032"}),
}
"""The cases about documents that decide a case about issuers."""
OF_TOKENS: Final = tuple(code for code in FROM_DOCUMENTS if code < "ATT-120")
OF_OBJECTS: Final = tuple(code for code in FROM_DOCUMENTS if code > "ATT-120")


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
    return (
        None if fitting else "There is no Ed25519 Multikey in assertionMethod with the actor as controller."
    )


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
    fitting = [key for key in keys_of(actor) if _fits(key, actor)]
    own = [key for key in fitting if not issued_with or key.get("id") in issued_with]
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


def repeated_ids(stated: Iterable[Attestation]) -> str | None:
    """I-04, of different tokens."""
    again = [jti for jti, times in Counter(one.jti for one in stated).items() if times > 1]
    return f"Two tokens have the id {again[0].hex()}." if again else None


def places_in_order(indexes: Sequence[int]) -> str | None:
    """S-08, of `FEW` or more places in one list, in the order in which they were given."""
    steps = [after - before for before, after in pairwise(indexes)]
    if all(step > 0 for step in steps) or all(step < 0 for step in steps):
        return f"{len(indexes)} places are in the order of their issue."
    spread = max(indexes) - min(indexes) + 1
    return f"{len(indexes)} places are within {spread}." if spread < _CLOSE * len(indexes) else None


# ---------------------------------------------------------------- what the rules about documents found


def gathered(code: str, examined: Sequence[tuple[str, Sequence[Result]]]) -> Result:
    """One result of an issuer's case for all that was looked at: pairs of a name and the results about documents."""
    found = [(name, one) for name, results in examined for one in results if one.code in FROM_DOCUMENTS[code]]
    for outcome in (Outcome.FAILED, Outcome.CANNOT_TELL):
        bad = [(name, one) for name, one in found if one.outcome is outcome]
        if bad:
            return _bad(code, outcome, bad, len(examined))
    if any(one.outcome is Outcome.PASSED for _, one in found):
        return Result(code, Outcome.PASSED, f"It is so in {len(examined)} of {len(examined)}.")
    return Result(code, Outcome.INAPPLICABLE, "There is nothing here that it is about.")


def _bad(code: str, outcome: Outcome, bad: Sequence[tuple[str, Result]], count: int) -> Result:
    names = dict.fromkeys(name for name, _ in bad)
    told = "; ".join(f"{name}: {one.detail}" for name, one in bad[:_NAMED])
    detail = f"In {len(names)} of {count}: {told}"
    return Result(code, outcome, detail, explanation=bad[0][1].explanation, evidence=bad[0][1].evidence)


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
