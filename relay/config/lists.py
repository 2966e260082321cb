"""Reads the lists that policies refer to: written out, text files, columns of CSV files, and lists of others.

What a list holds follows from the condition that names it: servers for `from`, hashtags for `hashtags`. It is
read when it is first named, so that one mistake is shown once, at its own place. A list at a web address is
refreshed while the relay runs (`relay.services.policy_lists`); here it is empty.
"""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from relay.config.diagnostics import Span, guess
from relay.config.document import Mapping, Scalar, Sequence, read_text
from relay.config.quantities import read_duration
from relay.config.words import NotAWord, read_member
from relay.domain.blocklist import POLICY_PREFIX, Blocklist, Effect, ListFormat
from relay.domain.hosts import is_http_url
from relay.domain.vocabulary import FactKind

if TYPE_CHECKING:
    from pathlib import Path

    from relay.config.diagnostics import Findings, Source
    from relay.config.document import Node

MAX_LIST_BYTES: Final = 16 * 1024 * 1024
"""Largest list file that is read: more than 500,000 server names."""
REFRESH: Final = 12 * 3600.0
"""Seconds between two looks at a list of others, unless it says otherwise."""

_FORMS: Final = (
    "Write [one.example, two.example], {file: PATH}, {csv: PATH, column: NAME} or {fires: ADDRESS}"
)
_KEYS: Final = ({"file"}, {"csv"}, {"csv", "column"}, {"fires"})
_COMMENT: Final = re.compile(r"(?:^|\s)#.*")
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
_HOLDS: Final = {FactKind.NAMES: "names", FactKind.ACTORS: "accounts"}


@dataclass(slots=True)
class _List:
    """One list. `rows`: of a CSV file of others, where a row that cannot be used is left out with a warning."""

    key: Scalar
    path: str
    items: tuple[Scalar, ...] = ()
    rows: bool = False
    source: Blocklist | None = None
    kind: FactKind | None = None
    members: frozenset[str] = field(default_factory=frozenset)


class Lists:
    """The lists of one policy, by name. What is wrong is added to `findings`."""

    def __init__(self, found: dict[str, _List], findings: Findings) -> None:
        """Made by `ListReader`."""
        self._found, self._findings = found, findings

    def use(self, name: str, kind: FactKind, item: Scalar, path: str) -> bool:
        """Name a list in a condition of this kind at `item`; False after an error."""
        listed = self._found.get(name)
        if listed is None:
            close = guess(name, self._found)
            fix = "" if close else "Define it under lists: in this policy."
            cause = f'list "{name}" is not defined'
            self._findings.error("P203", path, item.span, cause, fix=fix, guess=close)
            return False
        if listed.kind is None:
            listed.kind = FactKind.SERVERS if listed.source else kind
            listed.members = self._read(listed, listed.kind)
        if listed.kind is not kind:
            held = _HOLDS.get(listed.kind, listed.kind)
            cause = f'list "{name}" holds {held}, not {_HOLDS.get(kind, kind)}'
            self._findings.error("P212", path, item.span, cause, fix="Make a list of its own for these.")
            return False
        return True

    def members(self, name: str) -> frozenset[str] | None:
        """What a list that was named holds; None for one that is refreshed while the relay runs."""
        listed = self._found[name]
        return None if listed.source is not None else listed.members

    @property
    def used(self) -> tuple[tuple[str, frozenset[str]], ...]:
        """Every list that a condition names, by name, with what it holds as far as that is known here."""
        named = {name: one.members for name, one in self._found.items() if one.kind is not None}
        return tuple(sorted(named.items()))

    @property
    def sources(self) -> tuple[Blocklist, ...]:
        """The lists of others that conditions name."""
        used = [one.source for one in self._found.values() if one.kind is not None]
        return tuple(source for source in used if source is not None)

    def check_used(self) -> None:
        """Add a warning for every list that no condition names."""
        for name, one in self._found.items():
            if one.kind is None:
                cause = f'list "{name}" is not used'
                fix = f"Write list:{name} in a condition, or remove it."
                self._findings.warn("P304", one.path, one.key.span, cause, fix=fix)

    def _read(self, listed: _List, kind: FactKind) -> frozenset[str]:
        found = set[str]()
        for item in listed.items:
            try:
                member = read_member(kind, item)
            except NotAWord as problem:
                if listed.rows:
                    cause = f"{problem}: the row is not used"
                    fix = "Write the whole name in the row, or remove it."
                    self._findings.warn("P207", listed.path, item.span, cause, fix=fix)
                else:
                    self._findings.error(
                        problem.code,
                        listed.path,
                        item.span,
                        str(problem),
                        fix=problem.fix,
                        guess=problem.guess,
                    )
                continue
            found.add(member)
            if listed.rows and kind is FactKind.SERVERS:
                found.add(f"*.{member.removeprefix('*.')}")  # as in Mastodon
        return frozenset(found)


