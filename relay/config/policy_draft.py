"""Reads a policy that somebody is writing, for pages: from a text, with whatever is wrong as plain values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from relay.config import policy_edit
from relay.config.codes import POLICY_CODES
from relay.config.diagnostics import Severity
from relay.config.document import MAX_BYTES
from relay.config.policy_file import load_policy_text
from relay.config.policy_form import form_model
from relay.config.policy_outline import outline
from relay.config.presets import preset_text
from relay.domain.blocklist import POLICY_PREFIX
from relay.domain.drafting import DraftReading, Remark, TriedExample
from relay.domain.errors import Malformed, TooLarge

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from pathlib import Path

    from relay.config.diagnostics import Diagnostic
    from relay.config.policy import PolicyReading
    from relay.domain.drafting import Outline, WrittenRule
    from relay.domain.facts import Facts
    from relay.domain.policy import Policy

NAME: Final = "policy"
"""What a draft is called where a file name would stand."""


@dataclass(frozen=True, slots=True)
class DraftReader:
    """Reads drafts.

    `directory`: where list files start; `scanners` and `channels`: the names that rules can give for hash lists and for
    whom to tell.
    """

    directory: Path
    scanners: Collection[str]
    channels: Collection[str]

    def read(self, text: str, now: float) -> DraftReading:
        """Read a text at `now`, in seconds since the epoch; never raises for what it says, but `TooLarge`."""
        reading, found = self._read(text, now)
        return DraftReading(
            policy=None if reading is None else reading.policy,
            draft=None if reading is None else reading.draft,
            remarks=[_remark(one) for one in found],
            examples=[
                TriedExample(one.given, one.decision.would.value, one.decision.rule, one.problem)
                for one in (() if reading is None else reading.examples)
            ],
            outline=outline(text),
            elsewhere=frozenset(
                one.name.removeprefix(POLICY_PREFIX) for one in (() if reading is None else reading.sources)
            ),
        )

    def given(
        self, text: str, facts: Mapping[str, Sequence[str]], now: float
    ) -> tuple[Facts | None, list[Remark]]:
        """Read facts as an example of the policy in `text` would give them; None, and what is wrong, else.

        A fact has the words that were written for it; those without any are as if there were nothing.
        """
        reading, _ = self._read(text, now)
        if reading is None:
            raise Malformed("The policy has to be mended first.", code="broken-policy")
        found, wrong = reading.reader.given(policy_edit.flow(_compact(facts)))
        return found, [_remark(one) for one in wrong]

    def model(self) -> Mapping[str, Any]:
        """Return the form model: every fact, verb and key with the input that it needs."""
        return form_model()

    def preset(self, name: str, now: float) -> Policy | None:
        """Return what a preset alone says; None when there is none of that name."""
        if preset_text(name) is None:
            return None
        reading, _ = self._read(f"preset: {name}\n", now)
        return None if reading is None else reading.draft

    def outline_of_preset(self, name: str) -> Outline | None:
        """Return what a preset consists of; None when there is none of that name."""
        text = preset_text(name)
        return None if text is None else outline(text)

    def replace_rule(self, text: str, section: str, place: int, rule: WrittenRule) -> str:
        """Write a rule in the place of another."""
        return policy_edit.replace_rule(text, section, place, rule)

    def add_rule(self, text: str, section: str, rule: WrittenRule, *, first: bool = False) -> str:
        """Write a rule at the end of a section, or before all others."""
        return policy_edit.add_rule(text, section, rule, first=first)

    def remove_rule(self, text: str, section: str, place: int) -> str:
        """Take a rule out."""
        return policy_edit.remove_rule(text, section, place)

    def move_rule(self, text: str, section: str, place: int, other: int) -> str:
        """Let two neighbours change places."""
        return policy_edit.move_rule(text, section, place, other)

    def set_key(self, text: str, name: str, value: str | None) -> str:
        """Write a key of the policy; None takes it out."""
        return policy_edit.set_key(text, name, value)

    def set_list(self, text: str, name: str, members: Sequence[str] | None) -> str:
        """Write the members of a list; None takes the list out."""
        return policy_edit.set_list(text, name, members)

    def _read(self, text: str, now: float) -> tuple[PolicyReading | None, Sequence[Diagnostic]]:
        if len(text.encode()) > MAX_BYTES:
            raise TooLarge(f"A policy of more than {MAX_BYTES} bytes is not read.")
        loaded = load_policy_text(
            text,
            now,
            shown=NAME,
            directory=self.directory,
            scanners=self.scanners,
            channels=self.channels,
        )
        return loaded.reading, loaded.diagnostics


def _compact(facts: Mapping[str, Sequence[str]]) -> dict[str, object]:
    return {name: words[0] if len(words) == 1 else list(words) for name, words in facts.items()}


def _remark(one: Diagnostic) -> Remark:
    span, error = one.span, one.severity is Severity.ERROR
    if span.source.name not in {NAME, "--given"}:
        # What stands in a file that the text only names is not for pages: a draft can name any file of this machine.
        meaning = POLICY_CODES.get(one.code, "Something is wrong there.")
        return Remark(error, one.code, span.line, 1, 1, "", meaning, file=span.source.name)
    return Remark(
        error=error,
        code=one.code,
        line=span.line,
        column=span.column,
        width=span.width,
        text=span.source.line(span.line),
        cause=one.cause,
        fix=one.fix,
        guess=one.guess,
        key=one.path.split(".", 3)[-1] if one.path.count(".") > 2 else "",
    )
