"""What happens in the demo, as data: who does what, and what must come of it.

The last column is the test: a step that comes out otherwise is a fault of the relay, or of this table.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from relay.cli.demo.names import BLOG, CLUB, OPEN, PHOTOS, RELAY


class Deed(Enum):
    """What a server does in a step."""

    POST = auto()
    WHISPER = auto()
    """Post to followers only, and tell the relay all the same."""
    FORGE = auto()
    """Send a post of somebody else's author, signed with its own key."""
    LEAVE = auto()


class Vouching(Enum):
    """With which attestation a picture comes."""

    NONE = auto()
    OWN = auto()
    """By photos.test, of these bytes."""
    FORGED = auto()
    """In the name of photos.test, with a key that is not its."""
    BORROWED = auto()
    """By photos.test, of other bytes."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What must come of a step.

    `decision`: the policy's verb, or `ignored`, `refused`, `left`. `why`: the rule's name, or the relay's answer.
    `outcome`: what scanning said, None without media; `scans`: how many it took. `readers`: who receives it, and
    `voucher`: whose attestation they all verify.
    """

    decision: str
    why: str
    outcome: str | None = None
    scans: int = 0
    readers: frozenset[str] = frozenset()
    voucher: str | None = None


@dataclass(frozen=True, slots=True)
class Act:
    """One step: `by` is a server's name, `what` tells people what it does, `file` names the picture."""

    by: str
    what: str
    expected: Expected
    deed: Deed = Deed.POST
    file: str | None = None
    vouching: Vouching = Vouching.NONE


def _attested(*readers: str, scans: int) -> Expected:
    rule = "We scanned it"
    return Expected("relay-and-attest", rule, "no-known-match", scans, frozenset(readers), RELAY)


def _held(rule: str, outcome: str) -> Expected:
    return Expected("quarantine", rule, outcome, 1)


_MISDECLARED: Final = Expected(
    "relay-and-attest", "We scanned it", "no-known-match", 1, frozenset({PHOTOS, BLOG}), None
)
"""The post itself declares another hash than its file has: no attestation fits both (profile V-27)."""
_BROKEN: Final = Expected("drop", "Broken picture", "unscannable", 1)

ACTS: Final = (
    Act(PHOTOS, "a text", Expected("relay", "Text only", readers=frozenset({BLOG, CLUB}))),
    Act(BLOG, "a clean picture", _attested(PHOTOS, CLUB, scans=1), file="harbour.jpg"),
    Act(CLUB, "the same picture again", _attested(PHOTOS, BLOG, scans=0), file="harbour.jpg"),
    Act(BLOG, "the canary, a test picture", _held("Test match", "vendor-test-match"), file="canary.jpg"),
    Act(CLUB, "a smaller copy of a picture on the list", _held("Known match", "match"), file="copy.webp"),
    Act(
        PHOTOS,
        "a picture it attests itself",
        Expected("relay", "Trusted attestation", "not-attempted", 0, frozenset({BLOG, CLUB}), PHOTOS),
        file="meadow.jpg",
        vouching=Vouching.OWN,
    ),
    Act(
        BLOG,
        "a picture with a forged attestation",
        _attested(PHOTOS, CLUB, scans=1),
        file="attic.jpg",
        vouching=Vouching.FORGED,
    ),
    Act(
        CLUB,
        "a picture with the attestation of another",
        _MISDECLARED,
        file="kite.jpg",
        vouching=Vouching.BORROWED,
    ),
    Act(BLOG, "half a JPEG", _BROKEN, file="truncated.jpg"),
    Act(CLUB, "a web page called .jpg", _BROKEN, file="page.jpg"),
    Act(PHOTOS, "a bomb: a small file, 1.6 gigapixels", _BROKEN, file="bomb.png"),
    Act(
        PHOTOS,
        "a video that is broken",
        Expected("relay-marked", "Cannot be hashed", "unscannable", 1, OPEN),
        file="clip.mp4",
    ),
    Act(BLOG, "a post for followers only", Expected("ignored", "not-public"), Deed.WHISPER),
    Act(BLOG, "a post in the name of photos.test", Expected("refused", "bad-signature"), Deed.FORGE),
    Act(BLOG, "leaves the relay", Expected("left", "unfollowed"), Deed.LEAVE),
    Act(CLUB, "another clean picture", _attested(PHOTOS, scans=1), file="orchard.jpg"),
    Act(BLOG, "a text, although it has left", Expected("ignored", "stranger")),
)
"""The steps, in order."""