class ListReader:
    """Reads lists; relative files start at `directory`."""

    def __init__(self, directory: Path, findings: Findings) -> None:
        """What is wrong is added to `findings`."""
        self._directory = directory
        self._findings = findings

    def read(self, node: Node | None) -> Lists:
        """All lists under `lists:`. A list with errors is there, without what was wrong."""
        if node is not None and not isinstance(node, Mapping):
            self._wrong("policy.lists", node, "lists must be names with their members", fix="")
        entries = node.entries if isinstance(node, Mapping) else ()
        return Lists({key.text: self._one(key, value) for key, value in entries}, self._findings)

    def _wrong(self, path: str, node: Node, cause: str, *, fix: str = _FORMS) -> None:
        fix = fix or "Write for example lists: {friends: [one.example, two.example]}"
        self._findings.error("P104", path, node.span, cause, fix=fix)

    def _one(self, key: Scalar, node: Node) -> _List:
        listed = _List(key, f"policy.lists.{key.text}")
        if not _NAME.fullmatch(key.text):
            fix = "Write lower-case letters, digits and hyphens."
            cause = f'"{key.text}" cannot be the name of a list'
            self._findings.error("P104", listed.path, key.span, cause, fix=fix)
        keys = {name.text for name, _ in node.entries} if isinstance(node, Mapping) else set[str]()
        if isinstance(node, Sequence):
            listed.items = self._inline(node, listed.path)
        elif isinstance(node, Mapping) and keys - {"refresh"} in _KEYS:
            self._kept_elsewhere(node, listed)
        else:
            self._wrong(listed.path, node, "this is not a list")
        return listed

    def _inline(self, node: Sequence, path: str) -> tuple[Scalar, ...]:
        for item in node.items:
            if not isinstance(item, Scalar):
                fix = "Write [one.example, two.example]"
                self._wrong(path, item, "a list takes words, not a structure", fix=fix)
        return tuple(item for item in node.items if isinstance(item, Scalar))

    def _kept_elsewhere(self, node: Mapping, listed: _List) -> None:
        place = node.get("file") or node.get("csv") or node.get("fires")
        if not isinstance(place, Scalar) or not isinstance(place.value, str) or not place.text:
            self._wrong(listed.path, node, "a file name or address is needed")
            return
        is_fires, is_address = node.get("fires") is not None, is_http_url(place.text)
        if is_fires and not is_address:
            fix = "Write for example {fires: https://fires.example/datasets/1}"
            self._wrong(listed.path, place, f'"{place.text}" is not a web address', fix=fix)
        elif is_address and (is_fires or node.get("csv") is not None):
            self._at_address(node, place, listed, ListFormat.FIRES if is_fires else ListFormat.MASTODON_CSV)
        else:
            self._in_file(node, place, listed)

    def _at_address(self, node: Mapping, place: Scalar, listed: _List, form: ListFormat) -> None:
        column = node.get("column")
        if column is not None:
            cause = "a list at a web address has the columns of Mastodon"
            self._wrong(listed.path, column, cause, fix="Remove column.")
        listed.source = Blocklist(
            name=f"{POLICY_PREFIX}{listed.key.text}",
            place=place.text,
            format=form,
            refresh=self._refresh(node.get("refresh"), listed.path),
            action=Effect.BLOCK,
            for_policy=True,
        )

    def _refresh(self, node: Node | None, path: str) -> float:
        if node is None:
            return REFRESH
        try:
            return read_duration(node.text if isinstance(node, Scalar) else "").total_seconds()
        except ValueError:
            shown = f'"{node.text}"' if isinstance(node, Scalar) else "this"
            self._wrong(f"{path}.refresh", node, f"{shown} is not a time", fix='Write for example "12 hours"')
            return REFRESH

    def _in_file(self, node: Mapping, place: Scalar, listed: _List) -> None:
        refresh = node.get("refresh")
        if refresh is not None:
            cause = "a file is read when the policy is loaded"
            self._wrong(listed.path, refresh, cause, fix="Remove refresh.")
        before = len(self._findings.found)
        source = read_text(self._directory / place.text, place.text, self._findings, limit=MAX_LIST_BYTES)
        if source is None:
            problem = self._findings.found.pop(before)
            cause = f'list file "{place.text}" {problem.cause}'
            fix = "Paths start at the file of the policy."
            self._findings.error("P207", listed.path, place.span, cause, fix=fix)
        elif node.get("csv") is None:
            listed.items = tuple(_lines(source))
        else:
            listed.items, listed.rows = self._column(source, listed.path, node.get("column")), True

    def _column(self, source: Source, path: str, column: Node | None) -> tuple[Scalar, ...]:
        """The named column (`domain` unless told), a `#` before its name or not."""
        wanted = column.text if isinstance(column, Scalar) else "domain"
        try:
            first, *rows = _rows(source) or [([], 1)]
        except csv.Error as problem:
            cause = f'list file "{source.name}" is not CSV: {problem}'
            self._findings.error(
                "P207", path, Span(source), cause, fix="Export it again, or write {file: PATH}."
            )
            return ()
        header = [name.strip().removeprefix("#") for name in first[0]]
        if wanted.removeprefix("#") not in header:
            close = guess(wanted, [name for name in header if name])
            span = column.span if column else Span(source)
            cause = f'list file "{source.name}" has no column "{wanted}"'
            fix = "" if close else f"Its columns are: {', '.join(filter(None, header)) or 'none'}."
            self._findings.error("P208", path, span, cause, fix=fix, guess=close)
            return ()
        place = header.index(wanted.removeprefix("#"))
        cells = ((row[place].strip(), line) for row, line in rows if len(row) > place)
        return tuple(Scalar(text, text, Span(source, line)) for text, line in cells if text)


def _rows(source: Source) -> list[tuple[list[str], int]]:
    """Each row of a CSV file with the number of its last line. Raises `csv.Error`."""
    reader = csv.reader(source.lines)
    return [(row, reader.line_num) for row in reader]


def _lines(source: Source) -> list[Scalar]:
    """One member a line; `#` at the beginning or after a space starts a comment."""
    found = []
    for number, line in enumerate(source.lines, 1):
        text = _COMMENT.sub("", line).strip()
        if text:
            found.append(Scalar(text, text, Span(source, number, 1 + line.find(text), len(text))))
    return found
