"""The keys that our attestations are made with: their names, and what became of each.

`att-YYYY-MM` is the first key of a month and `att-YYYY-MM-2` the second; the name is the fragment of the key's id, so
one that was used is never used again. The newest that is neither retired nor revoked signs.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Collection

_NAME: Final = re.compile(r"att-([0-9]{4})-(0[1-9]|1[0-2])(?:-([2-9]|[1-9][0-9]{1,2}))?")


@dataclass(frozen=True, slots=True)
class KeyRecord:
    """A key that does not sign any more. `public` is its 32 bytes (RFC 8032 5.1.5).

    A retired key stays listed, for what was made with it; a revoked one stays listed as revoked, so that everybody
    learns of it. `listed_until` is when the last attestation made with it has ended. Times are since the epoch.
    """

    name: str
    public: bytes
    retired_at: float | None
    revoked_at: float | None
    listed_until: float


def key_age(name: str) -> tuple[int, ...] | None:
    """What keys are sorted by, the newest last; None when this is not the name of a key."""
    found = _NAME.fullmatch(name)
    return None if found is None else tuple(int(part or 1) for part in found.groups())


def new_key_name(now: float, taken: Collection[str]) -> str:
    """The name of the next key, of the month of `now` (seconds since the epoch, UTC)."""
    month = f"att-{datetime.fromtimestamp(now, UTC):%Y-%m}"
    names = (month if number == 1 else f"{month}-{number}" for number in count(1))
    return next(name for name in names if name not in taken)
