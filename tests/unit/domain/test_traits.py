"""What is kept of a post to tell who wants it: languages as servers write them, hashtags as people do; bounded."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.domain.activity import parse_object
from relay.domain.content import (
    MAX_HASHTAG,
    MAX_HASHTAGS,
    MAX_LANGUAGES,
    content_of,
    hashtag_name,
    language_tag,
)
from relay.domain.policy import Verb
from relay.domain.traits import Traits, traits_of

NOTE = {"id": "https://m.test/n/1", "type": "Note"}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


def read(document: dict[str, Any]) -> Traits:
    return traits_of("Create", parse_object(NOTE | document))


@pytest.mark.parametrize(
    ("document", "languages"),
    [
        ({"contentMap": {"de": "Hallo"}}, ("de",)),
        ({"contentMap": {"pt-BR": "", "en": ""}, "nameMap": {"en": ""}}, ("en", "pt-br")),
        ({"contentMap": {"und": ""}, "language": "en"}, ("en",)),
        ({"nameMap": {"fr": ""}}, ("fr",)),
        ({"language": {"identifier": "en", "name": "English"}}, ("en",)),
        ({"language": {"identifier": 3}}, ()),
        ({"@context": ["https://www.w3.org/ns/activitystreams", {"@language": "pl"}]}, ("pl",)),
        ({"@context": {"@language": "pl"}, "contentMap": {"de": ""}}, ("de",)),
        ({"@context": {"@language": "pl"}, "contentMap": {"und": ""}}, ("pl",)),
        ({"@context": [{"@language": "und"}, {"@language": None}]}, ()),
        ({"contentMap": ["de"], "language": ["de"]}, ("de",)),
        ({"contentMap": {"x-klingon": "", "": "", "a b": ""}}, ()),
        ({}, ()),
    ],
)
def test_languages_as_servers_write_them(document: dict[str, Any], languages: tuple[str, ...]) -> None:
    assert read(document).languages == languages


@pytest.mark.parametrize(
    "tag", ["", "d", "german", "x-a", "und", "mis", "zxx-latn", "de-" + "a" * 9, "de--at"]
)
def test_what_is_no_language(tag: str) -> None:
    assert not language_tag(tag)


def test_hashtags_are_those_entries_of_tag() -> None:
    tags: list[Any] = [
        {"type": "Mention", "name": "@ann"},
        {"type": "Hashtag", "name": "#Cats"},
        {"type": "Hashtag", "name": "#Art"},
        {"type": ["Hashtag"], "name": "#art"},
        {"type": "Hashtag", "name": 3},
        "#plain",
    ]
    assert read({"tag": tags}).hashtags == ("art", "cats")
    assert read({"tag": tags[1]}).hashtags == ("cats",)
    many = [{"type": "Hashtag", "name": f"#a{number}"} for number in range(10_000)]
    assert len(read({"tag": many}).hashtags) == MAX_HASHTAGS


def test_a_hashtag_stays_short_in_normal_form() -> None:
    assert hashtag_name("#" + "a" * MAX_HASHTAG) == "a" * MAX_HASHTAG
    assert not hashtag_name("a" * (MAX_HASHTAG + 1))
    assert not hashtag_name("#" + "\ufdfa" * 6)  # one letter that is eighteen


def test_media_that_was_not_looked_at_counts_as_media() -> None:
    picture = {"type": "Document", "mediaType": "image/png", "url": "https://m.test/1.png"}
    assert not read({}).media
    assert read({"attachment": [picture]}).media
    assert read({"as:attachment": [picture]}).media
    assert traits_of("Delete", None) == Traits("Delete", Verb.RELAY)


@given(st.dictionaries(st.sampled_from(["tag", "contentMap", "nameMap", "language", "@context"]), JSON))
def test_reading_is_total_and_bounded(document: dict[str, Any]) -> None:
    content = content_of(document, ())
    assert len(content.languages) <= MAX_LANGUAGES
    assert len(content.hashtags) <= MAX_HASHTAGS
    assert all(language_tag(tag) == tag for tag in content.languages)
    assert all(hashtag_name(tag) == tag for tag in content.hashtags)
