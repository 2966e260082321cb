"""YAML 1.2 documents with the position of every key and value.

Only the parser of ruamel.yaml is used, never a constructor: events become the three node types here, so that
loading cannot execute anything, whatever the file says. Tags, anchors, aliases, directives, tabs, duplicate
keys and second documents are refused with their position. Plain scalars follow the core schema of YAML 1.2
(10.3.2) without octal and hexadecimal numbers, which in a configuration are more often mistakes: `no` and
`12:30` are text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final, TypeAlias

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    NodeEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from relay.config.diagnostics import Findings, Source, Span

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ruamel.yaml.error import StringMark
    from ruamel.yaml.events import Event

MAX_BYTES: Final = 1024 * 1024
"""Largest file that is read."""

MAX_DEPTH: Final = 24
"""Deepest nesting that is read."""

_INT: Final = re.compile(r"[-+]?[0-9]{1,18}")
_FLOAT: Final = re.compile(r"[-+]?(?:\.[0-9]{1,18}|[0-9]{1,18}(?:\.[0-9]{0,18})?)(?:[eE][-+]?[0-9]{1,3})?")
_WORDS: Final[dict[str, bool | None]] = {
    "": None,
    "~": None,
    **dict.fromkeys(("null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}


@dataclass(frozen=True, slots=True)
class Scalar:
    """One value. `text` is what the file says, `value` what it means."""

    text: str
    value: str | int | float | bool | None
    span: Span


@dataclass(frozen=True, slots=True)
class Sequence:
    """A list of nodes."""

    items: tuple[Node, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Mapping:
    """Keys with their nodes, in the order of the file; keys are unique."""

    entries: tuple[tuple[Scalar, Node], ...]
    span: Span

    def get(self, key: str) -> Node | None:
        """The node under `key`, or None."""
        return next((node for name, node in self.entries if name.text == key), None)

    def key(self, key: str) -> Scalar | None:
        """The key itself, with its place, or None."""
        return next((name for name, _ in self.entries if name.text == key), None)


Node: TypeAlias = Scalar | Sequence | Mapping


def plain(node: Node) -> object:
    """The node as dict, tuple, str, int, float, bool or None."""
    if isinstance(node, Scalar):
        return node.value
    if isinstance(node, Sequence):
        return tuple(plain(item) for item in node.items)
    return {key.text: plain(value) for key, value in node.entries}


def read_text(path: Path, shown: str, findings: Findings, *, limit: int = MAX_BYTES) -> Source | None:
    """The lines of the UTF-8 file at `path`; None after an error has been added.

    `shown` is the name that people see, `limit` the largest size in bytes.
    """
    nowhere = Span(Source(shown, ()))
    try:
        with path.open("rb") as file:
            content = file.read(limit + 1)
    except OSError as problem:
        findings.error("C001", "", nowhere, f"cannot be read: {problem.strerror or problem}")
        return None
    if len(content) > limit:
        findings.error("C002", "", nowhere, f"is larger than {limit} bytes")
        return None
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        line = content.count(b"\n", 0, problem.start) + 1
        column = problem.start - content.rfind(b"\n", 0, problem.start)
        findings.error("C003", "", Span(Source(shown, ()), line, column), "is not UTF-8 text")
        return None
    return Source(shown, tuple(lines_of(text)))


def lines_of(text: str) -> list[str]:
    """The lines of a text as positions count them: YAML 1.2 (5.4) ends them at LF, CR LF and CR only."""
    return re.split(r"\r\n|\n|\r", text)


def parse(source: Source, findings: Findings, *, prefix: str = "") -> Node | None:
    """The document in `source`; None after an error that leaves nothing to go on with.

    `prefix` is the path of the document's root, such as `policy` for a file of its own; codes follow from it.
    """
    if _tabs(source, findings):
        return None
    try:
        return _Composer(source, findings, iter(events_of("\n".join(source.lines))), prefix).document()
    except MarkedYAMLError as problem:
        mark = problem.problem_mark or problem.context_mark
        cause = " ".join(str(problem.problem or problem.context).split())
        findings.error("C004", prefix, _at(source, mark), f"this is not YAML: {cause}", fix=_hint(cause))
    except YAMLError as problem:
        cause = " ".join(str(problem).split())[:120]
        findings.error("C004", prefix, Span(source), f"this is not YAML: {cause}")
    except RecursionError:
        findings.error("C005", prefix, Span(source), f"is nested deeper than {MAX_DEPTH} levels")
    return None


@lru_cache(maxsize=4)
def events_of(text: str) -> tuple[Event, ...]:
    """The events of a YAML text, which nobody changes. Raises YAMLError, RecursionError.

    The file that `assay init` writes takes as long as all else that a command does, and is read for its keys and for
    the place of its policy.
    """
    return tuple(YAML(typ="safe", pure=True).parse(text))


def _tabs(source: Source, findings: Findings) -> bool:
    places = [(number, line.index("\t")) for number, line in enumerate(source.lines, 1) if "\t" in line]
    for number, column in places:
        findings.error("C006", "", Span(source, number, column + 1), "a tab", fix="Write spaces instead.")
    return bool(places)


def _hint(cause: str) -> str:
    if "mapping values are not allowed" in cause:
        return 'A value with ": " in it needs quotes.'
    if "alias" in cause or "cannot start any token" in cause:
        return "A value that begins with * & ! % @ ` or | needs quotes."
    return "Look for a missing quote, bracket or colon here or on the line above."


def _at(source: Source, mark: StringMark | None, width: int = 1) -> Span:
    return Span(source, mark.line + 1, mark.column + 1, width) if mark else Span(source)


class _Composer:
    """Turns events into nodes; collects what is refused and goes on."""

    def __init__(self, source: Source, findings: Findings, events: Iterator[Event], prefix: str) -> None:
        self._source = source
        self._findings = findings
        self._events = events
        self._prefix = prefix

    def document(self) -> Node | None:
        """The first document; an empty file is an empty mapping."""
        root: Node | None = None
        documents = 0
        for event in self._events:
            if isinstance(event, DocumentStartEvent):
                documents += 1
                self._check_start(event, documents)
            elif isinstance(event, NodeEvent):
                node = self._node(event, self._prefix, 0)
                root = root or node
        return root or Mapping((), Span(self._source))

    def _check_start(self, event: DocumentStartEvent, number: int) -> None:
        span = _at(self._source, event.start_mark)
        if event.version or event.tags:
            self._findings.error("C009", "", Span(self._source), "directives are not allowed")
        if number == 2:
            self._findings.error("C010", "", span, "a second document", fix="Keep one; remove the line ---.")

    def _span(self, event: Event) -> Span:
        start, end = event.start_mark, event.end_mark
        line = self._source.line(start.line + 1)
        stop = end.column if end.line == start.line else len(line.rstrip())
        return _at(self._source, start, max(1, stop - start.column))

    def _node(self, event: Event, path: str, depth: int) -> Node:
        span = self._span(event)
        if depth > MAX_DEPTH:
            raise RecursionError
        if isinstance(event, AliasEvent):
            fix = 'A value that begins with * needs quotes: "*.example"'
            self._findings.error("C007", path, span, "aliases are not allowed", fix=fix)
            return Scalar("", None, span)
        self._refuse_marks(event, path, span)
        if isinstance(event, SequenceStartEvent):
            return self._sequence(path, span, depth)
        if isinstance(event, MappingStartEvent):
            return self._mapping(path, span, depth)
        if not isinstance(event, ScalarEvent):
            raise YAMLError(f"unexpected {type(event).__name__}")
        text = str(event.value)
        return Scalar(text, resolve(text) if event.implicit[0] else text, span)

    def _refuse_marks(self, event: Event, path: str, span: Span) -> None:
        if isinstance(event, NodeEvent) and event.anchor is not None:
            cause = f"anchors such as &{event.anchor} are not allowed"
            self._findings.error("C007", path, span, cause, fix="Write the value where it is used.")
        if isinstance(event, ScalarEvent | SequenceStartEvent | MappingStartEvent) and event.tag is not None:
            self._findings.error("C008", path, span, f"tags such as {event.tag} are not allowed")

    def _sequence(self, path: str, span: Span, depth: int) -> Sequence:
        items: list[Node] = []
        while not isinstance(event := next(self._events), SequenceEndEvent):
            items.append(self._node(event, f"{path}.{len(items)}".lstrip("."), depth + 1))
        return Sequence(tuple(items), span)

    def _mapping(self, path: str, span: Span, depth: int) -> Mapping:
        entries: dict[str, tuple[Scalar, Node]] = {}
        while not isinstance(event := next(self._events), MappingEndEvent):
            key = self._node(event, path, depth + 1)
            name = key.text if isinstance(key, Scalar) else ""
            where = f"{path}.{name}".lstrip(".")
            if not isinstance(key, Scalar):
                self._findings.error("C011", path, key.span, "a key must be a word")
            value = self._node(next(self._events), where, depth + 1)
            if isinstance(key, Scalar) and name in entries:
                self._duplicate(key, where)
            elif isinstance(key, Scalar):
                entries[name] = (key, value)
        return Mapping(tuple(entries.values()), span)

    def _duplicate(self, key: Scalar, where: str) -> None:
        code = "P101" if where.split(".", 1)[0] == "policy" else "C101"
        fix = "Two actions in one rule: keep one" if key.text == "then" else "Keep one of the two."
        self._findings.error(code, where, key.span, f'duplicate key "{key.text}"', fix=fix)


def resolve(text: str) -> str | int | float | bool | None:
    """What plain text means in the core schema of YAML 1.2."""
    if text in _WORDS:
        return _WORDS[text]
    if _INT.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text):
        return float(text)
    return text
