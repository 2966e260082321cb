"""Reads the conditions of a policy: `when: {media: image, from: list:not-here}`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from relay.config.comparisons import NotAComparison, read_comparison
from relay.config.diagnostics import guess
from relay.config.document import Mapping, Scalar, Sequence
from relay.config.words import NotAWord, read_word
from relay.domain.facts import NONE, Fact
from relay.domain.policy import OneOf
from relay.domain.vocabulary import BY_NAME, LISTABLE, SAMPLE

if TYPE_CHECKING:
    from collections.abc import Collection

    from relay.config.diagnostics import Findings
    from relay.config.document import Node
    from relay.config.lists import Lists
    from relay.domain.policy import Condition
    from relay.domain.vocabulary import FactInfo

LIST: Final = "list:"
"""What stands before the name of a list."""


class ConditionReader:
    """Reads conditions against the lists of one policy; adds to `findings` what is wrong and goes on."""

    def __init__(self, lists: Lists, findings: Findings, scanners: Collection[str] | None = None) -> None:
        """`scanners` are the names that `list` can have; None when they are not known."""
        self._lists = lists
        self._findings = findings
        self._scanners = scanners

    def read(self, node: Mapping, path: str) -> tuple[Condition, ...]:
        """The conditions of one `when`; those with errors are left out."""
        found = [self._condition(key, value, f"{path}.{key.text}") for key, value in node.entries]
        return tuple(condition for condition in found if condition is not None)

    def _condition(self, key: Scalar, value: Node, path: str) -> Condition | None:
        info = BY_NAME.get(key.text)
        if info is None:
            close = guess(key.text, BY_NAME)
            fix = "" if close else f"Conditions are: {', '.join(BY_NAME)}."
            cause = f'unknown condition "{key.text}"'
            self._findings.error("P201", path, key.span, cause, fix=fix, guess=close)
            return None
        return self._compared(info, value, path) if info.compared else self._one_of(info, value, path)

    def _compared(self, info: FactInfo, value: Node, path: str) -> Condition | None:
        try:
            return read_comparison(info, value.text if isinstance(value, Scalar) else "")
        except NotAComparison as problem:
            self._findings.error("P206", path, value.span, str(problem), fix=problem.fix)
            return None

    def _one_of(self, info: FactInfo, value: Node, path: str) -> Condition | None:
        items = value.items if isinstance(value, Sequence) else (value,)
        if not items:
            fix = f"Name at least one, for example {self._sample(info)}"
            self._findings.error("P209", path, value.span, f"{info.fact} names nothing", fix=fix)
            return None
        before = self._findings.errors
        values: frozenset[str] = frozenset()
        lists: list[str] = []
        for item in items:
            if not isinstance(item, Scalar):
                fix = f"Write for example {info.fact}: {self._sample(info)}"
                cause = f"{info.fact} takes words, not a structure"
                self._findings.error("P104", path, item.span, cause, fix=fix)
            elif item.text.startswith(LIST) and info.kind in LISTABLE:
                lists += self._list(info, item, path)
            else:
                values |= self._word(info, item, path)
        return OneOf(info.fact, values, tuple(lists)) if self._findings.errors == before else None

    def _sample(self, info: FactInfo) -> str:
        return SAMPLE.get(info.kind) or next(iter(info.any_of or info.words))

    def _word(self, info: FactInfo, item: Scalar, path: str) -> frozenset[str]:
        try:
            words = read_word(info, item)
        except NotAWord as problem:
            fix = problem.fix
            if item.text.startswith(LIST):
                fix = f"{info.fact} takes no list: write the words here."
            self._findings.error(problem.code, path, item.span, str(problem), fix=fix, guess=problem.guess)
            return frozenset()
        if info.fact is Fact.LIST and self._scanners is not None and not words <= {NONE, *self._scanners}:
            close = guess(item.text, self._scanners)
            known = ", ".join(self._scanners) or "none"
            fix = "" if close else f"Scanners are: {known}."
            cause = f'no scanner is called "{item.text}"'
            self._findings.error("P214", path, item.span, cause, fix=fix, guess=close)
        return words

    def _list(self, info: FactInfo, item: Scalar, path: str) -> list[str]:
        name = item.text.removeprefix(LIST).strip()
        return [name] if self._lists.use(name, info.kind, item, path) else []
