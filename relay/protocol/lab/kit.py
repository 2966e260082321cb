"""The canary kit's own documents: `manifest.json` for programs and `README.txt` for people.

The manifest's schema is fep/schema/canary-manifest.schema.json. Digests stand in hex and as the multihash of FEP-1311
`digestMultibase`.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from mediaattest.digest import digest_of, to_multibase
from relay.domain.media import PDQ_DRIFT, PDQ_RADIUS, ScanOutcome

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from relay.domain.hashlist import ListEntry
    from relay.domain.lab.kit import KitFile, Plan

MANIFEST: Final = "manifest.json"
README: Final = "README.txt"
FORMAT: Final = "assay-canary-kit-1"
"""Value of `format`: it changes when a member changes its meaning."""
LICENCE: Final = "CC0-1.0"


@dataclass(frozen=True, slots=True)
class Group:
    """Files of one outcome, under a heading and a text for people."""

    outcome: ScanOutcome
    heading: str
    text: str


GROUPS: Final = (
    Group(
        ScanOutcome.VENDOR_TEST_MATCH,
        "Files that match",
        "Each holds the canary picture. Posted through the relay, each is held as a test match.",
    ),
    Group(
        ScanOutcome.NO_KNOWN_MATCH,
        "Files that do not match",
        "Harmless pictures in the same formats, and the canary changed beyond recognition. Posted through the relay, "
        "each is relayed.",
    ),
    Group(
        ScanOutcome.UNSCANNABLE,
        "Files that cannot be checked",
        "Nothing can be said of them, so they are never called clean and never attested. What happens to their "
        "posts is up to the policy; by default they are relayed, and marked in the records.",
    ),
)
"""What the kit holds, in the order in which people read it."""


def manifest(files: Sequence[KitFile], entries: Iterable[ListEntry], *, made_by: str) -> dict[str, Any]:
    """The document about all files of the kit; `entries` are those of the list `canary`."""
    return {
        "format": FORMAT,
        "made_by": made_by,
        "licence": LICENCE,
        "radius": {"known": PDQ_DRIFT, "near": PDQ_RADIUS},
        "list": [
            {"algorithm": entry.algorithm.value, "value": entry.value, "of": entry.note} for entry in entries
        ],
        "files": [row(file) for file in files],
        "readme_sha256": hashlib.sha256(readme([file.plan for file in files]).encode()).hexdigest(),
    }


def row(file: KitFile) -> dict[str, Any]:
    """What the manifest says about one file."""
    plan, found = file.plan, file.fingerprint
    expected = plan.expected
    return {
        "name": plan.name,
        "title": plan.title,
        "media_type": plan.media_type,
        "bytes": len(file.content),
        "sha256": hashlib.sha256(file.content).hexdigest(),
        "sha512": hashlib.sha512(file.content).hexdigest(),
        "digestMultibase": to_multibase(digest_of(file.content)),
        "pdq": None if found is None else {"hex": found.pdq.hex(), "quality": found.quality},
        "expected": {
            "scan": expected.outcome.value,
            "match": None if expected.match is None else expected.match.value,
            "reason": expected.reason,
            "why": expected.why,
        },
        "promise": plan.promise.value,
        "licence": LICENCE,
    }


def readme(plans: Sequence[Plan]) -> str:
    """The text for people who have the kit in a folder."""
    width = max((len(plan.name) for plan in plans), default=0)
    parts = [_ABOUT]
    for group in GROUPS:
        fitting = (plan for plan in plans if plan.expected.outcome is group.outcome)
        lines = [f"  {plan.name.ljust(width)}  {plan.title}" for plan in fitting]
        parts.append("\n".join([group.heading.upper(), _folded(group.text), "", *lines, ""]))
    return "\n".join([*parts, _MORE])


def _folded(text: str, width: int = 78) -> str:
    lines = [""]
    for word in text.split():
        if len(lines[-1]) + len(word) >= width:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".lstrip()
    return "\n".join(lines)


_ABOUT: Final = """\
THE CANARY KIT

A test file for image safety: pictures made by arithmetic that harm nobody and
that match one list only, the built-in test list "canary". With them anybody can
see that a relay checks media, in every format, without touching real material.

TRY IT
  1. The list has to be in use. In config.yaml, as `assay init` writes it:
       scanners:
         - {name: canary, kind: list, builtin: canary}
  2. From an account on a server that subscribes to the relay, make a public
     post with canary.jpg.
  3. The post reaches no other subscriber. On the relay:
       assay holds list
       assay why ADDRESS-OF-THE-POST
     The first shows a hold called test-match; the second says which list
     matched, how, and which rule decided.
  4. Throw it away: assay holds drop NUMBER
  5. Post harmless.jpg the same way. It is relayed.

Servers often recode, shrink or turn what people upload. The canary is
recognised all the same, because its look is compared (PDQ, in all eight
turns) and not its bytes; of a video, that of one frame a second and of the last.
Delete your posts when you are done: to others they are noise.

A match shows that checking works. It says nothing about the other lists.
"""

_MORE: Final = """\
FOR PROGRAMS
manifest.json says of each file: media type, length, SHA-256, SHA-512, the
digestMultibase of FEP-1311, PDQ with its quality, and what a scan must say of it
and why. "match" is known (equal digest, or at most 10 bits of PDQ) or near (11
to 31 bits). "promise" says what stays the same when the kit is made elsewhere:
the bytes, the PDQ within 10 bits, or the outcome. Other software can put the
entries of "list" on a list of its own.

LICENCE
CC0 1.0: no rights reserved. No photograph went into the pictures.
"""
