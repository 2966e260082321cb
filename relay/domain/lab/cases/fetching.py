"""The cases about a verifier that fetches by itself: object, media and actor are on the lab's own servers."""

from __future__ import annotations

from typing import Final

from relay.domain.lab.model import Case, Level, Role


def _case(number: int, clauses: str, title: str, advice: str, level: Level = Level.MUST) -> Case:
    return Case(f"ATT-{number}", Role.VERIFIER, title, tuple(clauses.split()), level, advice)


FETCHING: Final[tuple[Case, ...]] = (
    _case(
        337,
        "V-07",
        "One valid attestation is enough, whatever stands beside it.",
        "Verify all that a medium has, up to four, before you call it unattested.",
    ),
    _case(
        344,
        "V-14",
        "Nothing that a token names is fetched before its issuer is known to count.",
        "Look at the issuer and the origin of the key first: else strangers choose what you fetch.",
    ),
    _case(
        349,
        "V-19",
        "An actor that redirects to plain http on this machine is not followed there.",
        "Fetch actors over https only, and check each address after name resolution and after each redirect.",
    ),
    _case(381, "V-03 V-29", "A good post is valid.", "Fetch object, media and actor, and verify."),
    _case(
        382,
        "V-06",
        "The context is not fetched.",
        "Read the properties by their names; leave addresses in `@context` alone.",
    ),
    _case(383, "V-24", "An expired token is `expired`.", "Compare `exp` with the time of verifying."),
    _case(
        384,
        "V-27",
        "Another declared hash is `hash-mismatch`.",
        "Hand the object's `hash` to the verification.",
    ),
    _case(
        385, "V-21", "A forged token is `bad-signature`.", "Verify with the key that the issuer publishes."
    ),
    _case(
        386,
        "V-29",
        "The token of another file is `hash-mismatch`.",
        "Hash the bytes that you received, whatever the object says.",
    ),
    _case(
        387,
        "V-29",
        "A picture that was recoded on its way is `hash-mismatch`.",
        "Hash the bytes that you received, not those that somebody had before.",
    ),
    _case(
        388,
        "V-29",
        "Other bytes at the second request are `hash-mismatch`.",
        "Keep a verdict with the digest of the bytes, never with the token or the address alone.",
    ),
    _case(
        389,
        "V-20",
        "A key that is new is found.",
        "Fetch the actor anew for a `kid` that the kept document does not have.",
        Level.SHOULD,
    ),
    _case(
        390,
        "V-02",
        "A medium that comes slowly is waited for.",
        "Give media some seconds before you give up.",
    ),
    _case(
        391,
        "V-02 V-17 V-19",
        "An actor that does not answer is `key-unavailable`, in bounded time.",
        "Limit the time of a fetch, and say that it may be had later.",
    ),
    _case(
        392,
        "V-19",
        "An actor document of many megabytes is not taken.",
        "Limit the size of what you fetch, counted after content codings are undone.",
    ),
    _case(
        393,
        "V-16",
        "An actor that is gone is `unknown-key`.",
        "Take 404 and 410 for an answer: there is no such key.",
    ),
)
"""Tried with `--live` only."""
