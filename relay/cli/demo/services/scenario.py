"""What happens in the demo of hash services, as data: pictures, what services say of them, what must come of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from relay.cli.demo.services.frame import HTML, always, first, only, reply
from relay.cli.demo.services.liststeps import LISTS
from relay.cli.demo.services.pictures import CANARY, WEBP
from relay.cli.demo.services.steps import (
    CLEAN,
    EVERYBODY,
    MATCH,
    PASSES,
    TEST,
    UNAVAILABLE,
    WAITS,
    Step,
    broken,
)
from relay.cli.demo.services.table import CLOUD, MODEL, OURS, SAFER, SHIELD
from relay.domain.breaker import PAUSE

if TYPE_CHECKING:
    from relay.cli.demo.services.pictures import Picture
    from relay.cli.demo.services.steps import Arrange, Fakes


def _bank(bits: int, bank: str = "KNOWN") -> Arrange:
    return lambda fakes, picture: fakes[OURS].banks.setdefault(bank, []).append(picture.near(bits).hex())


def _shield(name: str, match_type: str) -> Arrange:
    def arrange(fakes: Fakes, picture: Picture) -> None:
        fakes[SHIELD].hashes[picture.pdq] = (name, match_type)

    return arrange


def _cloud(*sources: str, code: int | None = None) -> Arrange:
    def arrange(fakes: Fakes, picture: Picture) -> None:
        if code is not None:
            fakes[CLOUD].codes[picture.sha256] = code
        else:
            fakes[CLOUD].known[picture.sha256] = list(sources)

    return arrange


def _safer(match_type: str, hash_set: str) -> Arrange:
    def arrange(fakes: Fakes, picture: Picture) -> None:
        fakes[SAFER].known[picture.sha256] = ([match_type], hash_set)

    return arrange


def _score(fakes: Fakes, picture: Picture) -> None:
    fakes[MODEL].scores[picture.sha256] = 0.93


def _mute(fakes: Fakes, _picture: Picture) -> None:
    fakes[MODEL].hangs = True


def _down() -> Any:
    return only("/v1/pdq/", always(503, HTML))


AS_A_TEST: Final = (
    _bank(0, "SAMPLE"),
    _shield("test", "exact"),
    _cloud("Test"),
    _safer("CSAM", "test"),
)
"""What makes each service know a picture as its own test picture; a classifier has no such thing."""

_WELL: Final = (
    Step("a clean picture", "harbour", CLEAN, PASSES),
    Step("the same picture again", "harbour", CLEAN, PASSES, asked=()),
    Step("a WebP: who takes none gets a small JPEG", WEBP, CLEAN, PASSES),
    Step("the canary, a test picture on a list here", CANARY, TEST, "Test match"),
)
_MATCHES: Final = (
    Step("ours: in a bank", "m1", MATCH, "Known match", (OURS,), arrange=_bank(0)),
    Step("ours: 20 bits from a hash in a bank", "m2", MATCH, "Near match", arrange=_bank(20)),
    Step("ours: in the test bank", "m3", TEST, "Test match", arrange=_bank(0, "SAMPLE")),
    Step("shield: csam", "m4", MATCH, "Known match", (OURS, SHIELD), arrange=_shield("csam", "exact")),
    Step(
        "shield: harmful-abusive-material, near",
        "m5",
        MATCH,
        "Near match",
        arrange=_shield("harmful-abusive-material", "near"),
    ),
    Step("shield: its test class", "m6", TEST, "Test match", arrange=_shield("test", "exact")),
    Step("cloud: a match", "m7", MATCH, "Known match", (OURS, SHIELD, CLOUD), arrange=_cloud("Csam")),
    Step("cloud: a match of its test pictures only", "m8", TEST, "Test match", arrange=_cloud("Test")),
    Step(
        "safer: SE, which is not CSAM", "m9", MATCH, "Known match", EVERYBODY[:4], arrange=_safer("SE", "a")
    ),
    Step("safer: its test set", "m10", TEST, "Test match", arrange=_safer("CSAM", "test")),
    Step("model: a score of 0.93", "m11", MATCH, "otherwise", arrange=_score),
)
_FAILURES: Final = (
    Step(
        "shield: a class that nobody knows",
        "f1",
        UNAVAILABLE,
        WAITS,
        reason="bad-answer",
        arrange=_shield("brand-new", "exact"),
    ),
    Step(
        "shield: leaves the hashes out",
        "f2",
        UNAVAILABLE,
        WAITS,
        reason="unanswered",
        arrange=broken(SHIELD, lambda: only("/v1/pdq/", reply({"scanned_hashes": {}}))),
    ),
    Step(
        "ours: HTTP 200 with an error in it",
        "f3",
        UNAVAILABLE,
        WAITS,
        reason="bad-answer",
        arrange=broken(OURS, lambda: only("/m/lookup", reply({"message": "out of memory"}))),
        times={OURS: 1},
    ),
    Step(
        "cloud: HTTP 200 with code 3004",
        "f4",
        UNAVAILABLE,
        WAITS,
        reason="code-3004",
        arrange=_cloud(code=3004),
        times={CLOUD: 3},
    ),
    Step("cloud: code 3208, a picture that it does not take", "f5", CLEAN, PASSES, arrange=_cloud(code=3208)),
    Step(
        "safer: a web page with status 500",
        "f6",
        UNAVAILABLE,
        WAITS,
        reason="status",
        arrange=broken(SAFER, lambda: always(500, HTML)),
        times={SAFER: 3},
    ),
    Step(
        "cloud: 429, Retry-After: 7, then an answer",
        "f7",
        CLEAN,
        PASSES,
        arrange=broken(CLOUD, lambda: first(1, always(429, Retry_After="7"))),
        times={CLOUD: 2},
    ),
    Step(
        "model: no answer within its second",
        "f8",
        UNAVAILABLE,
        WAITS,
        reason="timeout",
        arrange=_mute,
        times={MODEL: 3},
    ),
)
_BREAKER: Final = (
    Step(
        "shield is down: asked three times",
        "b1",
        UNAVAILABLE,
        WAITS,
        reason="status",
        arrange=broken(SHIELD, _down),
        times={SHIELD: 3},
    ),
    Step(
        "still down: after five failures it is left alone",
        "b2",
        UNAVAILABLE,
        WAITS,
        reason="paused",
        arrange=broken(SHIELD, _down),
        times={SHIELD: 2},
    ),
    Step(
        "left alone: not asked",
        "b3",
        UNAVAILABLE,
        WAITS,
        (OURS, CLOUD, SAFER, MODEL),
        reason="paused",
        arrange=broken(SHIELD, _down),
    ),
    Step(
        "30 seconds later: one question, in vain",
        "b4",
        UNAVAILABLE,
        WAITS,
        reason="paused",
        arrange=broken(SHIELD, _down),
        times={SHIELD: 1},
        later=PAUSE + 1,
    ),
    Step("a minute later: it answers", "b5", CLEAN, PASSES, times={SHIELD: 1}, later=2 * PAUSE + 1),
    Step("and goes on answering", "b6", CLEAN, PASSES, times={SHIELD: 1}),
)

STEPS: Final = (*_WELL, *LISTS, *_MATCHES, *_FAILURES, *_BREAKER)
"""The steps, in order."""
