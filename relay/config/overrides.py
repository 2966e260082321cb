"""Settings from the environment, `ASSAY_<SECTION>__<KEY>`, laid over the document before it is checked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from relay.config.diagnostics import Source, Span
from relay.config.document import Mapping, Scalar, parse, resolve

if TYPE_CHECKING:
    from collections.abc import Mapping as Dict

    from relay.config.diagnostics import Findings
    from relay.config.document import Node

PREFIX: Final = "ASSAY_"


def overlay(root: Mapping, environ: Dict[str, str], findings: Findings) -> Mapping:
    """`root` with the values of the environment in place of its own.

    Names without `__` are not settings. A value that begins with a bracket, brace or quote is read as YAML;
    any other is one plain value. Findings about such a value name the variable as their file.
    """
    for name in sorted(environ):
        path = name.removeprefix(PREFIX).lower().split("__")
        if name.startswith(PREFIX) and len(path) > 1:
            node = _value(name, environ[name], path, findings)
            root = root if node is None else _laid(root, path, node)
    return root


def _value(name: str, text: str, path: list[str], findings: Findings) -> Node | None:
    source = Source(name, tuple(text.splitlines()))
    if text.lstrip()[:1] in {"[", "{", '"', "'"}:
        return parse(source, findings, prefix=".".join(path))
    return Scalar(text, resolve(text), Span(source, 1, 1, max(1, len(source.line(1)))))


def _laid(node: Mapping, path: list[str], value: Node) -> Mapping:
    key, rest = path[0], path[1:]
    old = node.get(key)
    inner = old if isinstance(old, Mapping) else Mapping((), value.span)
    new = _laid(inner, rest, value) if rest else value
    name = node.key(key)
    kept = tuple((one, other) for one, other in node.entries if one.text != key)
    # The key is where the new value is, unless it is a section that the file has too.
    return Mapping((*kept, (name if name and rest else Scalar(key, key, value.span), new)), node.span)
