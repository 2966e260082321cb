"""The grammar of fep/profile.md is the library's: each reads what the other writes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mediaattest import claims, is_compact_jws, is_hash, origin_of, parse_header
from mediaattest.data_url import PREFIX, from_data_url

if TYPE_CHECKING:
    from collections.abc import Callable

TEXT = (Path(__file__).resolve().parents[2] / "fep" / "profile.md").read_text()
CORE = {"ALPHA": "[A-Za-z]", "DIGIT": "[0-9]", "HEXDIG": "[0-9A-F]", "SP": " ", "DQUOTE": '"'}
TOKEN = re.compile(
    r'%s"(?P<exact>[^"]*)"|"(?P<text>[^"]*)"|%x(?P<first>[0-9A-F]{2})(?:-(?P<last>[0-9A-F]{2}))?'
    r"|(?P<repeat>\d*\*\d*|\d+)(?=\S)|(?P<name>[A-Za-z][A-Za-z0-9-]*)|(?P<mark>[()\[\]/])|\s+"
)


def rules() -> dict[str, str]:
    """The rules of the text by name, without those that other documents give."""
    [block] = re.findall(r"^```abnf\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)
    return dict(re.findall(r"^([a-z-]+|OWS) += (.+)$", block, re.MULTILINE))


RULES = rules()


def pattern(rule: str) -> str:
    """The regular expression of a rule: the grammar has no recursion."""
    pieces, repeat = [], ""
    for match in TOKEN.finditer(RULES[rule]):
        if match["repeat"] is not None:
            repeat = match["repeat"]
            continue
        if match["mark"] in {"(", "["}:
            pieces.append((f"<{repeat}>" if repeat else "") + match["mark"])
            repeat = ""
            continue
        piece = _piece(match)
        if piece:
            pieces.append(piece + (_times(repeat) if repeat else ""))
            repeat = "" if piece else repeat
    return _grouped(pieces)


def _piece(match: re.Match[str]) -> str:
    if match["mark"]:
        return {"/": "|", ")": ")", "]": "]"}[match["mark"]]
    if match["name"]:
        return CORE.get(match["name"]) or f"(?:{pattern(match['name'])})"
    if match["first"]:
        return f"[\\x{match['first']}-\\x{match['last'] or match['first']}]"
    text = match["exact"] if match["exact"] is not None else match["text"]
    assert match["exact"] is not None or not re.search("[A-Za-z]", text or "")  # else case would not matter
    return f"(?:{re.escape(text)})" if text else ""


def _times(repeat: str) -> str:
    least, star, most = repeat.partition("*")
    return f"{{{least or 0},{most}}}" if star else f"{{{least}}}"


def _grouped(pieces: list[str]) -> str:
    """Write groups with what stands before them in ABNF behind them."""
    text, behind = "", []
    for piece in pieces:
        opened = re.fullmatch(r"(?:<(.+)>)?([(\[])", piece)
        if opened:
            behind.append("?" if opened[2] == "[" else _times(opened[1]) if opened[1] else "")
            text += "(?:"
        elif piece in {")", "]"}:
            text += ")" + behind.pop()
        else:
            text += piece
    return text


def attests(text: str) -> bool:
    return from_data_url(text) is not None


def matches(expression: re.Pattern[str]) -> Callable[[str], bool]:
    return lambda text: expression.fullmatch(text) is not None


GRAMMAR: dict[str, tuple[Callable[[str], bool], str]] = {
    "hash-string": (is_hash, "sha256:" + "0" * 64),
    "attestation": (attests, PREFIX + "a.b.c"),
    "compact-jws": (is_compact_jws, "a.b.c"),
    "https-id": (lambda text: origin_of(text) is not None, "https://[::1]:8080?a=%20#b"),
    "method": (matches(claims._ALGORITHM), "sha256"),
    "digest-hex": (matches(claims._HEX), "0a" * 16),
    "media-type": (matches(claims._MEDIA_TYPE), "image/png"),
    "field-value": (lambda text: text == text.strip(" ") and parse_header(text) != (), '"a.b.c" ,\t"d.e.f"'),
}


@pytest.mark.parametrize("rule", GRAMMAR)
def test_both_read_the_same(rule: str) -> None:
    reads, sample = GRAMMAR[rule]
    grammar = re.compile(pattern(rule))

    @given(st.from_regex(grammar, fullmatch=True).filter(lambda text: len(text) <= 1900))
    def what_the_grammar_makes_is_read(text: str) -> None:
        assert reads(text)

    @given(
        st.integers(0, len(sample)),
        st.integers(0, 2),
        st.text(max_size=2) | st.sampled_from(list('",.:/?#[]%@ \t\n=Aa0{}_-')),
    )
    def near_misses_are_told_alike(place: int, gone: int, put: str) -> None:
        text = sample[:place] + put + sample[place + gone :]
        assert reads(text) == (grammar.fullmatch(text) is not None)

    what_the_grammar_makes_is_read()
    near_misses_are_told_alike()


def test_every_rule_is_used() -> None:
    used = set(re.findall(r"[a-z][a-z-]+|OWS", " ".join(RULES.values())))
    assert set(RULES) - used == {
        "hash-string",
        "attestation",
        "https-id",
        "method",
        "digest-hex",
        "media-type",
        "field-value",
    }
