"""Writing XML: elements from names, attributes and what stands in them. Nothing is read."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final
from xml.sax.saxutils import escape, quoteattr

if TYPE_CHECKING:
    from collections.abc import Mapping

_NOT_XML: Final = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # XML 1.0 2.2


def element(name: str, attributes: Mapping[str, str], *inside: str) -> str:
    """Write an element; `inside` are elements, and text that went through `text`."""
    words = "".join(f" {key}={quoteattr(_clean(value))}" for key, value in attributes.items())
    content = "".join(inside)
    return f"<{name}{words}>{content}</{name}>" if content else f"<{name}{words}/>"


def text(value: str) -> str:
    """Write text as it stands in an element; characters that XML cannot hold are replaced."""
    return escape(_clean(value))


def _clean(value: str) -> str:
    return _NOT_XML.sub("\ufffd", value)
