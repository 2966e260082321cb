"""Who gets what: the table of a profile and an activity, and how people write profiles."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.domain.policy import DEFAULT_PROFILES, RELAYING, Verb
from relay.domain.profile_text import READERS, percent, profile_of, read_choices, sentence
from relay.domain.rates import Rate
from relay.domain.subscriber_profile import (
    Direction,
    Skip,
    SubscriberProfile,
    accepted_verbs,
    default_profile,
    in_sample,
    skip,
    skip_again,
)
from relay.domain.traits import Traits

STRICT, OPEN = (verbs for _, verbs in DEFAULT_PROFILES)
EVERYTHING = SubscriberProfile()
PUSH = SubscriberProfile(direction=Direction.PUSH)
GERMAN = SubscriberProfile(languages=frozenset({"de", "pt-br"}))
ART = SubscriberProfile(hashtags=frozenset({"art", "foto"}))
TEXT = SubscriberProfile(media=False)
MARKED = Traits(verb=Verb.RELAY_MARKED)

PROFILES = st.builds(
    SubscriberProfile,
    name=st.sampled_from([None, "strict", "open"]),
    direction=st.sampled_from(Direction),
    languages=st.frozensets(st.sampled_from(["de", "en", "pt-br"])),
    hashtags=st.frozensets(st.sampled_from(["art", "cats"])),
    media=st.booleans(),
    rate=st.none() | st.builds(Rate, st.integers(1, 99), st.sampled_from([60, 3600, 86400])),
    sample=st.sampled_from([1.0, 0.5, 0.125, 0.0001]),
    recalls=st.booleans(),
)
POSTS = st.builds(
    Traits,
    kind=st.sampled_from(["Create", "Announce"]),
    verb=st.sampled_from(sorted(RELAYING)),
    languages=st.sampled_from([(), ("de",), ("en",), ("de-at", "en")]),
    hashtags=st.sampled_from([(), ("art",), ("dogs", "cats")]),
    media=st.booleans(),
)


@pytest.mark.parametrize(
    ("profile", "verbs", "traits", "wanted"),
    [
        (EVERYTHING, STRICT, Traits(), None),
        (EVERYTHING, STRICT, Traits(verb=Verb.RELAY_AND_ATTEST), None),
        (EVERYTHING, STRICT, MARKED, Skip.PROFILE),
        (EVERYTHING, OPEN, MARKED, None),
        (PUSH, OPEN, Traits(), Skip.DIRECTION),
        (PUSH, OPEN, Traits("Move"), Skip.DIRECTION),
        (PUSH, OPEN, Traits("Delete"), None),
        (replace(EVERYTHING, direction=Direction.RECEIVE), OPEN, Traits(), None),
        (GERMAN, OPEN, Traits(languages=("de",)), None),
        (GERMAN, OPEN, Traits(languages=("de-at",)), None),
        (GERMAN, OPEN, Traits(languages=("en", "de")), None),
        (GERMAN, OPEN, Traits(languages=("en",)), Skip.LANGUAGE),
        (GERMAN, OPEN, Traits(languages=("pt",)), Skip.LANGUAGE),
        (GERMAN, OPEN, Traits(languages=("pt-br",)), None),
        (GERMAN, OPEN, Traits(), None),  # nobody knows its language
        (ART, OPEN, Traits(hashtags=("cats", "art")), None),
        (ART, OPEN, Traits(hashtags=("cats",)), Skip.HASHTAG),
        (ART, OPEN, Traits(), Skip.HASHTAG),
        (ART, OPEN, Traits("Move"), None),
        (ART, OPEN, Traits("Update"), None),  # of an account, or of a post that nobody remembers
        (ART, STRICT, Traits("Update", Verb.RELAY_MARKED), Skip.PROFILE),
        (TEXT, OPEN, Traits(media=True), Skip.MEDIA),
        (TEXT, OPEN, Traits(), None),
    ],
)
def test_who_gets_what(
    profile: SubscriberProfile, verbs: frozenset[Verb], traits: Traits, wanted: Skip | None
) -> None:
    assert skip(profile, verbs, traits) is wanted


@given(PROFILES, st.sampled_from([STRICT, OPEN]), POSTS, POSTS)
def test_an_edit_goes_where_its_post_went_and_brings_nothing_in_that_is_not_taken(
    profile: SubscriberProfile, verbs: frozenset[Verb], post: Traits, edited: Traits
) -> None:
    edit = replace(edited, kind="Update", first=1, original=post)
    had = skip(profile, verbs, post) is None
    assert (skip(profile, verbs, edit) is None) is (had and edited.verb in verbs)
    assert (skip_again(verbs, edit) is None) is (edited.verb in verbs or edited.verb is post.verb)


@given(PROFILES, st.sampled_from([STRICT, OPEN]))
def test_a_delete_reaches_everybody(profile: SubscriberProfile, verbs: frozenset[Verb]) -> None:
    assert skip(profile, verbs, Traits("Delete")) is None


@given(st.floats(0.0001, 1.0), st.text(), st.text())
def test_a_share_is_the_same_share_always_and_a_larger_one_holds_it(
    share: float, who: str, what: str
) -> None:
    found = in_sample(share, who, what)
    assert found is in_sample(share, who, what)
    assert in_sample(min(1.0, share * 2), who, what) or not found
    assert in_sample(1.0, who, what)


def test_a_share_is_about_that_share_and_differs_between_receivers() -> None:
    objects = [f"https://m.test/notes/{number}" for number in range(4_000)]
    first, second = ({one for one in objects if in_sample(0.25, who, one)} for who in ("a", "b"))
    assert 850 < len(first) < 1150
    assert 150 < len(first & second) < 350


def test_the_profile_of_those_who_chose_none() -> None:
    both = (("wide", OPEN), ("narrow", STRICT), ("also-narrow", STRICT))
    assert default_profile(DEFAULT_PROFILES) == "strict"
    assert default_profile(DEFAULT_PROFILES, "open") == "open"
    assert default_profile(DEFAULT_PROFILES, "gone") == "strict"
    assert default_profile(both) == "also-narrow"
    assert accepted_verbs(EVERYTHING, both, "narrow") == STRICT
    assert accepted_verbs(replace(EVERYTHING, name="wide"), both, "narrow") == OPEN
    assert accepted_verbs(replace(EVERYTHING, name="gone"), both, "narrow") == STRICT


@given(PROFILES)
def test_a_profile_is_read_as_it_was_stored_and_as_it_is_written(profile: SubscriberProfile) -> None:
    stored = profile.as_json()
    assert profile_of(stored) == profile
    texts = {
        "profile": profile.name or "default",
        "direction": profile.direction.value,
        "languages": ",".join(profile.languages),
        "hashtags": " ".join(f"#{tag}" for tag in profile.hashtags),
        "media": "yes" if profile.media else "no",
        "rate": "unlimited" if profile.rate is None else str(profile.rate).replace(" per ", "/"),
        "sample": percent(profile.sample),
        "recalls": "yes" if profile.recalls else "no",
    }
    assert read_choices(EVERYTHING, texts, ["strict", "open"]) == (profile, {})
    assert set(texts) == set(READERS) == set(stored)


def test_nothing_stored_is_the_default() -> None:
    assert profile_of({}) == EVERYTHING


@pytest.mark.parametrize(
    ("key", "text", "says"),
    [
        ("profile", "strickt", "open, strict, or default"),
        ("direction", "pull", "both, push"),
        ("languages", "de,german", "'german' is no language"),
        ("languages", ",".join(f"{a}{b}" for a in "abcdef" for b in "abcdef"), "at most 32"),
        ("hashtags", "a/b", "'a/b' is no hashtag"),
        ("hashtags", "a#b", "'a#b' is no hashtag"),
        ("hashtags", "a\u202eb", "is no hashtag"),
        ("hashtags", "art,#", "'#' is no hashtag"),
        ("hashtags", "a " * 11_000, "too long"),
        ("media", "maybe", "yes, or no"),
        ("recalls", "maybe", "or no"),
        ("rate", "60", "60/minute"),
        ("rate", "0/minute", "from 1 on"),
        ("rate", "1000001 per day", "from 1 on"),
        ("sample", "50", "such as 50%"),
        ("sample", "0%", "above 0%"),
        ("sample", "101%", "up to 100%"),
    ],
)
def test_what_cannot_be_read_says_what_to_write(key: str, text: str, says: str) -> None:
    profile, problems = read_choices(GERMAN, {key: text, "media": "no"} | {key: text}, ["strict", "open"])
    assert says in problems[key]
    assert list(problems) == [key]
    assert profile == (GERMAN if key == "media" else replace(GERMAN, media=False))


def test_spellings_of_a_hashtag_are_one() -> None:
    text = "#Art, \uff21\uff52\uff54 #STRASSE Stra\u00dfe"  # one of them in full-width letters
    assert read_choices(EVERYTHING, {"hashtags": text}, ()) == (
        replace(EVERYTHING, hashtags=frozenset({"art", "strasse"})),
        {},
    )


@pytest.mark.parametrize("word", ["", "any", "All", "*"])
def test_words_for_everything(word: str) -> None:
    chosen = replace(GERMAN, hashtags=ART.hashtags)
    assert read_choices(chosen, {"languages": word, "hashtags": word}, ()) == (EVERYTHING, {})


def test_a_profile_in_a_line() -> None:
    assert sentence(EVERYTHING, "strict") == "strict"
    assert sentence(PUSH, "strict") == "strict; only sends to us"
    everything = SubscriberProfile(
        "open",
        Direction.RECEIVE,
        frozenset({"en", "de"}),
        frozenset({"art"}),
        media=False,
        rate=Rate(60, 60),
        sample=0.125,
        recalls=True,
    )
    assert sentence(everything, "strict") == (
        "open; only receives; languages de, en; hashtags art; no media; at most 60 per minute; 12.5% of posts; "
        "recalls for software"
    )
