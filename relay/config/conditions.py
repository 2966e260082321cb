"""Reads the conditions of a policy: `when: {media: image, from: list:not-here}`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from relay.config.diagnostics import guess
from relay.config.document import Mapping, Scalar, Sequence
from relay.config.quantities import read_duration
from relay.config.servers import NotAServer, read_server
from relay.domain.facts import CONDITIONS, ConditionInfo, ConditionKind
from relay.domain.policy import Between, OneOf
from relay.domain.rates import WINDOWS

if TYPE_CHECKING:
    from collections.abc import Mapping as Dict

    from relay.config.diagnostics import Findings
    from relay.config.document import Node
    from relay.domain.policy import Condition

BY_NAME: Final = {info.fact.value: info for info in CONDITIONS}
"""The table of conditions, by the name that policies use."""

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
_COMPARISON: Final = re.compile(r"(?:(?P<how>up to|less than|at least|more than)\s+)?(?P<what>[0-9].{0,60})")
_EXAMPLES: Final = {
    ConditionKind.NUMBER: "up to 31",
    ConditionKind.AGE: "less than 14 days",
    ConditionKind.RATE: "more than 60 per minute",
}
_WHOLE: Final = re.compile("[0-9]{1,9}")


class ConditionReader:
    """Reads conditions against the lists of one policy; adds to `findings` what is wrong and goes on."""

    def __init__(self, lists: Dict[str, frozenset[str]], findings: Findings) -> None:
        """`lists` maps names to server names."""
        self._lists = lists
        self._findings = findings

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
        if info.kind in _EXAMPLES:
            return self._number(info, value, path)
        return self._one_of(info, value, path)

    def _number(self, info: ConditionInfo, value: Node, path: str) -> Condition | None:
        text = value.text.strip() if isinstance(value, Scalar) else ""
        found = _COMPARISON.fullmatch(text)
        amount = None if found is None else _amount(info, found["what"].strip())
        if found is None or amount is None:
            cause = f'"{text}" has no unit or comparison' if text else f"{info.fact} needs a comparison"
            fix = f'Write for example "{_EXAMPLES[info.kind]}"'
            self._findings.error("P206", path, value.span, cause, fix=fix)
            return None
        number, per = amount
        if found["how"] == "less than" and number == 0:
            self._findings.error("P206", path, value.span, "nothing is less than 0")
            return None
        return {
            "up to": Between(info.fact, most=number, per=per),
            "less than": Between(info.fact, most=number - 1, per=per),
            "at least": Between(info.fact, least=number, per=per),
            "more than": Between(info.fact, least=number + 1, per=per),
        }.get(found["how"], Between(info.fact, number, number, per))

    def _one_of(self, info: ConditionInfo, value: Node, path: str) -> Condition | None:
        items = value.items if isinstance(value, Sequence) else (value,)
        if not items:
            self._findings.error(
                "P209", path, value.span, f"{info.fact} names nothing", fix="Name at least one."
            )
        before = len(self._findings.found)
        values: frozenset[str] = frozenset()
        for item in items:
            values |= self._values(info, item, path)
        return OneOf(info.fact, values) if len(self._findings.found) == before and items else None

    def _values(self, info: ConditionInfo, item: Node, path: str) -> frozenset[str]:
        if not isinstance(item, Scalar):
            self._findings.error("P104", path, item.span, f"{info.fact} takes words, not a structure")
            return frozenset()
        if info.kind is ConditionKind.SERVERS:
            return self._servers(item, path)
        if info.kind is ConditionKind.CHOICE:
            return self._choice(info, item, path)
        if _NAME.fullmatch(item.text):
            return frozenset({item.text})
        fix = "Write lower-case letters, digits and hyphens."
        self._findings.error("P202", path, item.span, f'"{item.text}" cannot be a {info.fact}', fix=fix)
        return frozenset()

    def _choice(self, info: ConditionInfo, item: Scalar, path: str) -> frozenset[str]:
        word = item.text
        if word == "any" and info.any_of:
            return frozenset(info.any_of)
        if word in info.values:
            return frozenset({word})
        words = (*info.values, *(("any",) if info.any_of else ()))
        close = guess(word, words)
        fix = "" if close else f"Write one of: {', '.join(words)}."
        cause = f'"{word}" is nothing that {info.fact} can be'
        self._findings.error("P202", path, item.span, cause, fix=fix, guess=close)
        return frozenset()

    def _servers(self, item: Scalar, path: str) -> frozenset[str]:
        if item.text.startswith("list:"):
            return self._list(item, path)
        name = read_server_name(item, path, self._findings)
        return frozenset({name} if name else ())

    def _list(self, item: Scalar, path: str) -> frozenset[str]:
        name = item.text.removeprefix("list:").strip()
        servers = self._lists.get(name)
        if servers is None:
            close = guess(name, self._lists)
            fix = "" if close else "Define it under lists: in this policy."
            self._findings.error(
                "P203", path, item.span, f'list "{name}" is not defined', fix=fix, guess=close
            )
        return servers or frozenset()


def _amount(info: ConditionInfo, text: str) -> tuple[int, str] | None:
    """The number that a condition compares with, ages in seconds, and the window of a rate; None for other text."""
    if info.kind is ConditionKind.NUMBER:
        bare = text.removesuffix(info.unit).strip()
        return (int(bare), "") if _WHOLE.fullmatch(bare) else None
    if info.kind is ConditionKind.AGE:
        try:
            return int(read_duration(text).total_seconds()), ""
        except ValueError:
            return None
    bare, _, per = text.rpartition(" per ")
    return (int(bare), per.strip()) if _WHOLE.fullmatch(bare.strip()) and per.strip() in WINDOWS else None


def read_server_name(item: Scalar, path: str, findings: Findings) -> str | None:
    """The server name that `item` is, or None after an error P204 or P205 has been added."""
    try:
        return read_server(item.text)
    except NotAServer as problem:
        findings.error(problem.code, path, item.span, str(problem), fix=problem.fix)
        return None
