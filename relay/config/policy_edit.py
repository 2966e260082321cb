"""Changes a policy in its text, leaving every line that is not meant as it is: comments, order, spelling.

All functions take the text of a policy that `outline` can read, and return the changed text. Rules are counted from 0
within their section. Where a section is written in brackets it is written anew, a line for each rule.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Final

from ruamel.yaml.nodes import MappingNode, ScalarNode, SequenceNode

from relay.config.policy_keys import POLICY_KEYS
from relay.config.policy_outline import layout, plain
from relay.domain.errors import Conflict, Malformed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from relay.config.policy_outline import Entry, Item, Layout
    from relay.domain.drafting import WrittenRule

_PLAIN: Final = re.compile(r"\w(?:[\w ./%+@~=!?'()&;:<>*-]*[\w./%+@~=!?')&;<>*-])?")
_WIDTH: Final = 100
"""Columns that a rule on one line may take."""
_INDENT: Final = "  "


def replace_rule(text: str, section: str, place: int, rule: WrittenRule) -> str:
    """Write a rule in the place of another; what stands above it stays."""
    found, items = _items(text, section)
    item = _at(items, place)
    made = _item(rule, _dash_column(found, items))
    return _joined([*found.lines[: item.first], *made, *found.lines[item.last + 1 :]])


def add_rule(text: str, section: str, rule: WrittenRule, *, first: bool = False) -> str:
    """Write a rule at the end of a section, or before all others."""
    found, items = _items(text, section)
    if not items:
        entry = found.entry(section)
        made = [f"{' ' * found.column}{section}:", *_item(rule, found.column + len(_INDENT))]
        return _with_entry(found, section, entry, made)
    made = _item(rule, _dash_column(found, items))
    end = items[0].lead if first else items[-1].last + 1
    return _joined([*found.lines[:end], *made, *found.lines[end:]])


def remove_rule(text: str, section: str, place: int) -> str:
    """Take a rule out, with what stands above it."""
    found, items = _items(text, section)
    item = _at(items, place)
    if len(items) == 1:
        return set_key(text, section, None)
    return _joined([*found.lines[: item.lead], *found.lines[item.last + 1 :]])


def move_rule(text: str, section: str, place: int, other: int) -> str:
    """Let two neighbours change places, each with what stands above it."""
    found, items = _items(text, section)
    first, second = _at(items, min(place, other)), _at(items, max(place, other))
    if abs(place - other) != 1:
        raise Malformed("Only neighbours change places.", code="bad-form")
    lines = found.lines
    return _joined(
        [
            *lines[: first.lead],
            *lines[second.lead : second.last + 1],
            *lines[first.lead : first.last + 1],
            *lines[second.last + 1 :],
        ]
    )


def set_key(text: str, name: str, value: object) -> str:
    """Write the value of a key of the policy; None takes the key out."""
    found = _blocked(text)
    entry = found.entry(name)
    if value is None:
        return text if entry is None else _with_entry(found, name, entry, [])
    word = flow(value)
    if entry is not None and isinstance(entry.value, ScalarNode) and entry.first == entry.last:
        start, end = entry.value.start_mark, entry.value.end_mark
        line = found.lines[entry.first]
        gap = "" if line[: start.column].endswith(" ") else " "
        changed = f"{line[: start.column]}{gap}{word}{line[end.column :]}"
        return _joined([*found.lines[: entry.first], changed, *found.lines[entry.first + 1 :]])
    return _with_entry(found, name, entry, [f"{' ' * found.column}{name}: {word}"])


def set_list(text: str, name: str, members: Sequence[str] | None) -> str:
    """Write the members of a list, new or not; None takes the list out."""
    found = _blocked(text)
    entry, indent = found.entry("lists"), " " * (found.column + len(_INDENT))
    line = [] if members is None else [f"{indent}{flow(name)}: {flow(list(members))}"]
    if entry is None or not isinstance(entry.value, MappingNode):
        return _with_entry(found, "lists", entry, [f"{' ' * found.column}lists:", *line]) if line else text
    if entry.value.flow_style:
        kept = {str(key.value): plain(value) for key, value in entry.value.value if key.value != name}
        rows = [f"{indent}{flow(key)}: {flow(value)}" for key, value in kept.items()]
        rows += line
        made = [f"{' ' * found.column}lists:", *rows] if rows else []
        return _with_entry(found, "lists", entry, made)
    return _within(found, entry, name, line)


def _within(found: Layout, entry: Entry, name: str, line: list[str]) -> str:
    """Change one list in a block of lists."""
    pairs = entry.value.value
    column = pairs[0][0].start_mark.column
    line = [" " * column + one.lstrip() for one in line]
    for place, (key, _) in enumerate(pairs):
        if key.value == name:
            if not line and len(pairs) == 1:
                return _with_entry(found, "lists", entry, [])
            first = key.start_mark.line
            last = pairs[place + 1][0].start_mark.line - 1 if place + 1 < len(pairs) else entry.last
            while last > first and not found.lines[last].split("#")[0].strip():
                last -= 1
            return _joined([*found.lines[:first], *line, *found.lines[last + 1 :]])
    return _joined([*found.lines[: entry.last + 1], *line, *found.lines[entry.last + 1 :]])


def _with_entry(found: Layout, name: str, entry: Entry | None, made: list[str]) -> str:
    """Put lines in the place of an entry, or where it belongs among the others."""
    lines = list(found.lines)
    if entry is not None:
        return _joined([*lines[: entry.first], *made, *lines[entry.last + 1 :]])
    before = POLICY_KEYS[: POLICY_KEYS.index(name)]
    ends = [one.last + 1 for one in found.entries if one.key.value in before]
    starts = [one.first for one in found.entries]
    while not starts and lines and not lines[-1].strip():
        lines.pop()
    at = max(ends) if ends else min(starts, default=len(lines))
    return _joined([*lines[:at], *made, *lines[at:]])


def _items(text: str, section: str) -> tuple[Layout, list[Item]]:
    """The rules of a section, each with lines of its own."""
    found = _blocked(text)
    items = found.items(section)
    entry = found.entry(section)
    if items is None and entry is not None and isinstance(entry.value, SequenceNode) and entry.value.value:
        column = found.column + len(_INDENT)
        made = [f"{' ' * found.column}{section}:"]
        made += [f"{' ' * column}- {flow(plain(node))}" for node in entry.value.value]
        found = _blocked(_with_entry(found, section, entry, made))
        items = found.items(section)
    return found, items or []


def _blocked(text: str) -> Layout:
    """The places of a text whose keys have lines of their own. Raises `Malformed` for what is no policy."""
    found = layout(text)
    if found is None:
        raise Malformed("This text is no policy that can be changed by a form.", code="no-policy")
    if not found.flow:
        return found
    rows = [f"{entry.key.value}: {flow(plain(entry.value))}" for entry in found.entries]
    blocked = layout(_joined(rows))
    if blocked is None:
        raise Malformed("This text is no policy that can be changed by a form.", code="no-policy")
    return blocked


def _at(items: list[Item], place: int) -> Item:
    if not 0 <= place < len(items):
        raise Conflict("That rule is not there any more.", code="gone")
    return items[place]


def _dash_column(found: Layout, items: list[Item]) -> int:
    line = found.lines[items[0].first] if items else ""
    return len(line) - len(line.lstrip()) if items else found.column + len(_INDENT)


def _item(rule: WrittenRule, column: int) -> list[str]:
    """A rule as a piece of a list: on one line where it fits."""
    values: dict[str, object] = {
        "name": rule.name,
        "when": _when(rule),
        "then": rule.then,
        "reason": rule.reason,
    }
    values |= {"until": rule.until, "tell": list(rule.tell), **dict(rule.others)}
    kept = {key: value for key, value in values.items() if value not in ("", []) or key in {"name", "then"}}
    one_line = f"{' ' * column}- {flow(kept)}"
    if len(one_line) <= _WIDTH:
        return [one_line]
    rows = [row for key, value in kept.items() for row in _rows(key, value, column)]
    return [f"{' ' * column}{'- ' if row is rows[0] else '  '}{row}" for row in rows]


def _rows(key: str, value: object, column: int) -> list[str]:
    """A key of a rule that has lines of its own: conditions take a line each where they are many."""
    row = f"{key}: {flow(value)}"
    if not isinstance(value, dict) or column + len(row) + len(_INDENT) <= _WIDTH:
        return [row]
    return [f"{key}:", *(f"{_INDENT}{flow(name)}: {flow(one)}" for name, one in value.items())]


def _when(rule: WrittenRule) -> dict[str, object]:
    return {fact: words[0] if len(words) == 1 else list(words) for fact, words in rule.when}


def flow(value: object) -> str:
    """A value on one line."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{flow(key)}: {flow(one)}" for key, one in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(flow, value)) + "]"
    if value is None or isinstance(value, bool | int | float):
        return json.dumps(value)
    text = str(value)
    if _PLAIN.fullmatch(text) and ": " not in text and " #" not in text:
        return text
    return json.dumps(text, ensure_ascii=False)


def _joined(lines: Sequence[str]) -> str:
    text = "\n".join(lines)
    return text if text.endswith("\n") or not text else f"{text}\n"
