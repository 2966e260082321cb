"""What posts say about themselves, as servers write it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.domain.activity import parse_activity
from relay.domain.content import (
    MAX_AUTHORS,
    MAX_HASHTAG,
    MAX_HASHTAGS,
    MAX_LANGUAGES,
    MAX_TAGS,
    Content,
    content_of,
    covering_languages,
    covering_types,
    hashtag_name,
    is_media_type,
    language_tag,
    mentioned_in,
)
from tests.unit.captured import CAPTURES, capture

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
NAMES = ("tag", "contentMap", "summaryMap", "language", "inLanguage", "sensitive", "name", "type", "href")


def read(number: str) -> Content:
    activity = parse_activity(capture(number).body)
    assert activity.object is not None
    return content_of(activity.object.document, [activity.actor])


def test_a_post_of_mastodon() -> None:
    found = read("000541")
    assert found.languages == {"de"}
    assert found.hashtags == {"tag"}
    assert found.mentions == 1
    assert not found.sensitive
    assert found.actors == {"https://masto.test/users/alice"}


def test_a_post_of_takahe_is_sensitive() -> None:
    assert read("001768").sensitive


def test_every_recorded_post_can_be_read() -> None:
    read_ = [parse_activity(one.body) for one in CAPTURES if one.body.startswith(b"{")]
    found = [content_of(one.object.document, [one.actor]) for one in read_ if one.object is not None]
    assert sum(bool(one.languages) for one in found) > 10
    assert sum(bool(one.hashtags) for one in found) > 2


@pytest.mark.parametrize(
    ("document", "languages"),
    [
        ({"contentMap": {"pt_BR": "olá", "EN": "hello"}}, {"pt-br", "en"}),
        ({"nameMap": {"fr": "titre"}, "content": "x"}, {"fr"}),
        ({"language": {"identifier": "nl", "name": "Nederlands"}}, {"nl"}),
        ({"inLanguage": ["eo", 7, None]}, {"eo"}),
        ({"@context": ["x", {"@language": "pl"}]}, {"pl"}),
        ({"@context": {"@language": "pl"}, "inLanguage": "eo"}, {"eo"}),
        ({"contentMap": {"und": "?", "mul": "!", "zxx": "", "not a tag": ""}}, set[str]()),
        ({"contentMap": "text", "language": {"name": "Dutch"}}, set[str]()),
    ],
)
def test_languages(document: dict[str, Any], languages: set[str]) -> None:
    assert content_of(document, ()).languages == languages


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("#Caturday", "caturday"),
        ("caturday", "caturday"),
        ("\uff03\uff23\uff21\uff34", "cat"),  # full-width forms
        ("#Stra\u00dfe", "strasse"),
        ("# # x ", "x"),
        ("#", ""),
        (7, ""),
        ("a" * (MAX_HASHTAG + 2), ""),
    ],
)
def test_hashtags_are_compared_without_case_and_form(written: object, name: str) -> None:
    assert hashtag_name(written) == name


def test_mentions_are_counted_once_each() -> None:
    ann = {"type": "Mention", "href": "https://a.example/users/ann", "name": "@ann"}
    bob = {"type": ["Mention"], "name": "@bob@b.example"}
    assert mentioned_in({"tag": [ann, bob, ann, "x", {"type": "Hashtag"}]}) == {ann["href"], bob["name"]}
    found = content_of({"tag": [ann, ann, bob, "x", {"type": "Emoji", "name": ":cat:"}]}, ())
    assert found.mentions == 2
    assert content_of({"tag": ann}, ()).mentions == 1


def test_what_stands_behind_the_last_tag_that_is_read_still_counts_as_many() -> None:
    padding = [{"type": "Emoji"}] * MAX_TAGS
    assert content_of({"tag": [*padding, {"type": "Mention", "href": "x"}]}, ()).mentions == MAX_TAGS
    assert content_of({"tag": padding}, ()).mentions == 0


def test_sensitive_is_true_and_nothing_else() -> None:
    values = (True, "true", 1, None, False)
    assert [content_of({"sensitive": value}, ()).sensitive for value in values] == [True, *[False] * 4]


@given(st.dictionaries(st.sampled_from(NAMES), json_values), st.lists(st.text(max_size=5), max_size=40))
def test_any_document_is_read_and_bounded(document: dict[str, Any], actors: list[str]) -> None:
    found = content_of(document, actors)
    assert len(found.actors) <= MAX_AUTHORS
    assert len(found.hashtags) <= MAX_HASHTAGS
    assert len(found.languages) <= MAX_LANGUAGES
    assert all(language_tag(tag) == tag for tag in found.languages)


def test_many_of_each_are_bounded() -> None:
    tags = [{"type": "Hashtag", "name": f"#{number}"} for number in range(MAX_TAGS)]
    languages = {f"a{chr(97 + n % 26)}{chr(97 + n // 26)}": "" for number in range(99) for n in [number]}
    found = content_of({"tag": tags, "contentMap": languages}, [f"https://a.example/{n}" for n in range(99)])
    sizes = (len(found.hashtags), len(found.languages), len(found.actors))
    assert sizes == (MAX_HASHTAGS, MAX_LANGUAGES, MAX_AUTHORS)


def test_languages_and_types_have_names_that_cover_them() -> None:
    assert covering_languages("zh-hans-cn") == {"zh", "zh-hans", "zh-hans-cn"}
    assert covering_types("image/png") == {"image/png", "image/*"}


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("image/png", True),
        ("image/svg+xml", True),
        ("image", False),
        ("image/*", False),
        ("Image/PNG", False),
    ],
)
def test_media_types(text: str, is_one: bool) -> None:  # noqa: FBT001 - a parameter of the test
    assert is_media_type(text) is is_one
