"""Reads the lists of server names that policies refer to: inline, text files, columns of CSV files."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING, Final

from relay.config.conditions import read_server_name
from relay.config.diagnostics import Span, guess
from relay.config.document import Mapping, Scalar, Sequence, read_text
from relay.config.servers import NotAServer, read_server

if TYPE_CHECKING:
    from pathlib import Path

    from relay.config.diagnostics import Findings, Source
    from relay.config.document import Node

MAX_LIST_BYTES: Final = 16 * 1024 * 1024
"""Largest list file that is read: more than 500,000 server names."""


class ListReader:
    """Reads lists; relative files start at `directory`."""

    def __init__(self, directory: Path, findings: Findings) -> None:
        """What is wrong is added to `findings`."""
        self._directory = directory
        self._findings = findings

    def read(self, node: Node | None) -> dict[str, frozenset[str]]:
        """All lists under `lists:`, by name. A list with errors is there, without what was wrong."""
        if node is None:
            return {}
        if not isinstance(node, Mapping):
            self._findings.error("P104", "policy.lists", node.span, "lists must be names with their servers")
            return {}
        return {key.text: self._one(value, f"policy.lists.{key.text}") for key, value in node.entries}

    def _one(self, node: Node, path: str) -> frozenset[str]:
        if isinstance(node, Sequence):
            return self._inline(node, path)
        keys = {key.text for key, _ in node.entries} if isinstance(node, Mapping) else set[str]()
        if isinstance(node, Mapping) and keys in ({"file"}, {"csv"}, {"csv", "column"}):
            return self._from_file(node, path)
        fix = "Write [one.example, two.example], {file: PATH} or {csv: PATH, column: NAME}"
        self._findings.error("P104", path, node.span, "this is not a list of servers", fix=fix)
        return frozenset()

    def _inline(self, node: Sequence, path: str) -> frozenset[str]:
        names = set[str]()
        for item in node.items:
            if not isinstance(item, Scalar):
                self._findings.error("P104", path, item.span, "a list takes server names, not a structure")
            elif name := read_server_name(item, path, self._findings):
                names.add(name)
        return frozenset(names)

    def _from_file(self, node: Mapping, path: str) -> frozenset[str]:
        place = node.get("file") or node.get("csv")
        if not isinstance(place, Scalar) or not isinstance(place.value, str):
            self._findings.error("P104", path, node.span, "a file name is needed")
            return frozenset()
        before = len(self._findings.found)
        source = read_text(self._directory / place.text, place.text, self._findings, limit=MAX_LIST_BYTES)
        if source is None:
            problem = self._findings.found.pop(before)
            cause = f'list file "{place.text}" {problem.cause}'
            self._findings.error("P207", path, place.span, cause)
            return frozenset()
        if node.get("csv") is None:
            return self._from_lines(source, path)
        return self._from_csv(source, path, node.get("column"))

    def _from_lines(self, source: Source, path: str) -> frozenset[str]:
        """One server a line; `#` starts a comment. What is no server name is an error: it has no effect."""
        names = set[str]()
        for number, line in enumerate(source.lines, 1):
            text = line.split("#", 1)[0].strip()
            item = Scalar(text, text, Span(source, number, 1 + line.find(text), max(1, len(text))))
            if text and (name := read_server_name(item, path, self._findings)):
                names.add(name)
        return frozenset(names)

    def _from_csv(self, source: Source, path: str, column: Node | None) -> frozenset[str]:
        """One server a row, in the named column (`domain` unless told), a `#` before its name or not.

        As in Mastodon, a row covers the server and its subdomains. Rows with obfuscated names (`b*d.example`)
        cannot be used; each gets a warning.
        """
        wanted = column.text if isinstance(column, Scalar) else "domain"
        rows = csv.reader(source.lines)
        header = [name.strip().removeprefix("#") for name in next(rows, [])]
        if wanted.removeprefix("#") not in header:
            close = guess(wanted, [name for name in header if name])
            span = column.span if column else Span(source)
            cause = f'list file "{source.name}" has no column "{wanted}"'
            self._findings.error("P208", path, span, cause, guess=close)
            return frozenset()
        place = header.index(wanted.removeprefix("#"))
        names = set[str]()
        for row in rows:
            if len(row) > place and row[place].strip():
                names |= self._row(row[place].strip(), Span(source, rows.line_num), path)
        return frozenset(names)

    def _row(self, text: str, span: Span, path: str) -> frozenset[str]:
        try:
            name = read_server(text)
        except NotAServer as problem:
            self._findings.warn("P207", path, span, f"{problem}: the row is not used")
            return frozenset()
        return frozenset({name, f"*.{name.removeprefix('*.')}"})
