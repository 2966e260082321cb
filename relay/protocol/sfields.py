"""Structured fields (RFC 8941), as much of them as HTTP message signatures need: dictionaries.

Strict where the RFC leaves room: base64 has its padding, and a key given twice is for the caller to refuse
(the RFC lets the last one win, which is how two readers come to see two different headers). Dates and
display strings, which RFC 9651 added, are in no header that is read here. What is not a dictionary as a
whole is none in part.

A bare item is kept as its canonical text (RFC 8941 4.1), which is what RFC 9421 signs: `"text"`, `17`,
`:AA==:`, `token`, `?1`.
"""

from __future__ import annotations

import re
from base64 import b64encode
from dataclasses import dataclass
from typing import Final

from relay.protocol.sigheader import MAX_HEADER, strict_base64

# Possessive and atomic throughout: whatever follows, each character is looked at a bounded number of times.
_KEY: Final = r"[a-z*][a-z0-9_.*-]*+"
_BARE: Final = (
    r'(?>"[ !#-\[\]-~]*+(?:\\["\\][ !#-\[\]-~]*+)*+"'  # string
    r"|:[A-Za-z0-9+/=]*+:"  # byte sequence
    r"|\?[01]"  # boolean
    r"|-?[0-9]{1,12}\.[0-9]{1,3}|-?[0-9]{1,15}"  # decimal, integer
    r"|[A-Za-z*][!#$%&'*+.^_`|~0-9A-Za-z:/-]*+)"  # token
)
_PARAMETERS: Final = rf"(?:; *+{_KEY}(?:={_BARE})?+)*+"
_INNER_LIST: Final = rf"\((?: *+{_BARE}{_PARAMETERS}(?=[ )]))*+ *+\)"
_MEMBER: Final = re.compile(rf"({_KEY})(?:=(?:({_INNER_LIST})|({_BARE})))?+({_PARAMETERS})")
_ITEM: Final = re.compile(rf"({_BARE})({_PARAMETERS})")
_PARAMETER: Final = re.compile(rf"; *+({_KEY})(?:=({_BARE}))?+")
_NEXT: Final = re.compile(r"[ \t]*+,[ \t]*+")


@dataclass(frozen=True, slots=True)
class Member:
    """A member of a dictionary: a bare item, or an inner list in `items`; `value` is None for the latter.

    `items` are bare items, each with whether it has parameters of its own.
    """

    value: str | None
    items: tuple[tuple[str, bool], ...]
    parameters: dict[str, str]

    @property
    def text(self) -> str:
        """An inner list whose items have no parameters, as the RFC writes it (4.1.1)."""
        listed = " ".join(item for item, _ in self.items)
        return f"({listed}){''.join(map(_written, self.parameters.items()))}"


def parse_dictionary(text: str) -> list[tuple[str, Member]] | None:
    """The members of a dictionary in their order, repeated keys too; None when it is none. Total, linear."""
    text = text.strip(" ")
    if not text or len(text) > MAX_HEADER:
        return None
    found: list[tuple[str, Member]] = []
    position = 0
    while match := _MEMBER.match(text, position):
        member = _member(match)
        if member is None:
            return None
        found.append((match[1], member))
        if match.end() == len(text):
            return found
        separator = _NEXT.match(text, match.end())
        if separator is None:
            return None
        position = separator.end()
    return None


def string(bare: str | None) -> str | None:
    """The characters of a string item, None for other items."""
    if bare is None or not bare.startswith('"'):
        return None
    return re.sub(r"\\(.)", r"\1", bare[1:-1]) if "\\" in bare else bare[1:-1]


def integer(bare: str | None) -> int | None:
    """The number of an integer item, None for other items."""
    return int(bare) if bare is not None and bare.lstrip("-").isdigit() else None


def byte_sequence(bare: str | None) -> bytes | None:
    """The bytes of a byte sequence, None for other items."""
    return strict_base64(bare[1:-1]) if bare is not None and bare.startswith(":") else None


def _member(match: re.Match[str]) -> Member | None:
    _, listed, bare, tail = match.groups()
    items = [(_canonical(item), bool(more)) for item, more in _ITEM.findall(listed)] if listed else []
    parameters = {name: _canonical(value or "?1") for name, value in _PARAMETER.findall(tail)} if tail else {}
    value = None if listed else _canonical(bare or "?1")
    if value == "" or "" in parameters.values() or any(not item for item, _ in items):
        return None
    return Member(value, tuple(items), parameters)


def _canonical(bare: str) -> str:
    """A bare item as it is written (RFC 8941 4.1.3), empty when it is none after all."""
    if bare[0] == '"':
        return bare
    if bare[0] == ":":
        content = strict_base64(bare[1:-1])
        return f":{b64encode(content).decode()}:" if content or bare == "::" else ""
    if bare[0] in "-0123456789":
        whole, point, fraction = bare.partition(".")
        sign = "-" if whole[0] == "-" and (int(whole) or fraction.strip("0")) else ""
        number = f"{sign}{abs(int(whole))}"
        return f"{number}.{fraction.rstrip('0') or '0'}" if point else number
    return bare


def _written(parameter: tuple[str, str]) -> str:
    name, value = parameter
    return f";{name}" if value == "?1" else f";{name}={value}"
