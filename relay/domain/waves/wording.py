"""What a post says, folded so that copies of it with small changes look alike.

Markup, mentions, numbers, case, compatibility forms and invisible characters are taken away; of links their hosts stay.
What is left is a set of words. Scripts without spaces give words, too: runs of one kind of Japanese letters, and pairs
of Han characters, so that a change in one place changes a few words only.

A `Sketch` keeps the smallest hashes of that set. How much two sets have in common can be told from it: of texts of up
to `KEPT` different words exactly, of longer ones within some hundredths (bottom-k sketch; A. Broder 1997, "On the
resemblance and containment of documents").
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from zlib import crc32

if TYPE_CHECKING:
    from relay.domain.attachments import Document

KEPT: Final = 32
"""Hashes of one sketch."""
LONGEST: Final = 6_000
"""Characters of markup that are read of one post."""
MOST: Final = 200
"""Words that are read of one post: the rest of a long one does not make it another."""
SHORT: Final = 3
"""Letters of ASCII words that say nothing: every text has "and" and "you"."""
FOLDED: Final = 2_000
"""Characters that are folded of a text beyond ASCII: sorting combining marks takes the square of their number."""
ALIKE: Final = 0.6
"""Share of common words from which two texts are near-identical: of twenty words four were replaced or six added."""
TELLING: Final = 10
"""Different words from which a text is more than a greeting."""
TELLING_WITH_LINK: Final = 3
"""The same for a text with a link: nobody wishes a happy new year with one."""

_INLINE: Final = frozenset(
    name
    for tag in (
        "a",
        "abbr",
        "b",
        "bdi",
        "code",
        "del",
        "em",
        "i",
        "mark",
        "s",
        "small",
        "span",
        "strong",
        "sub",
        "sup",
        "u",
        "wbr",
    )
    for name in (tag, f"/{tag}")
)
"""Tags within words: Mastodon wraps parts of links and names in them. Any other tag parts words."""
_HREF: Final = re.compile(r"\bhref\s*=\s*[\"']?https?://([^/\"'\s?#]{1,253})", re.IGNORECASE)
_NO_LINK: Final = ("mention", "hashtag", 'rel="tag"')
"""What marks the links of mentions and hashtags in markup as servers write it."""
_ENTITY: Final = re.compile(r"&#?[0-9a-zA-Z]{1,31};")
_ADDRESS: Final = re.compile(r"https?://([^/\s?#]{1,253})\S{0,2048}")
_MENTION: Final = re.compile(r"@[\w.-]{1,255}(?:@[\w.-]{1,255})?")
_INVISIBLE: Final = re.compile(
    "[\u00ad\u034f\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufe00-\ufe0f\ufeff]"
)
_LETTERS: Final = bytes(code | 0x20 if chr(code).isalpha() and code < 128 else 0x20 for code in range(256))
"""Turns ASCII into small letters and spaces."""
_PUNCTUATION: Final = str.maketrans(
    {
        chr(code): " "
        for code in (*range(192), 0xD7, 0xF7, *range(0x2010, 0x2040))  # with dashes, quotes and dots
        if not chr(code).isalpha()
    }
)
_CJK: Final = re.compile("[\u3041-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff]")
_RUN: Final = re.compile(
    "[\u3400-\u4dbf\u4e00-\u9fff]+|[\u3041-\u309f]+|[\u30a0-\u30ff\u31f0-\u31ff]+"
    "|[^\\W\\d_\u3400-\u4dbf\u4e00-\u9fff\u3041-\u30ff\u31f0-\u31ff]+"
)
_HAN: Final = re.compile("[\u3400-\u4dbf\u4e00-\u9fff]")


@dataclass(frozen=True, slots=True)
class Sketch:
    """A fingerprint of a text: the smallest hashes of its words, in order, each once."""

    values: tuple[int, ...]

    def likeness(self, other: Sketch) -> float:
        """The share of all words of both texts that both have, from 0 to 1."""
        mine, theirs = set(self.values), set(other.values)
        smallest = sorted(mine | theirs)[:KEPT]
        if not smallest:
            return 0.0
        return len((mine & theirs).intersection(smallest)) / len(smallest)

    def alike(self, other: Sketch) -> bool:
        """Whether the texts are near-identical."""
        return self.likeness(other) >= ALIKE


def sketch_of(document: Document) -> Sketch | None:
    """The sketch of what an object says; None when it says too little to be told from others."""
    text, hosts = _stripped(_markup(document))
    if "&" in text:
        text = _ENTITY.sub(" ", text)
    if "://" in text:
        hosts.update(host.lower() for host in _ADDRESS.findall(text))
        text = _ADDRESS.sub(" ", text)
    if "@" in text:
        text = _MENTION.sub(" ", text)
    words, weight = _words(text)
    if weight < (TELLING_WITH_LINK if hosts else TELLING):
        return None
    words.update(f"//{host}".encode("utf-8", "replace") for host in hosts)
    return Sketch(tuple(sorted(map(crc32, words))[:KEPT]))


def plain(document: Document) -> str:
    """What an object says, without its markup, in one line."""
    return " ".join(_stripped(_markup(document))[0].split())


def _markup(document: Document) -> str:
    """Title, warning and body; of a body in several languages the first."""
    parts = [document.get("name"), document.get("summary"), document.get("content")]
    if not isinstance(parts[2], str):
        bodies = document.get("contentMap")
        parts[2] = next(iter(bodies.values()), None) if isinstance(bodies, dict) else None
    return " ".join(part for part in parts if isinstance(part, str))[:LONGEST]


def _stripped(markup: str) -> tuple[str, set[str]]:
    """The text without its tags, and the hosts of links.

    Links of mentions and hashtags are none: they lead to the author's own server.
    """
    first, *rest = markup.split("<")
    pieces, hosts = [first], set[str]()
    for part in rest:
        tag, _, text = part.partition(">")
        name = tag.partition(" ")[0]
        if name not in _INLINE and name.lower() not in _INLINE:
            pieces.append(" ")
        elif name in {"a", "A"} and not any(mark in tag for mark in _NO_LINK):
            hosts.update(host.lower() for host in _HREF.findall(tag)[:1])
        pieces.append(text)
    return "".join(pieces), hosts


def _words(text: str) -> tuple[set[bytes], int]:
    """The different words, and how many of them tell something: of pairs of Han characters every other one."""
    if text.isascii():
        words = {word for word in text.encode().translate(_LETTERS).split()[:MOST] if len(word) > SHORT}
        return words, len(words)
    folded = unicodedata.normalize("NFKC", _INVISIBLE.sub("", text)[:FOLDED]).casefold()
    runs = _RUN.findall(folded) if _CJK.search(folded) else folded.translate(_PUNCTUATION).split()
    plain: set[str] = set()
    pairs: set[str] = set()
    for run in runs[:MOST]:
        if _HAN.match(run):
            pairs.update(run[at : at + 2] for at in range(max(1, min(len(run), MOST) - 1)))
        elif len(run) > SHORT or not run.isascii():
            plain.add(run)
    words = {word.encode("utf-8", "replace") for word in plain | pairs}
    return words, len(plain) + len(pairs) // 2
