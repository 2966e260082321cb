"""Reads small XML documents of services that the operator chose: elements, attributes, text, and nothing else.

The only place that reads XML (ADR 0028). The parser is expat, which CPython keeps up to date. A document type is
refused, and with it every entity of its own and every outside reference; what is deep or has very many elements is,
too.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from xml.parsers import expat

from relay.domain.errors import Malformed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

DEEPEST: Final = 16
MOST: Final = 500_000
"""Elements of a document."""


@dataclass(slots=True)
class Element:
    """An element by its name without namespace. `text` is what stands in it before, between and behind others."""

    name: str
    attributes: Mapping[str, str] = field(default_factory=dict)
    text: str = ""
    children: list[Element] = field(default_factory=list)

    def __iter__(self) -> Iterator[Element]:
        return iter(self.children)

    def child(self, name: str) -> Element | None:
        """The only element of that name in this one; None when there is none, or more."""
        found = [one for one in self.children if one.name == name]
        return found[0] if len(found) == 1 else None

    def said(self, name: str) -> str:
        """The text of the only element of that name in this one, without space around it; empty for none."""
        found = self.child(name)
        return "" if found is None else found.text.strip()


def read_xml(content: bytes) -> Element:
    """Return the root of a document. Raises `Malformed`, whose words show nothing of it."""
    builder = _Builder()
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    parser.StartDoctypeDeclHandler = builder.refuse
    parser.StartElementHandler = builder.start
    parser.EndElementHandler = builder.end
    parser.CharacterDataHandler = builder.data
    try:
        parser.Parse(content, True)
    except (expat.ExpatError, LookupError, ValueError):  # the latter two of encodings that it asks Python for
        raise Malformed("not well-formed XML", code="bad-xml") from None
    return builder.root


class _Builder:
    def __init__(self) -> None:
        self.root = Element("")
        self._open: list[Element] = []
        self._count = 0

    def refuse(self, *_: object) -> None:
        raise Malformed("XML with a document type", code="bad-xml")

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self._count += 1
        if len(self._open) == DEEPEST or self._count > MOST:
            raise Malformed("XML that is too deep or too large", code="bad-xml")
        element = Element(_local(name), {_local(key): value for key, value in attributes.items()})
        if self._open:
            self._open[-1].children.append(element)
        else:
            self.root = element
        self._open.append(element)

    def end(self, _name: str) -> None:
        self._open.pop()

    def data(self, text: str) -> None:
        self._open[-1].text += text


def _local(name: str) -> str:
    return name.rpartition(" ")[2]
