"""Turns what pydantic reports into diagnostics: where it stands in the file, in plain words, with the fix.

Codes, stable: C0xx reading the file, C101 duplicate key, C102 unknown key, C103 missing key, C104 wrong
value, C105 unknown choice, C106 later version, C204 web address, C205 no server name, C302 list file missing, C303
built-in list, C304 purpose and country, C305 name twice, C306 address twice, C307 url or file, C308 FIRES without
address, C309 list of the lab, C310 no such profile, C311 channel without what it needs, C312 key of another kind of
channel, C313 mail in the clear, C315 telling why too soon, C316 key of another kind of scanner, C317 key that a service
needs, C318 service without https, C319 files would leave, C320 nothing to attest, C321 page without a list, C322 two
lists of submissions, C323 helplines, C324 list of submissions, C325 category of pictures of adults, C326 half of a
look at a tool, C401 plain http in public, C402 web hook in the clear, C403 helplines
unchecked.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, get_args

from pydantic import BaseModel

from relay.config.diagnostics import guess
from relay.config.document import Mapping, Scalar, Sequence
from relay.config.settings import LATER_KEYS, Settings

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

    from relay.config.diagnostics import Findings, Span
    from relay.config.document import Node

_WANTED: Final = {
    "string_type": ("text is needed", "Put it in quotes."),
    "bool_type": ("true or false is needed", ""),
    "int_type": ("a whole number is needed", ""),
    "tuple_type": ("a list is needed", "Write for example [one, two]"),
    "model_type": ("keys with values are needed", ""),
}


def report(error: ErrorDetails, root: Node, findings: Findings) -> None:
    """Add one error of validating `Settings` from `root`."""
    loc, kind = error["loc"], error["type"]
    path, span = ".".join(map(str, loc)), _value_span(root, loc)
    if any(one.span == span and one.code in {"C007", "C008"} for one in findings.found):
        return  # what YAML refused has no value that could be judged
    shown = _shown(_step(root, loc))
    context = error.get("ctx", {})
    if kind == "extra_forbidden":
        _unknown_key(root, loc, findings)
    elif kind == "missing":
        findings.error("C103", path, span, f'"{loc[-1]}" is missing', fix=_sentence(loc))
    elif kind == "literal_error":
        _unknown_choice(error, span, findings)
    elif re.fullmatch(r"C[0-9]{3}", kind):
        findings.error(kind, path, span, str(context["cause"]), fix=str(context["fix"]))
    elif kind == "value_error":
        cause, _, fix = str(context["error"]).partition("; ")
        findings.error("C104", path, span, f"{shown} {cause}", fix=fix[:1].upper() + fix[1:])
    elif kind in _WANTED:
        cause, fix = _WANTED[kind]
        findings.error("C104", path, span, f"{shown}: {cause}", fix=fix or _sentence(loc))
    else:
        cause = "is not written as it must be" if kind == "string_pattern_mismatch" else error["msg"].lower()
        findings.error("C104", path, span, f"{shown}: {cause}", fix=_sentence(loc))


def _shown(node: Node) -> str:
    # What the file says, never the value that was checked: that may be a secret from elsewhere.
    return f'"{node.text}"' if isinstance(node, Scalar) and 0 < len(node.text) <= 60 else "this value"


def _unknown_key(root: Node, loc: tuple[int | str, ...], findings: Findings) -> None:
    name, path = str(loc[-1]), ".".join(map(str, loc))
    parent = _step(root, loc[:-1])
    key = parent.key(name) if isinstance(parent, Mapping) else None
    span = key.span if key else _value_span(root, loc)
    if name in LATER_KEYS:
        findings.error("C106", path, span, f'"{name}" comes with a later version', fix="Remove it for now.")
        return
    known = [*_fields(loc[:-1]), *(["policy"] if len(loc) == 1 else [])]
    close = guess(name, known)
    fix = "" if close else f"Keys are: {', '.join(known)}."
    findings.error("C102", path, span, f'unknown key "{name}"', fix=fix, guess=close)


def _unknown_choice(error: ErrorDetails, span: Span, findings: Findings) -> None:
    loc, value = error["loc"], str(error["input"])
    path = ".".join(map(str, loc))
    choices = re.findall(r"'([^']*)'", str(error.get("ctx", {}).get("expected", "")))
    close = guess(value, choices)
    fix = "" if close else f"Write one of: {', '.join(choices)}."
    findings.error("C105", path, span, f'"{value}" is not possible here', fix=fix, guess=close)


def _step(root: Node, loc: tuple[int | str, ...]) -> Node:
    """The node at `loc`, or the last one on the way that exists."""
    node = root
    for part in loc:
        inner: Node | None = None
        if isinstance(node, Mapping):
            inner = node.get(str(part))
        elif isinstance(node, Sequence) and isinstance(part, int) and part < len(node.items):
            inner = node.items[part]
        if inner is None:
            return node
        node = inner
    return node


def _value_span(root: Node, loc: tuple[int | str, ...]) -> Span:
    node = _step(root, loc)
    # An error about a whole block is shown at its first key, which has a width; the block itself has none.
    first = node.entries[0][0] if isinstance(node, Mapping) and node.entries else None
    return first.span if isinstance(first, Scalar) else node.span


def _model(loc: tuple[int | str, ...]) -> type[BaseModel] | None:
    model: type[BaseModel] | None = Settings
    for part in loc:
        if isinstance(part, int) or model is None:
            continue
        field = model.model_fields.get(part)
        kinds = [field.annotation, *get_args(field.annotation)] if field else []
        model = next((kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel)), None)
    return model


def _fields(loc: tuple[int | str, ...]) -> list[str]:
    model = _model(loc)
    return list(model.model_fields) if model else []


def _sentence(loc: tuple[int | str, ...]) -> str:
    model = _model(loc[:-1])
    field = model.model_fields.get(str(loc[-1])) if model and loc else None
    return (field.description or "") if field else ""


def span_at(root: Node, *loc: int | str) -> Span:
    """Where the value at `loc` stands in the document, or the innermost part of the way that exists."""
    return _value_span(root, loc)
