"""What a post says about itself beside its media: who wrote it, its languages, hashtags, mentions and warning.

Nothing here is proven, and servers write it in more than one way; reading is total and bounded. Languages
stand as keys of `contentMap` (Mastodon, GoToSocial), as `language` (PeerTube, Lemmy: an object with
`identifier`) or `inLanguage` (Mobilizon); where none of these names one, the `@language` of an inline context counts.
Hashtags and mentions are entries of `tag`.

Source: ActivityStreams 2.0 vocabulary 4 (`contentMap`, `tag`) and 5.6 (`Mention`), JSON-LD 1.1 4.2.4 (`@language`), the
`Hashtag` and `sensitive` extensions of Mastodon, and the recordings in tests/golden/captures.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from relay.domain.attachments import flat, types_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from relay.domain.attachments import Document

MAX_TAGS: Final = 512
"""Most entries of `tag` that are looked at; a post with more is counted as one with as many mentions."""
MAX_HASHTAGS: Final = 128
"""Most hashtags that are kept of one post."""
MAX_HASHTAG: Final = 100
"""Longest hashtag in characters; a longer one is no word that a rule would name."""
MAX_LANGUAGES: Final = 16
"""Most languages that are kept of one post."""
MAX_AUTHORS: Final = 16
"""Most actors that are kept of one post."""

_LANGUAGE: Final = re.compile(r"[a-z]{2,3}(?:-[a-z0-9]{1,8}){0,4}")
"""RFC 5646 2.1, in lower case, without the forms that nobody uses for posts."""
_UNKNOWN: Final = frozenset({"und", "mis", "mul", "zxx"})
"""Codes that name no language (ISO 639-2): undetermined, without a code, several, no linguistic content."""
_TYPE: Final = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,63}/[a-z0-9][a-z0-9!#$&^_.+-]{0,63}")
_MAPS: Final = ("contentMap", "summaryMap", "nameMap")
_LANGUAGES: Final = ("language", "inLanguage")


@dataclass(frozen=True, slots=True)
class Content:
    """What a post says about itself.

    `actors` are the ids of the activity's actor and of the authors. `languages` are BCP 47 tags in lower
    case, `hashtags` as `hashtag_name` gives them. `mentions` is how many accounts are mentioned. `sensitive`:
    the author hides the media behind a warning.
    """

    actors: frozenset[str] = frozenset()
    languages: frozenset[str] = frozenset()
    hashtags: frozenset[str] = frozenset()
    mentions: int = 0
    sensitive: bool = False


def content_of(document: Document, actors: Iterable[str]) -> Content:
    """Read an object's document; `actors` are the ids of whoever did it, first, and wrote it."""
    tags = flat(document.get("tag"))
    entries = [entry for entry in tags[:MAX_TAGS] if isinstance(entry, dict)]
    mentions = _mentions(entries)
    return Content(
        actors=_some(dict.fromkeys(actors), MAX_AUTHORS),
        languages=_languages_of(document),
        hashtags=_hashtags(entries),
        # Mentions behind the last entry that is looked at must not be a way around a rule that counts them.
        mentions=len(mentions) if len(tags) <= MAX_TAGS else max(len(mentions), MAX_TAGS),
        sensitive=document.get("sensitive") is True,
    )


def mentioned_in(document: Document) -> frozenset[str]:
    """The accounts that a post mentions: their ids, or their names where it gives none."""
    return _mentions(_first_tags(document))


def hashtags_of(document: Document) -> frozenset[str]:
    """The hashtags of a post, or of a profile, as `hashtag_name` gives them."""
    return _hashtags(_first_tags(document))


def hashtag_name(value: object) -> str:
    """A hashtag as it is compared: without `#`, compatibility forms and case folded; empty for what is none.

    Mastodon compares likewise (normalization form KC, lower case), so a rule and a server agree on what is
    one hashtag.
    """
    if not isinstance(value, str) or len(value) > MAX_HASHTAG + 1:
        return ""
    name = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", value).casefold())
    name = name.lstrip("# \t\n").rstrip()
    return name if len(name) <= MAX_HASHTAG else ""  # one character may stand for many in normal form


def language_tag(value: object) -> str:
    """A BCP 47 tag in lower case with hyphens, such as `pt-br`; empty for what is none."""
    text = value.strip().lower().replace("_", "-") if isinstance(value, str) else ""
    return text if _LANGUAGE.fullmatch(text) and text.partition("-")[0] not in _UNKNOWN else ""


@lru_cache(maxsize=1024)
def covering_languages(tag: str) -> frozenset[str]:
    """Every tag that covers `tag`: `pt-br` is Portuguese, too (RFC 4647 3.3.1, basic filtering)."""
    parts = tag.split("-")
    return frozenset("-".join(parts[:count]) for count in range(1, len(parts) + 1))


def is_media_type(text: str) -> bool:
    """Whether `text` is a media type in lower case without parameters (RFC 6838 4.2)."""
    return _TYPE.fullmatch(text) is not None


@lru_cache(maxsize=1024)
def covering_types(media_type: str) -> frozenset[str]:
    """Every way to name a media type in a rule: itself, and `image/*` for `image/png` (RFC 9110 12.5.1)."""
    return frozenset({media_type, f"{media_type.partition('/')[0]}/*"})


def _some(found: Iterable[str], most: int) -> frozenset[str]:
    return frozenset(list(found)[:most])


def _hashtags(entries: Iterable[Document]) -> frozenset[str]:
    names = (hashtag_name(entry.get("name")) for entry in entries if "Hashtag" in types_of(entry))
    return _some(dict.fromkeys(filter(None, names)), MAX_HASHTAGS)


def _first_tags(document: Document) -> list[Document]:
    return [entry for entry in flat(document.get("tag"))[:MAX_TAGS] if isinstance(entry, dict)]


def _mentions(entries: Iterable[Document]) -> frozenset[str]:
    return frozenset(_mentioned(entry) for entry in entries if "Mention" in types_of(entry))


def _mentioned(entry: Document) -> str:
    href = entry.get("href")
    return href if isinstance(href, str) else str(entry.get("name"))


def _languages_of(document: Document) -> frozenset[str]:
    found = dict.fromkeys(_languages(document)) or dict.fromkeys(_of_context(document))
    return _some(found, MAX_LANGUAGES)


def _languages(document: Document) -> Iterator[str]:
    for name in _MAPS:
        value = document.get(name)
        if isinstance(value, dict):
            yield from filter(None, map(language_tag, list(value)[:MAX_LANGUAGES]))
    for name in _LANGUAGES:
        for value in flat(document.get(name))[:MAX_LANGUAGES]:
            named = value.get("identifier") if isinstance(value, dict) else value
            yield from filter(None, [language_tag(named)])


def _of_context(document: Document) -> Iterator[str]:
    for value in flat(document.get("@context"))[:MAX_LANGUAGES]:
        if isinstance(value, dict):
            yield from filter(None, [language_tag(value.get("@language"))])
