"""Where a policy is written, as text: found in a configuration, taken out of it, and put in its place.

Only the lines of the policy are touched: everything else in the file stays byte for byte as it was.
"""

from __future__ import annotations

import re
import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ruamel.yaml.error import YAMLError
from ruamel.yaml.events import (
    MappingEndEvent,
    MappingStartEvent,
    NodeEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from relay.config.document import events_of
from relay.domain.errors import Malformed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ruamel.yaml.events import Event

KEY: Final = "policy"
INDENT: Final = "  "
_LINE: Final = re.compile(r"[^\r\n]*(?:\r\n|\n|\r)|[^\r\n]+\Z")
_MARKER: Final = re.compile(r"(?:---|\.\.\.)(?:\s|$)")


@dataclass(frozen=True, slots=True)
class PolicyHome:
    """The file that a policy is written in. `block`: it is the value of `policy:` there, and not all of the file."""

    path: Path
    block: bool


@dataclass(frozen=True, slots=True)
class _Place:
    """Where the value of `policy:` is: lines count from 0, `end` is behind the last; None where there is no value."""

    key_line: int
    value_line: int | None
    value_column: int
    end: int


def policy_text(text: str) -> str:
    """The policy in a document that holds nothing else, with or without its key, as a file of its own."""
    place = _find(text)
    if place is not None and _is_alone(text):
        return _taken(_lines(text), place)
    return text


def text_in(text: str) -> str | None:
    """The policy of a configuration, as it would be in a file of its own; None when the configuration has none."""
    place = _find(text)
    if place is None or place.value_line is None:
        return None
    return _taken(_lines(text), place)


def with_policy(text: str, policy: str) -> str:
    """A configuration with another policy. Raises `Malformed` for one that is written in braces as a whole."""
    lines, place = _lines(text), _find(text)
    ending = "\r\n" if lines and lines[0].endswith("\r\n") else "\n"
    block = [f"{KEY}:{ending}", *_indented(policy, ending)]
    if place is None:
        if text.lstrip().startswith("{"):
            message = "the configuration is written in braces: give its policy a file of its own"
            raise Malformed(message, code="braces")
        if lines and not lines[-1].endswith(("\n", "\r")):
            lines[-1] += ending
        return "".join([*lines, *([ending] if lines else []), *block])
    return "".join([*lines[: place.key_line], *block, *lines[place.end :]])


def _indented(policy: str, ending: str) -> list[str]:
    lines = [line.rstrip("\r\n") for line in _lines(policy)]
    while lines and not lines[-1].strip():
        lines.pop()
    # Markers of a document's begin and end have no place inside of another one.
    kept = [line for line in lines if not _MARKER.match(line)]
    return [f"{INDENT}{line}{ending}" if line.strip() else ending for line in kept]


def _taken(lines: list[str], place: _Place) -> str:
    if place.value_line is None:
        return ""
    if place.value_line == place.key_line:
        first = lines[place.value_line][place.value_column :]
        return first + "".join(lines[place.value_line + 1 : place.end])
    # What stands between the key and its value are comments that belong to it.
    return textwrap.dedent("".join(lines[place.key_line + 1 : place.end]))


def _lines(text: str) -> list[str]:
    return _LINE.findall(text)


def _find(text: str) -> _Place | None:
    """Where the policy is in a configuration written as a block; None when there is none, or it is no such thing."""
    events = _events(text)
    for event in events:
        if isinstance(event, NodeEvent):
            if not isinstance(event, MappingStartEvent) or event.flow_style:
                return None
            break
    for key in events:
        if isinstance(key, MappingEndEvent):
            return None
        start, end = _value(next(events, None), events)
        if isinstance(key, ScalarEvent) and key.value == KEY:
            return _place(key, start, end, _lines(text))
    return None


def _place(key: Event, start: Event | None, end: Event | None, lines: list[str]) -> _Place:
    line = key.start_mark.line
    empty = start is None or (isinstance(start, ScalarEvent) and not start.value and start.style is None)
    if empty or start is None or end is None:
        return _Place(line, None, 0, line + 1)
    mark = end.end_mark
    last = mark.line if mark.column else mark.line - 1
    return _Place(line, start.start_mark.line, start.start_mark.column, _with_comments(lines, last + 1))


def _with_comments(lines: list[str], end: int) -> int:
    """Where the policy ends when comments that are indented below it belong to it."""
    for place, line in enumerate(lines[end:], end):
        if line.strip() and not (line.startswith(" ") and line.lstrip().startswith("#")):
            break
        if line.strip():
            end = place + 1
    return end


def _value(first: Event | None, events: Iterator[Event]) -> tuple[Event | None, Event | None]:
    """The first and the last event of a node that take up room in the text: the end of a block takes none."""
    depth, last, event = 0, first, first
    while event is not None:
        if isinstance(event, MappingStartEvent | SequenceStartEvent):
            depth += 1
        elif isinstance(event, MappingEndEvent | SequenceEndEvent):
            depth -= 1
        is_end = isinstance(event, MappingEndEvent | SequenceEndEvent)
        if not is_end or event.end_mark.index > event.start_mark.index:
            last = event
        if depth == 0:
            break
        event = next(events, None)
    return first, last


def _is_alone(text: str) -> bool:
    """Whether the only key of the document is that of a policy."""
    events = _events(text)
    next((event for event in events if isinstance(event, MappingStartEvent)), None)
    keys = []
    for key in events:
        if isinstance(key, MappingEndEvent):
            break
        keys.append(key.value if isinstance(key, ScalarEvent) else "")
        _value(next(events, None), events)
    return keys == [KEY]


def _events(text: str) -> Iterator[Event]:
    try:
        return iter(events_of(text))
    except YAMLError:
        return iter(())
