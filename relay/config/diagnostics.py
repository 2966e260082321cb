"""What is wrong with a configuration: where, the offending text, one line of cause, the fix."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


class Severity(StrEnum):
    """An error keeps the old configuration active; a warning does not."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Source:
    """A text that was read: its name as shown to people, and its lines."""

    name: str
    lines: tuple[str, ...]

    def line(self, number: int) -> str:
        """Line `number`, counted from 1; empty beyond the end."""
        return self.lines[number - 1] if 0 < number <= len(self.lines) else ""


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of one line: `line` and `column` count from 1, `width` in characters, at least 1."""

    source: Source
    line: int = 1
    column: int = 1
    width: int = 1


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One finding.

    `code`: `C…` for the configuration, `P…` for policies; stable. `path`: the keys that lead to the place,
    with dots. `fix`: what to write instead; `guess`: what was probably meant, empty when there is no close
    word.
    """

    severity: Severity
    code: str
    path: str
    span: Span
    cause: str
    fix: str = ""
    guess: str = ""

    def render(self) -> str:
        """The finding for people: several lines without a final newline."""
        span = self.span
        head = f"{span.source.name}:{span.line}:{span.column}  {self.severity} {self.code}  {self.cause}"
        text = span.source.line(span.line).replace("\t", " ")
        shown = [f"{span.line:5d} | {text}", f"      | {' ' * (span.column - 1)}{'^' * span.width}"]
        guess = [f'      Did you mean "{self.guess}"?'] if self.guess else []
        fix = [f"      {self.fix}"] if self.fix else []
        return "\n".join([head, *(shown if text else []), *guess, *fix])

    def as_json(self) -> dict[str, str | int]:
        """The finding for programs."""
        span = self.span
        return {
            "severity": self.severity.value,
            "code": self.code,
            "path": self.path,
            "file": span.source.name,
            "line": span.line,
            "column": span.column,
            "text": span.source.line(span.line)[span.column - 1 : span.column - 1 + span.width],
            "cause": self.cause,
            "fix": self.fix,
            "guess": self.guess,
        }


def render(diagnostics: Iterable[Diagnostic]) -> str:
    """All findings for people, in the order of their places, each ending with a newline."""
    return "".join(f"{diagnostic.render()}\n" for diagnostic in in_order(diagnostics))


def in_order(diagnostics: Iterable[Diagnostic]) -> list[Diagnostic]:
    """The findings by place; those of one file stay together, in the order in which files first appear."""
    found = list(diagnostics)
    files = list(dict.fromkeys(diagnostic.span.source.name for diagnostic in found))
    return sorted(found, key=lambda one: (files.index(one.span.source.name), one.span.line, one.span.column))


def guess(word: str, known: Iterable[str]) -> str:
    """The known word that is closest to `word`, or an empty string when none is close."""
    by_folded = {name.lower().replace("_", "-"): name for name in known}
    close = difflib.get_close_matches(word.lower().replace("_", "-"), list(by_folded), n=1, cutoff=0.65)
    return by_folded[close[0]] if close else ""


class Findings:
    """Collects diagnostics, so that all of them can be shown at once."""

    def __init__(self) -> None:
        """Start with none."""
        self.found: list[Diagnostic] = []

    def error(self, code: str, path: str, span: Span, cause: str, *, fix: str = "", guess: str = "") -> None:
        """Add an error."""
        self.found.append(Diagnostic(Severity.ERROR, code, path, span, cause, fix, guess))

    def warn(self, code: str, path: str, span: Span, cause: str, *, fix: str = "", guess: str = "") -> None:
        """Add a warning."""
        self.found.append(Diagnostic(Severity.WARNING, code, path, span, cause, fix, guess))

    @property
    def errors(self) -> int:
        """How many of them are errors."""
        return sum(diagnostic.severity is Severity.ERROR for diagnostic in self.found)
