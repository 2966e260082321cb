"""Reading and changing the text of a policy that somebody is writing, and putting it in force."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from relay.domain.drafting import DraftReading, Outline, Proposal, Remark, SavedPolicy, WrittenRule
    from relay.domain.facts import Facts
    from relay.domain.policy import Policy
    from relay.domain.policy_version import Why


class DraftReader(Protocol):
    """Knows how policies are written.

    Guarantees: nothing in a text is executed; whatever it says, reading it raises nothing but `TooLarge`; changing it
    leaves every line that is not meant as it is. What changes a text raises `Malformed` where no form can, and
    `Conflict` for a rule that is not there. Rules are counted from 0 within their section, `always` or `rules`.
    """

    def read(self, text: str, now: float) -> DraftReading:
        """Read a text at `now`, in seconds since the epoch."""

    def given(
        self, text: str, facts: Mapping[str, Sequence[str]], now: float
    ) -> tuple[Facts | None, list[Remark]]:
        """Read facts by the words that were written for each; None, and what is wrong, when they cannot be."""

    def model(self) -> Mapping[str, Any]:
        """Return the form model: every fact, verb and key with the input that it needs (docs/policy.form.json)."""

    def preset(self, name: str, now: float) -> Policy | None:
        """Return what a preset alone says; None when there is none of that name."""

    def outline_of_preset(self, name: str) -> Outline | None:
        """Return what a preset consists of; None when there is none of that name."""

    def replace_rule(self, text: str, section: str, place: int, rule: WrittenRule) -> str:
        """Write a rule in the place of another."""

    def add_rule(self, text: str, section: str, rule: WrittenRule, *, first: bool = False) -> str:
        """Write a rule at the end of a section, or before all others."""

    def remove_rule(self, text: str, section: str, place: int) -> str:
        """Take a rule out."""

    def move_rule(self, text: str, section: str, place: int, other: int) -> str:
        """Let two neighbours change places."""

    def set_key(self, text: str, name: str, value: str | None) -> str:
        """Write a key of the policy; None takes it out."""

    def set_list(self, text: str, name: str, members: Sequence[str] | None) -> str:
        """Write the members of a list; None takes the list out."""


class PolicyFile(Protocol):
    """Where the policy of this relay is written, and the way from there into force.

    Guarantees: what is in force is on record, and is what the file says; when saving fails the file is as it was.
    """

    async def text(self) -> str:
        """Return the policy as it is written now; when that cannot be read, as it was put in force."""

    async def propose(self, text: str) -> Proposal:
        """Compare a text without errors with what is in force. Raises `Malformed` for one with errors, or `Refused`."""

    async def save(self, text: str, *, who: str, why: Why, note: str) -> SavedPolicy:
        """Write a text without errors, and let the running relay take it.

        Raises `Malformed` and `Refused` when the configuration does not go with it, and nothing has changed then.
        """
