"""How accounts ask not to be passed on, as servers write it; silence is no refusal."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.domain.consent import MAX_TEXT, Sign, refusal

ALL = frozenset(Sign)
JSON = st.recursive(
    st.none() | st.booleans() | st.text(), lambda x: st.lists(x) | st.dictionaries(st.text(), x), max_leaves=9
)


@pytest.mark.parametrize(
    "actor",
    [
        {"summary": "painter #nobot"},
        {"summary": "#NoBots!"},
        {"summary": '<p>Hi <a href="https://m.test/tags/nobot" class="hashtag">#<span>nobot</span></a></p>'},
        {"summary": '<p>Hi <a href="https://p.test/tag/nobot" rel="tag">#nobot</a></p>'},
        {"summary": "two words&nbsp;#norelay"},
        {"tag": [{"type": "Hashtag", "name": "#nobot"}]},
        {"attachment": [{"type": "PropertyValue", "name": "Rules", "value": "<b>#NOBOT</b>"}]},
        {"attachment": {"type": "PropertyValue", "name": "#norelays", "value": 3}},
    ],
)
def test_words_in_a_profile_that_say_no(actor: dict[str, Any]) -> None:
    assert refusal(actor, ALL) is Sign.NOBOT
    assert refusal(actor, {Sign.NOT_INDEXABLE}) is None


@pytest.mark.parametrize(
    "actor",
    [
        {"summary": "nobot"},
        {"summary": "#nobotany, #notnobot"},
        {"summary": "https://m.test/tags/#nobot"},
        {"summary": "##nobot"},
        {"summary": '<a href="https://m.test/page#nobot">'},
        {"summary": ["#nobot"]},
        {"summary": "x" * MAX_TEXT + " #nobot"},
        {"indexable": None, "discoverable": "false"},
        {"attachment": ["#nobot"]},
        {},
    ],
)
def test_what_is_no_refusal(actor: dict[str, Any]) -> None:
    assert refusal(actor, ALL) is None


@pytest.mark.parametrize(
    ("actor", "sign"),
    [
        ({"indexable": False}, Sign.NOT_INDEXABLE),
        ({"discoverable": False}, Sign.NOT_DISCOVERABLE),
        ({"indexable": True, "discoverable": True}, None),
    ],
)
def test_flags_count_when_they_are_written_and_wanted(actor: dict[str, Any], sign: Sign | None) -> None:
    assert refusal(actor, ALL) is sign
    assert refusal(actor, {Sign.NOBOT}) is None


def test_a_hostile_profile_takes_no_time() -> None:
    """With a pattern that looks back it would take minutes, and the test its time limit."""
    assert refusal({"summary": "<" * 10_000_000}, ALL) is None
    assert refusal({"summary": "#" * 10_000_000}, ALL) is None


@given(st.dictionaries(st.sampled_from(["summary", "attachment", "tag", "indexable", "discoverable"]), JSON))
def test_reading_is_total(actor: dict[str, Any]) -> None:
    assert refusal(actor, ALL) in {None, *Sign}
