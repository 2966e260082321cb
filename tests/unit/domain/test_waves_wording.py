"""Copies of a text with small changes look alike; other texts do not."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.domain.waves.wording import KEPT, Sketch, sketch_of

TEXT = "everybody wants this amazing noodle recipe from grandmother which takes only twenty minutes and three pots"
JAPANESE = (
    "荒らしの広告です。みんなでこのサーバーに参加してください。"
    "新しい友達と毎日楽しく話しましょう。詳細はこちらのページを見てください"
)


def sketch(content: Any, **more: Any) -> Sketch:
    found = sketch_of({"content": content, **more})
    assert found is not None
    return found


@pytest.mark.parametrize(
    "copy",
    [
        f"<p>{TEXT.upper()}</p>",
        f"<p>{TEXT}</p><p>bonus 8471 offer</p>",
        f"@bob@m.test @eve {TEXT} 99",
        TEXT.replace("amazing", "am\u200bazing").replace("noodle", "\uff4e\uff4f\uff4f\uff44\uff4c\uff45"),
        TEXT.replace(" and ", "<br>and<br/>"),
        TEXT.replace("recipe", "re<span>cipe</span>"),
        TEXT.replace("amazing", "lovely").replace("three", "seven"),
        f"&nbsp;{TEXT}&#33;",
        f'<a href="https://x.test/@bob" class="u-url mention">@<span>bob</span></a> {TEXT}',
        f'{TEXT} <a href="https://own.test/tags/noodles" rel="tag">#<span>noodles</span></a>',
        f'{TEXT} <a href="https://own.test/tags/noodles" class="mention hashtag">#noodles</a>',
    ],
)
def test_small_changes(copy: str) -> None:
    assert sketch(copy).alike(sketch(TEXT))


def test_other_texts_are_other_texts() -> None:
    other = "the train to the coast was late again so we walked along the river until the sun went down behind hills"
    assert not sketch(other).alike(sketch(TEXT))
    assert sketch(other).likeness(sketch(TEXT)) < 0.2


def test_scripts_without_spaces() -> None:
    changed = JAPANESE.replace("毎日", "今日も") + "よろしく123"
    assert sketch(changed).alike(sketch(JAPANESE))
    chinese = "快来加入我们的服务器每天都有免费的礼物等着你不要错过这个难得的机会马上点击下面的链接注册账号"
    assert sketch(chinese.replace("免费", "超值") + "加油").alike(sketch(chinese))
    assert not sketch(chinese).alike(sketch(JAPANESE))


def test_accents_and_dashes() -> None:
    german = "Größere Übungen für schöne Tänzer \u2013 jeden Dienstag \u201efrüh\u201c im Gemeindehaus neben der Mühle"
    assert sketch(german.replace("schöne", "junge")).alike(sketch(german.replace("\u2013", "\u2026")))


@pytest.mark.parametrize(
    "short",
    [
        "",
        "Good morning",
        "happy new year " * 50,
        "👍" * 500,
        "\uff41" * 3000,
        "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15",
        "you and the fox ran off for a bit but we all saw it go by the old oak",
        "新年快乐",
    ],
)
def test_what_says_little_has_no_sketch(short: str) -> None:
    assert sketch_of({"content": short}) is None


def test_links_count_by_their_host_in_text_and_markup() -> None:
    shown = sketch("join our great server today https://Evil.example/abc?x=1")
    hidden = sketch('join our great server today <a href="https://evil.example/xyz">here</a>')
    elsewhere = sketch("join our great server today https://good.example/abc")
    assert shown.likeness(hidden) > shown.likeness(elsewhere)
    assert sketch_of({"content": "look https://evil.example/"}) is None
    assert sketch_of({"content": "<a>look</a> <a href=x>there</a> my friends"}) is None


def test_title_warning_and_body_in_any_language() -> None:
    half = len(TEXT.split()) // 2
    first, second = " ".join(TEXT.split()[:half]), " ".join(TEXT.split()[half:])
    split = sketch_of({"name": first, "summary": 7, "contentMap": {"en": second, "de": "anders"}})
    assert split == sketch(TEXT)
    assert sketch_of({"contentMap": []}) is None
    assert sketch_of({"contentMap": {}}) is None
    assert sketch_of({"content": ["no text"]}) is None


def test_a_long_text_is_cut() -> None:
    words = [f"word{chr(97 + one // 26)}{chr(97 + one % 26)}" for one in range(600)]
    assert len(sketch(" ".join(words)).values) == KEPT
    assert sketch("é " + " ".join(words)).alike(sketch(" ".join(words)))


def test_two_empty_sketches_have_nothing_in_common() -> None:
    assert Sketch(()).likeness(Sketch(())) == 0.0


@given(st.text(max_size=300))
def test_reading_is_total(text: str) -> None:
    found = sketch_of({"content": text, "summary": f"<{text}"})
    assert found is None or len(found.values) <= KEPT


@given(st.lists(st.integers(0, 2**32 - 1), unique=True, max_size=60), st.data())
def test_likeness_is_that_of_the_sets_while_they_are_small(numbers: list[int], data: Any) -> None:
    first = set(data.draw(st.lists(st.sampled_from(numbers), max_size=20))) if numbers else set()
    second = set(data.draw(st.lists(st.sampled_from(numbers), max_size=10))) if numbers else set()
    union = first | second
    exact = len(first & second) / len(union) if union else 0.0
    one, other = Sketch(tuple(sorted(first))), Sketch(tuple(sorted(second)))
    assert one.likeness(other) == other.likeness(one) == pytest.approx(exact)


def test_hostile_markup_costs_little() -> None:
    for evil in (
        "<" * 6000,
        "<a " * 2000,
        "&" * 6000,
        "@" * 6000,
        "https://" * 750,
        "e\u0301" * 3000,
        "\u0344" * 6000,
    ):
        sketch_of({"content": evil})
