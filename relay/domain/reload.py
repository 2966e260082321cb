"""Reading the configuration again while the relay runs: what is asked, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from relay.domain.policy_version import Why


class Outcome(StrEnum):
    """What came of reading the configuration again."""

    APPLIED = "applied"
    UNCHANGED = "unchanged"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class ReloadRequest:
    """Somebody wants the running relay to read its configuration again.

    `id` is 0 until it is written. `digest` is the SHA-256 of the policy's text that is meant, None when it is not about
    one: a relay that starts later knows by it that this is the policy, and by whom.
    """

    id: int
    asked_at: float
    who: str
    why: Why
    note: str = ""
    digest: str | None = None


@dataclass(frozen=True, slots=True)
class ReloadAnswer:
    """What came of it.

    `changed`: keys that have another value now, such as `federation.rate`. `restart`: keys that would have one after a
    restart. `version`: number of the policy that is in force, and whether it is a `new_version`. `problem`: when it was
    refused, all that is wrong, for people; `diagnostics` the same for programs.
    """

    outcome: Outcome
    changed: tuple[str, ...] = ()
    restart: tuple[str, ...] = ()
    version: int | None = None
    new_version: bool = False
    problem: str = ""
    diagnostics: tuple[dict[str, Any], ...] = field(default=())

    def as_json(self) -> dict[str, Any]:
        """The answer as JSON; `read_answer` reads it."""
        return {
            "outcome": self.outcome.value,
            "changed": list(self.changed),
            "restart": list(self.restart),
            "version": self.version,
            "new_version": self.new_version,
            "problem": self.problem,
            "diagnostics": list(self.diagnostics),
        }


def read_answer(found: dict[str, Any]) -> ReloadAnswer:
    """The answer that `as_json` wrote."""
    return ReloadAnswer(
        Outcome(found["outcome"]),
        tuple(found["changed"]),
        tuple(found["restart"]),
        found["version"],
        found["new_version"],
        found["problem"],
        tuple(found["diagnostics"]),
    )
