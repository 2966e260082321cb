"""Finds the parts of a policy in its text, with the lines that they take, so that one can be changed alone.

Lines between two rules belong to the rule after them: that is where people explain a rule. Comments that stand further
in than the dash belong to the rule above them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.nodes import MappingNode, ScalarNode, SequenceNode

from relay.config.diagnostics import Findings, Source
from relay.config.document import parse, resolve
from relay.config.rules import RULE_KEYS
from relay.domain.drafting import SECTIONS, Outline, PlacedRule, WrittenRule

if TYPE_CHECKING:
    from ruamel.yaml.nodes import Node

KEYS: Final = ("preset", "mode", "otherwise", "on_scanner_error")
"""Keys with one word each."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A key of a block mapping: the lines from the key to the end of its value, counted from 0."""

    key: ScalarNode
    value: Node
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Item:
    """A piece of a block sequence. `lead` is the first line that belongs to it, comments above it included."""

    node: Node
    lead: int
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Layout:
    """The places in one text. `column` is where the keys of the policy begin; `flow`: it is written in braces."""

    lines: tuple[str, ...]
    entries: tuple[Entry, ...]
    column: int
    flow: bool

    def entry(self, name: str) -> Entry | None:
        """The entry of a key."""
        return next((one for one in self.entries if one.key.value == name), None)

    def items(self, section: str) -> list[Item] | None:
        """The rules of a section that has a line for each of them; None for another one, or none."""
        entry = self.entry(section)
        if self.flow or entry is None or not isinstance(entry.value, SequenceNode) or entry.value.flow_style:
            return None
        found, after = list[Item](), entry.key.end_mark.line + 1
        for node in entry.value.value:
            column = entry.value.start_mark.column
            first, last = self._dash(node, column, after), self._remarked(last_line(node), column)
            found.append(Item(node, after, first, last))
            after = last + 1
        return found

    def _remarked(self, line: int, column: int) -> int:
        """The last line of a piece with the comments below it that stand further in than its dash."""
        while line + 1 < len(self.lines) and self.lines[line + 1].startswith(" " * (column + 1)):
            if not self.lines[line + 1].lstrip().startswith("#"):
                break
            line += 1
        return line

    def _dash(self, node: Node, column: int, after: int) -> int:
        """The line of the dash before a piece: its own, or one above it."""
        line: int = node.start_mark.line
        while line > after and self.lines[line][column : column + 1] != "-":
            line -= 1
        return line


def layout(text: str) -> Layout | None:
    """Find the places in a text; None for what is no policy, or is no YAML that we read."""
    lines = tuple(text.split("\n"))
    findings = Findings()
    if parse(Source("", lines), findings) is None or findings.errors:
        return None
    try:
        root = YAML(typ="safe", pure=True).compose(text)
    except YAMLError:
        return None
    if isinstance(root, MappingNode) and [key.value for key, _ in root.value] == ["policy"]:
        root = root.value[0][1]
    if root is None or (isinstance(root, ScalarNode) and not root.value):
        return Layout(lines, (), 0, flow=False)
    if not isinstance(root, MappingNode):
        return None
    entries = tuple(
        Entry(key, value, key.start_mark.line, max(last_line(value), key.end_mark.line))
        for key, value in root.value
        if isinstance(key, ScalarNode)
    )
    return Layout(lines, entries, root.start_mark.column, flow=bool(root.flow_style))


def last_line(node: Node) -> int:
    """The last line with something of the node itself; blank lines and comments after it are not of it."""
    if isinstance(node, MappingNode | SequenceNode) and node.value and not node.flow_style:
        pairs = isinstance(node, MappingNode)
        children = [part for pair in node.value for part in pair] if pairs else node.value
        return max(last_line(child) for child in children)
    end = node.end_mark
    line: int = end.line
    return line - 1 if end.column == 0 and line > node.start_mark.line else line


def outline(text: str) -> Outline | None:
    """What a policy consists of; None for what is none."""
    found = layout(text)
    if found is None:
        return None
    values = {entry.key.value: entry.value for entry in found.entries}
    keys = {name: values[name].value for name in KEYS if isinstance(values.get(name), ScalarNode)}
    lists, profiles = values.get("lists"), values.get("profiles")
    return Outline(
        keys=keys,
        rules={section: _rules(found, section) for section in SECTIONS},
        lists={key.value: words(value) for key, value in lists.value}
        if isinstance(lists, MappingNode)
        else {},
        profiles=tuple(key.value for key, _ in profiles.value) if isinstance(profiles, MappingNode) else (),
    )


def _rules(found: Layout, section: str) -> tuple[PlacedRule, ...]:
    items = found.items(section)
    if items is None:
        entry = found.entry(section)
        nodes = entry.value.value if entry and isinstance(entry.value, SequenceNode) else []
        items = [Item(node, node.start_mark.line, node.start_mark.line, last_line(node)) for node in nodes]
    return tuple(
        PlacedRule(
            item.first + 1,
            item.last + 1,
            "\n".join(found.lines[item.first : item.last + 1]),
            written_rule(item.node),
        )
        for item in items
    )


def words(node: Node) -> tuple[str, ...] | None:
    """One word or a list of words; None for anything else."""
    if isinstance(node, ScalarNode):
        return (str(node.value),)
    if isinstance(node, SequenceNode) and all(isinstance(item, ScalarNode) for item in node.value):
        return tuple(str(item.value) for item in node.value)
    return None


def written_rule(node: Node) -> WrittenRule | None:
    """The rule in a node; None when it is not made as rules are."""
    if not isinstance(node, MappingNode) or not all(isinstance(key, ScalarNode) for key, _ in node.value):
        return None
    values = {key.value: value for key, value in node.value}
    simple = {name: _word(values.get(name)) for name in ("name", "then", "reason", "until")}
    when, tell = values.get("when"), words(values["tell"]) if "tell" in values else ()
    conditions = _conditions(when) if when is not None else ()
    if None in simple.values() or conditions is None or tell is None:
        return None
    others = tuple((name, _plain(value)) for name, value in values.items() if name not in RULE_KEYS)
    return WrittenRule(
        **{name: word or "" for name, word in simple.items()}, when=conditions, tell=tell, others=others
    )


def _word(node: Node | None) -> str | None:
    if node is None:
        return ""
    return str(node.value) if isinstance(node, ScalarNode) else None


def _conditions(node: Node) -> tuple[tuple[str, tuple[str, ...]], ...] | None:
    if not isinstance(node, MappingNode):
        return None
    found = [
        (str(key.value), words(value)) if isinstance(key, ScalarNode) else ("", None)
        for key, value in node.value
    ]
    if any(value is None for _, value in found):
        return None
    return tuple((name, value) for name, value in found if value is not None)


def _plain(node: Node) -> object:
    """A node that was read by `parse` before, so that it has no tags and no aliases."""
    if isinstance(node, MappingNode):
        return {str(key.value): _plain(value) for key, value in node.value}
    if isinstance(node, SequenceNode):
        return [_plain(item) for item in node.value]
    return resolve(node.value) if isinstance(node, ScalarNode) and node.style is None else node.value


def plain(node: Node) -> object:
    """A node as plain data."""
    return _plain(node)
