"""Whom people in distress can turn to, by country: a data file with its date, which an operator can replace."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from relay.domain import strictjson
from relay.domain.errors import Malformed
from relay.domain.hosts import is_http_url

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_TEXTS: Final = {"name", "what", "phone", "url"}


@dataclass(frozen=True, slots=True)
class Helpline:
    """One place to turn to. `what` says in a few words for whom or what; `phone` or `url` may be empty, not both."""

    name: str
    what: str
    phone: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True)
class Country:
    """The helplines of one country; `emergency` is the number of the police."""

    name: str
    emergency: str
    lines: Sequence[Helpline]


@dataclass(frozen=True, slots=True)
class Helplines:
    """`adults` and `minors` hand hashes on to many services; `anywhere` helps in every country, or finds who does.

    `date` is of when all this is; whether it is right is for the operator to check.
    """

    date: str
    adults: Helpline
    minors: Helpline
    anywhere: Sequence[Helpline]
    countries: Sequence[Country]


def read_helplines(content: bytes) -> Helplines:
    """Read a file of helplines: JSON. Raises `Malformed`, which names the place."""
    document = _mapping(strictjson.loads(content), "the file")
    return Helplines(
        date=_text(document, "date", "the file"),
        adults=_line(document.get("adults"), "adults"),
        minors=_line(document.get("minors"), "minors"),
        anywhere=[_line(one, "anywhere") for one in _items(document, "anywhere", "the file")],
        countries=sorted(
            (_country(one) for one in _items(document, "countries", "the file")), key=lambda one: one.name
        ),
    )


def _country(value: object) -> Country:
    found = _mapping(value, "a country")
    name = _text(found, "name", "a country")
    lines = [_line(one, name) for one in _items(found, "lines", name)]
    if not lines:
        raise Malformed(f"{name} has no lines", code="bad-helplines")
    return Country(name, _text(found, "emergency", name), lines)


def _line(value: object, where: str) -> Helpline:
    found = _mapping(value, where)
    if not set(found) <= _TEXTS:
        raise Malformed(f"{where} has a line with another key than {sorted(_TEXTS)}", code="bad-helplines")
    name = _text(found, "name", where)
    phone, url = str(found.get("phone", "")), str(found.get("url", ""))
    if not phone and not url:
        raise Malformed(f"{name} has neither phone nor url", code="bad-helplines")
    if url and not is_http_url(url):
        raise Malformed(f"{name} has a url that is no web address", code="bad-helplines")
    return Helpline(name, _text(found, "what", name), phone, url)


def _mapping(value: object, where: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise Malformed(f"{where} is not an object", code="bad-helplines")
    return value


def _items(found: Mapping[str, Any], key: str, where: str) -> Sequence[object]:
    value = found.get(key)
    if not isinstance(value, list):
        raise Malformed(f"{where} has no list {key}", code="bad-helplines")
    return value


def _text(found: Mapping[str, Any], key: str, where: str) -> str:
    value = found.get(key)
    if not isinstance(value, str) or not value.strip():
        raise Malformed(f"{where} has no text {key}", code="bad-helplines")
    return value
