"""What is kept of each decision of the policy, so that others can be tried on it, without media and without text.

There is one record for each activity, the last that the policy decided: an activity that was deferred and then relayed
is one that was relayed. What a person decided, and what never reached the policy, such as deletions, neither leaves a
record nor changes one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from relay.domain.facts import Facts

if TYPE_CHECKING:
    from collections.abc import Mapping

LARGEST: Final = 8192
"""Bytes of facts that are kept of one activity. Posts have a few hundred; what is larger is made to fill the disk."""

_DEFAULTS: Final = Facts().as_json()
_GUESSED: Final = "media count"
"""Where it is absent it is guessed from the kinds of media, so it is left out only where there are none."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """One decision. Times are in seconds since the epoch.

    `actor` is who wrote the post, as far as is known, `server` who sent it, `kind` the activity's type. `verb` is what
    `enforce` does by `rule` for `reason`, `enforced` whether it was done; where not, the activity was relayed. `policy`
    is `Policy.id`. `facts` are those of `shortened`, None when they cannot be read or were too large to be kept.
    """

    seq: int
    object_id: str
    actor: str
    server: str
    kind: str
    received_at: float
    decided_at: float
    verb: str
    enforced: bool
    rule: str
    reason: str
    policy: str
    facts: Mapping[str, object] | None


@dataclass(frozen=True, slots=True)
class Span:
    """How many records there are of a stretch of time, between which numbers; 0 and 0 for none.

    `begin` is when the oldest activity came of which there is any record at all, None without one.
    """

    count: int
    first: int
    last: int
    begin: float | None


@dataclass(frozen=True, slots=True)
class VerbCount:
    """How often a verb was decided in a stretch of time, acted on or not, and when the first of them came."""

    verb: str
    enforced: bool
    count: int
    since: float


def shortened(facts: Mapping[str, object]) -> dict[str, object]:
    """Facts as JSON without what has its default, a third of the size; `Facts.from_json` gives the same for both."""
    kept = {name: value for name, value in facts.items() if value != _DEFAULTS.get(name)}
    if "media" in kept and _GUESSED in facts:
        kept[_GUESSED] = facts[_GUESSED]
    return kept


def author_of(kind: str, actor: str, facts: Mapping[str, object]) -> str:
    """Who wrote a post: who did the activity, unless it announces what others wrote, as far as the facts know."""
    found = facts.get("actor")
    if kind != "Announce" or not isinstance(found, list):
        return actor
    return next((one for one in found if isinstance(one, str) and one != actor), actor)
