"""What is read of a post to tell who wants it: languages as servers write them, hashtags as people do; bounded."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.domain.activity import parse_object
from relay.domain.policy import Verb
from relay.domain.traits import (
    LONGEST_HASHTAG,
    MAX_HASHTAGS,
    MAX_LANGUAGES,
    Traits,
    hashtag,
    hashtags_of,
    language,
    languages_of,
    traits_of,
    widened,
)

NOTE = {"id": "https://m.test/n/1", "type": "Note"}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@pytest.mark.parametrize(
    ("document", "languages"),
    [
        ({"contentMap": {"de": "Hallo"}}, ("de",)),
        ({"contentMap": {"pt-BR": "", "en": ""}, "nameMap": {"en": ""}}, ("pt-br", "en")),
        ({"contentMap": {"und": ""}, "language": "en"}, ("en",)),
        ({"nameMap": {"fr": ""}}, ("fr",)),
        ({"language": {"identifier": "en", "name": "English"}}, ("en",)),
        ({"language": {"identifier": 3}}, ()),
        ({"@context": ["https://www.w3.org/ns/activitystreams", {"@language": "pl"}]}, ("pl",)),
        ({"@context": [{"@language": "und"}, {"@language": None}]}, ()),
        ({"contentMap": ["de"], "language": ["de"]}, ()),
        ({"contentMap": {"x-klingon": "", "": "", "a b": ""}}, ()),
        ({"contentMap": {f"{a}{b}": "" for a in "abcd" for b in "abcd"}}, ("aa", "ab", "ac", "ad")),
        ({}, ()),
    ],
)
def test_languages_as_servers_write_them(document: dict[str, Any], languages: tuple[str, ...]) -> None:
    assert languages_of(document) == languages


@pytest.mark.parametrize(
    ("text", "tag"),
    [
        ("#Art", "art"),
        ("art", "art"),
        ("#STRASSE", "strasse"),
        ("#Stra\u00dfe", "strasse"),
        ("#\uff21\uff52\uff54", "art"),  # full-width letters
        (" #art ", "art"),
        ("#", None),
        ("", None),
        ("#two words", None),
        ("#a,b", None),
        ("##a", None),
        ("#a\u202eb", None),
        ("#" + "a" * LONGEST_HASHTAG, "a" * LONGEST_HASHTAG),
        ("#" + "a" * (LONGEST_HASHTAG + 1), None),
    ],
)
def test_spellings_of_a_hashtag_are_one(text: str, tag: str | None) -> None:
    assert hashtag(text) == tag


@pytest.mark.parametrize("tag", ["", "d", "german", "x-a", "und", "zxx-latn", "de-" + "a" * 9, "de--at"])
def test_what_is_no_language(tag: str) -> None:
    assert language(tag) is None


def test_hashtags_are_those_entries_of_tag() -> None:
    tags = [
        {"type": "Mention", "name": "@ann"},
        {"type": "Hashtag", "name": "#Art"},
        {"type": ["Hashtag"], "name": "#art"},
        {"type": "Hashtag", "name": 3},
        "#plain",
    ]
    assert hashtags_of({"tag": tags}) == ("art",)
    assert hashtags_of({"tag": tags[1]}) == ("art",)
    many = [{"type": "Hashtag", "name": f"#a{number}"} for number in range(10_000)]
    assert len(hashtags_of({"tag": many})) == MAX_HASHTAGS


def test_a_shorter_tag_stands_for_the_longer_ones() -> None:
    assert widened(("zh-hant-tw", "de")) == {"zh", "zh-hant", "zh-hant-tw", "de"}


def test_media_that_was_not_looked_at_counts_as_media() -> None:
    picture = {"type": "Document", "mediaType": "image/png", "url": "https://m.test/1.png"}
    assert not traits_of("Create", parse_object(NOTE)).media
    assert traits_of("Create", parse_object({**NOTE, "attachment": [picture]})).media
    assert traits_of("Create", parse_object({**NOTE, "as:attachment": [picture]})).media
    assert traits_of("Delete", None) == Traits("Delete", Verb.RELAY)


@given(st.dictionaries(st.sampled_from(["tag", "contentMap", "nameMap", "language", "@context"]), JSON))
def test_reading_is_total_and_bounded(document: dict[str, Any]) -> None:
    languages, hashtags = languages_of(document), hashtags_of(document)
    assert len(languages) <= MAX_LANGUAGES
    assert len(hashtags) <= MAX_HASHTAGS
    assert all(language(tag) == tag for tag in languages)
    assert all(hashtag(tag) == tag for tag in hashtags)
