"""Changing one part of a policy in its text leaves every other line as it was."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relay.config.diagnostics import Findings, Source
from relay.config.document import parse
from relay.config.policy_edit import add_rule, move_rule, remove_rule, replace_rule, set_key, set_list
from relay.config.policy_form import COMPARISONS, form_model
from relay.config.policy_outline import layout, outline
from relay.config.presets import PRESETS
from relay.domain.drafting import WrittenRule
from relay.domain.errors import Conflict, Malformed

if TYPE_CHECKING:
    from collections.abc import Sequence

TEXT = """\
# my policy
preset: small-instance   # good
mode: observe  # for now

lists:
  # people we like
  friends: [a.example, b.example]   # two
  other:
    - c.example
    # odd
    - d.example

rules:
  # why: they asked
  - {name: One, when: {from: list:friends}, then: relay}  # one

  # second
  - name: Two
    when:
      media: image
      from:
        - x.example  # noisy
    then: drop
    reason: x
    # tail of two
  - {name: Three, when: {media: none},
     then: relay}
# end of rules
otherwise: quarantine
"""
NEW = WrittenRule("New", (("media", ("image", "video")),), "drop", "x")
NEW_LINE = "  - {name: New, when: {media: [image, video]}, then: drop, reason: x}\n"


def names(text: str, section: str = "rules") -> list[str]:
    found = outline(text)
    assert found is not None
    return [placed.rule.name if placed.rule else "?" for placed in found.rules[section]]


def test_the_parts_are_found_with_their_lines() -> None:
    found = outline(TEXT)
    assert found is not None
    assert found.keys == {"preset": "small-instance", "mode": "observe", "otherwise": "quarantine"}
    assert found.lists == {"friends": ("a.example", "b.example"), "other": ("c.example", "d.example")}
    assert [(one.first, one.last) for one in found.rules["rules"]] == [(15, 15), (18, 25), (26, 27)]
    second = found.rules["rules"][1].rule
    assert second == WrittenRule("Two", (("media", ("image",)), ("from", ("x.example",))), "drop", "x")


def test_a_rule_is_added_at_either_end() -> None:
    assert add_rule(TEXT, "rules", NEW) == TEXT.replace("# end of rules", f"{NEW_LINE}# end of rules")
    assert add_rule(TEXT, "rules", NEW, first=True) == TEXT.replace("rules:\n", f"rules:\n{NEW_LINE}", 1)
    assert add_rule(TEXT, "always", NEW) == TEXT.replace(
        "    - d.example\n", f"    - d.example\nalways:\n{NEW_LINE}"
    )


def test_a_rule_is_replaced_and_what_explains_it_stays() -> None:
    assert replace_rule(TEXT, "rules", 0, NEW) == TEXT.replace(
        "  - {name: One, when: {from: list:friends}, then: relay}  # one\n", NEW_LINE
    )
    changed = replace_rule(TEXT, "rules", 1, NEW)
    assert f"  # second\n{NEW_LINE}  - {{name: Three" in changed


def test_a_long_rule_takes_several_lines() -> None:
    words = tuple(f"hashtag{number}" for number in range(12))
    rule = WrittenRule(
        "Long", (("hashtags", words), ("media", ("image",))), "drop", "x", "2030-01-01", ("mods",)
    )
    text = add_rule("mode: observe\n", "rules", rule)
    assert text.startswith("mode: observe\nrules:\n  - name: Long\n    when:\n      hashtags: [hashtag0, ")
    assert text.endswith("    then: drop\n    reason: x\n    until: 2030-01-01\n    tell: [mods]\n")
    found = outline(text)
    assert found is not None
    assert found.rules["rules"][0].rule == rule


def test_rules_move_with_what_explains_them() -> None:
    moved = move_rule(TEXT, "rules", 0, 1)
    assert names(moved) == ["Two", "One", "Three"]
    assert "  # why: they asked\n  - {name: One" in moved
    assert "    # tail of two\n  # why" in moved
    assert move_rule(moved, "rules", 1, 0) == TEXT
    with pytest.raises(Malformed):
        move_rule(TEXT, "rules", 0, 2)
    with pytest.raises(Conflict):
        move_rule(TEXT, "rules", 2, 3)


def test_rules_are_removed_with_what_explains_them() -> None:
    text = remove_rule(TEXT, "rules", 1)
    assert names(text) == ["One", "Three"]
    assert "second" not in text
    assert "tail of two" not in text
    text = remove_rule(remove_rule(text, "rules", 0), "rules", 0)
    assert "rules:" not in text
    assert text.endswith("# end of rules\notherwise: quarantine\n")
    with pytest.raises(Conflict):
        remove_rule(text, "rules", 0)


@pytest.mark.parametrize(
    ("name", "value", "old", "new"),
    [
        ("mode", "enforce", "mode: observe  # for now", "mode: enforce  # for now"),
        ("preset", None, "preset: small-instance   # good\n", ""),
        ("on_scanner_error", "relay", "for now\n", "for now\non_scanner_error: relay\n"),
        ("otherwise", "relay-marked", "otherwise: quarantine", "otherwise: relay-marked"),
        ("version", None, "", ""),
    ],
)
def test_keys_are_set(name: str, value: str | None, old: str, new: str) -> None:
    assert set_key(TEXT, name, value) == TEXT.replace(old, new, 1)


def test_lists_are_set() -> None:
    line = "  friends: [a.example, b.example]   # two\n"
    assert set_list(TEXT, "friends", ["*.z"]) == TEXT.replace(line, '  friends: ["*.z"]\n')
    assert set_list(TEXT, "new", []) == TEXT.replace("d.example\n", "d.example\n  new: []\n")
    assert "c.example" not in set_list(TEXT, "other", None)
    alone = set_list(set_list(TEXT, "other", None), "friends", None)
    assert "lists:" not in alone
    assert set_list(alone, "friends", None) == alone
    flow = "lists: {a: [x.example], b: {file: b.txt}}\n"
    assert set_list(flow, "a", ["y.example"]) == "lists:\n  b: {file: b.txt}\n  a: [y.example]\n"
    assert set_list("lists: {a: [x.example]}\n", "a", None) == ""
    assert set_list("mode: observe\n", "a", ["y.example"]) == "mode: observe\nlists:\n  a: [y.example]\n"


def test_what_is_written_in_brackets_is_written_out() -> None:
    text = "{preset: strict, rules: [{name: a, when: {media: none}, then: relay}]}"
    assert add_rule(text, "rules", NEW) == (
        f"preset: strict\nrules:\n  - {{name: a, when: {{media: none}}, then: relay}}\n{NEW_LINE}"
    )
    assert set_key("{preset: strict}", "mode", "observe") == "preset: strict\nmode: observe\n"


def test_an_empty_text_and_one_with_its_key_can_be_changed() -> None:
    assert add_rule("", "rules", NEW) == f"rules:\n{NEW_LINE}"
    assert add_rule("# nothing yet\n", "rules", NEW) == f"# nothing yet\nrules:\n{NEW_LINE}"
    keyed = "policy:\n  rules:\n  - {name: a}\n  - {name: b}\n"
    assert move_rule(keyed, "rules", 0, 1) == "policy:\n  rules:\n  - {name: b}\n  - {name: a}\n"
    assert set_key(keyed, "mode", "observe") == keyed.replace("policy:\n", "policy:\n  mode: observe\n")


def test_a_dash_on_a_line_of_its_own_belongs_to_its_rule() -> None:
    text = "rules:\n  -\n    name: a\n    then: drop\n  - name: b\n    then: drop\n"
    assert names(remove_rule(text, "rules", 0)) == ["b"]
    assert remove_rule(text, "rules", 0) == "rules:\n  - name: b\n    then: drop\n"


@pytest.mark.parametrize("text", ["- a", "mode: [", "a: *b", "x", "\t", "a: b\n---\nc: d"])
def test_what_is_no_policy_is_not_changed(text: str) -> None:
    assert layout(text) is None
    assert outline(text) is None
    with pytest.raises(Malformed):
        set_key(text, "mode", "observe")


@pytest.mark.parametrize(
    "rule",
    [
        "just a word",
        "{name: [a]}",
        "{name: a, when: [media]}",
        "{name: a, when: {media: {a: b}}}",
        "{name: a, tell: {a: b}}",
        "{? [a] : b}",
    ],
)
def test_a_rule_that_is_made_otherwise_is_shown_as_text_only(rule: str) -> None:
    found = outline(f"rules:\n  - {rule}\n")
    assert found is None or found.rules["rules"][0].rule is None


def test_keys_that_rules_do_not_have_stay() -> None:
    text = "rules:\n  - {name: a, when: {media: none}, then: relay, thne: [x, {y: 1}], z: no}\n"
    found = outline(text)
    assert found is not None
    rule = found.rules["rules"][0].rule
    assert rule is not None
    assert replace_rule(text, "rules", 0, rule) == text


_FACTS = [one["fact"] for one in form_model()["facts"]]
_words = st.text(
    st.characters(
        codec="utf-8", exclude_categories=["Cc", "Cs", "Zl", "Zp"], exclude_characters="\u0085\ufeff"
    ),
    min_size=1,
    max_size=30,
).map(lambda text: " ".join(text.split()) or "x")
_rules = st.builds(
    WrittenRule,
    name=_words,
    when=st.dictionaries(
        st.sampled_from(_FACTS), st.lists(_words, min_size=1, max_size=4).map(tuple), min_size=1, max_size=3
    ).map(lambda found: tuple(found.items())),
    then=st.sampled_from(["relay", "drop", "defer 10 minutes"]),
    reason=_words,
    tell=st.lists(_words, max_size=2).map(tuple),
)


@settings(max_examples=50)
@given(_rules)
def test_whatever_words_a_rule_has_it_is_read_as_it_was_written(rule: WrittenRule) -> None:
    text = add_rule(TEXT, "rules", rule)
    found = outline(text)
    assert found is not None, text
    assert found.rules["rules"][-1].rule == rule


@settings(max_examples=25)  # each step reads the text three times, in pure Python
@given(
    st.lists(st.tuples(st.sampled_from(["add", "move", "remove", "replace"]), st.integers(0, 5)), max_size=6)
)
def test_however_it_is_changed_it_stays_a_policy_with_its_comments(steps: Sequence[tuple[str, int]]) -> None:
    text, expected = TEXT, names(TEXT)
    for what, number in steps:
        if what == "add":
            text, expected = add_rule(text, "rules", NEW), [*expected, "New"]
        elif not expected:
            continue
        elif what == "remove":
            place = number % len(expected)
            text = remove_rule(text, "rules", place)
            del expected[place]
        elif what == "replace":
            place = number % len(expected)
            text = replace_rule(text, "rules", place, NEW)
            expected[place] = "New"
        elif len(expected) > 1:
            place = number % (len(expected) - 1)
            text = move_rule(text, "rules", place, place + 1)
            expected[place : place + 2] = expected[place : place + 2][::-1]
        assert names(text) == expected
        assert "# my policy\npreset: small-instance   # good\n" in text
        assert "# end of rules\notherwise: quarantine\n" in text
    findings = Findings()
    parse(Source("", tuple(text.split("\n"))), findings)
    assert findings.found == []


def test_every_preset_can_be_changed() -> None:
    for text, _ in PRESETS.values():
        before = names(text)
        assert names(add_rule(text, "rules", NEW)) == [*before, "New"]
        assert add_rule(text, "rules", NEW).replace(NEW_LINE, "") == text


def test_comparisons_of_the_form_are_those_of_the_language() -> None:
    assert set(COMPARISONS) == {"up to", "less than", "at least", "more than", ""}
