"""Whose words are these? What an activity itself proves, whoever delivered it.

An integrity proof (FEP-8b32) is looked at first, then a Linked Data signature. What is proven is a meaning, and
recipients read bytes: `Proven.activity` is what was signed and nothing else, `Proven.same` says whether the bytes
say just that.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from relay.domain.activity import Activity

Kind: TypeAlias = Literal["ld", "proof"]


@dataclass(frozen=True, slots=True)
class Proven:
    """The activity's actor signed it.

    `actor` owns the key and is the activity's actor. `by` is `ld` or `proof`. After `expires`, in seconds
    since 1970, the bytes must not be forwarded; None: no limit. `activity` is parsed from what was signed:
    decide on it and not on what was received. `same`: every property of the bytes is signed and means to
    a reader of plain JSON what it means to one of JSON-LD; only then may the bytes be forwarded.
    """

    actor: str
    by: Kind
    key_id: str
    expires: float | None
    activity: Activity
    same: bool


@dataclass(frozen=True, slots=True)
class Unproven:
    """The activity proves nothing by itself; `code` is stable. Announce it or ask its origin."""

    code: str


class Provenance:
    """Stand-in until the check is merged."""

    async def check(self, activity: Activity) -> Proven | Unproven:
        """Nothing is proven."""
        return Unproven("none")
