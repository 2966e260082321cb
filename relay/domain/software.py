"""What a server runs, as its NodeInfo says, and which software is not wanted (`federation.block_software`)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from relay.domain.log import Proof

PATTERN: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}(?:/[A-Za-z0-9.+~*_-]{1,64})?")
"""A software as people write it: `spamd`, `spamd/1.*`."""
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_RELEASE: Final = re.compile(r"([0-9]{1,4})\.([0-9]{1,4})")
_MASTODON: Final = frozenset({"mastodon", "hometown", "kmyblue", "fedibird"})
_MASTODON_PROOFS: Final = (4, 7)
_WITHOUT_PROOFS: Final = frozenset(
    {"calckey", "cherrypick", "firefish", "foundkey", "iceshrimp", "misskey", "sharkey", "takahe"}
)


@dataclass(frozen=True, slots=True)
class Software:
    """A name in lower case (NodeInfo 2.1: `^[a-z0-9-]+$`; dots occur in the field) and a version as written."""

    name: str
    version: str = ""

    def __str__(self) -> str:
        """Name and version for people."""
        return f"{self.name} {self.version}".rstrip()


def software_named(name: object, version: object) -> Software | None:
    """The software that a NodeInfo document names; None when it is no name. Long versions are cut."""
    if not isinstance(name, str) or not _NAME.fullmatch(name.lower()):
        return None
    shown = version if isinstance(version, str) else ""
    return Software(name.lower(), "".join(letter for letter in shown if letter.isprintable())[:100])


def checks(software: Software | None, proof: Proof) -> bool:
    """Whether a server can be taken to check such proofs; what is not known is taken to do so.

    Integrity proofs are younger than most servers: one that does not know them drops in silence what has no other
    signature (protocol.md 2 and 3.1: Mastodon since 4.7, nobody of the Misskey family, not Takahe).
    """
    if proof is not Proof.INTEGRITY or software is None:
        return True
    if software.name in _WITHOUT_PROOFS:
        return False
    found = _RELEASE.match(software.version)
    if software.name not in _MASTODON or found is None:
        return True
    return (int(found[1]), int(found[2])) >= _MASTODON_PROOFS


def banned_by(software: Software, patterns: tuple[str, ...]) -> str | None:
    """The first pattern that names the software, or None. A name alone stands for every version; `*` for any text."""
    return next((pattern for pattern in patterns if _names(pattern, software)), None)


def _names(pattern: str, software: Software) -> bool:
    name, _, version = pattern.partition("/")
    if name != software.name:
        return False
    return not version or _version(version).fullmatch(software.version) is not None


@lru_cache(maxsize=256)
def _version(glob: str) -> re.Pattern[str]:
    return re.compile(".*".join(re.escape(part) for part in glob.split("*")))
