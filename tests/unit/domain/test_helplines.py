"""Files of helplines."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

import pytest

from relay.domain.errors import Malformed
from relay.domain.helplines import read_helplines

LINE = {"name": "A line", "what": "everybody", "phone": "1"}
DOCUMENT = {
    "date": "2026-01-01",
    "adults": LINE,
    "minors": {"name": "Another", "what": "children", "url": "https://b.example/"},
    "anywhere": [],
    "countries": [
        {"name": "Utopia", "emergency": "1", "lines": [LINE]},
        {"name": "Atlantis", "emergency": "2", "lines": [LINE]},
    ],
}


def read(**changes: Any) -> Any:
    return read_helplines(json.dumps({**DOCUMENT, **changes}).encode())


def test_countries_are_in_order_and_lines_have_a_phone_or_an_address() -> None:
    found = read()
    assert [one.name for one in found.countries] == ["Atlantis", "Utopia"]
    assert found.countries[0].emergency == "2"
    assert (found.adults.phone, found.adults.url) == ("1", "")
    assert (found.minors.phone, found.minors.url) == ("", "https://b.example/")


@pytest.mark.parametrize(
    "changes",
    [
        {"date": ""},
        {"date": None},
        {"adults": None},
        {"adults": {**LINE, "fax": "1"}},
        {"adults": {"name": "A line", "what": "everybody"}},
        {"adults": {**LINE, "url": "javascript:alert(1)"}},
        {"adults": {**LINE, "what": " "}},
        {"anywhere": {}},
        {"countries": [[]]},
        {"countries": [{"name": "Utopia", "emergency": "1", "lines": []}]},
        {"countries": [{"name": "Utopia", "emergency": "1"}]},
        {"countries": [{"name": "Utopia", "lines": [LINE]}]},
    ],
)
def test_a_file_that_is_not_right_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(Malformed):
        read(**changes)


def test_the_built_in_file_can_be_read_and_says_where_it_is_from() -> None:
    content = files("relay.config").joinpath("helplines.json").read_bytes()
    found = read_helplines(content)
    assert len(found.countries) >= 15
    assert json.loads(content)["source"]
    links = [one.url for country in found.countries for one in country.lines if one.url]
    assert all(link.startswith("https://") for link in links)
