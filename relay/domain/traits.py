"""What of an activity tells who wants it: kept with each log entry, so that fan-out needs neither body nor facts.

Bounded whatever a post holds: a few languages, some hashtags, one flag. What an author writes in a form that is not
read here is not refused: a post without a language counts as one whose language nobody knows.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from relay.domain.attachments import flat, types_of
from relay.domain.policy_rules import Verb

if TYPE_CHECKING:
    from collections.abc import Iterator

    from relay.domain.activity import ApObject
    from relay.domain.attachments import Document

MAX_LANGUAGES: Final = 4
"""Most languages that are read of one post."""
MAX_HASHTAGS: Final = 64
"""Most hashtags that are read of one post, and entries of `tag` that are looked at are eight times as many."""
LONGEST_HASHTAG: Final = 100
"""Characters; longer ones are left out."""
LANGUAGE: Final = re.compile(r"[a-z]{2,3}(?:-[a-z0-9]{1,8}){0,4}")
"""A language tag in lower case (RFC 5646 2.1), without the forms that nobody uses for posts."""
_UNKNOWN: Final = frozenset({"und", "mis", "mul", "zxx"})
"""Tags that name no language (ISO 639-2)."""


@dataclass(frozen=True, slots=True)
class Traits:
    """What decides who gets a log entry.

    `kind` is the activity's type, `verb` what the policy decided. `languages` are lower-case tags (BCP 47), `hashtags`
    are as `hashtag` gives them, `media` tells whether there is any. An Update of a post that is still in the log has
    the position at which it was `first` published and what the post was then, `original`.
    """

    kind: str = "Create"
    verb: Verb = Verb.RELAY
    languages: tuple[str, ...] = ()
    hashtags: tuple[str, ...] = ()
    media: bool = False
    first: int | None = None
    original: Traits | None = None


def traits_of(kind: str, post: ApObject | None) -> Traits:
    """The traits of an activity of this kind about a post; None for what is about no post that is at hand."""
    if post is None:
        return Traits(kind)
    return Traits(
        kind,
        languages=languages_of(post.document),
        hashtags=hashtags_of(post.document),
        media=bool(post.media) or not post.media_complete,
    )


def languages_of(document: Document) -> tuple[str, ...]:
    """The languages that a post says it is written in, as lower-case tags; none when it does not say.

    `contentMap` and `nameMap` (ActivityStreams 2.0 4.7), else `language` (PeerTube, Lemmy), else the `@language` of an
    inline context (JSON-LD 1.1 4.2.4).
    """
    for found in (_map_keys(document), _named(document.get("language")), _of_context(document)):
        tags = dict.fromkeys(tag for text in found if (tag := language(text)) is not None)
        if tags:
            return tuple(tags)[:MAX_LANGUAGES]
    return ()


def hashtags_of(document: Document) -> tuple[str, ...]:
    """The hashtags of a post (ActivityStreams extension `Hashtag` in `tag`), each once."""
    found: dict[str, None] = {}
    for entry in flat(document.get("tag"))[: 8 * MAX_HASHTAGS]:
        name = entry.get("name") if isinstance(entry, dict) and "Hashtag" in types_of(entry) else None
        tag = hashtag(name) if isinstance(name, str) else None
        if tag is not None:
            found[tag] = None
    return tuple(found)[:MAX_HASHTAGS]


def language(text: str) -> str | None:
    """A language tag in lower case; None for what is none, or names no language."""
    tag = text.strip().replace("_", "-").lower()
    return tag if LANGUAGE.fullmatch(tag) and tag.partition("-")[0] not in _UNKNOWN else None


def hashtag(text: str) -> str | None:
    """A hashtag without its sign, so that spellings of one compare equal; None for what is none.

    Full-width and composed letters are one with the plain ones (NFKC), and case does not count.
    """
    tag = unicodedata.normalize("NFKC", text).strip().removeprefix("#").casefold()
    fits = 0 < len(tag) <= LONGEST_HASHTAG and not any(letter.isspace() or letter in "#,/" for letter in tag)
    return tag if fits and tag.isprintable() else None


def widened(tags: tuple[str, ...]) -> frozenset[str]:
    """The tags and every shorter tag that stands for them, as basic filtering has it (RFC 4647 3.3.1)."""
    return frozenset(prefix for tag in tags for prefix in _prefixes(tag))


def _prefixes(tag: str) -> Iterator[str]:
    parts = tag.split("-")
    return ("-".join(parts[:count]) for count in range(1, len(parts) + 1))


def _map_keys(document: Document) -> list[str]:
    maps = [document.get(name) for name in ("contentMap", "nameMap")]
    return [key for found in maps if isinstance(found, dict) for key in found]


def _named(value: object) -> list[str]:
    found = value.get("identifier") if isinstance(value, dict) else value
    return [found] if isinstance(found, str) else []


def _of_context(document: Document) -> list[str]:
    contexts = [one for one in flat(document.get("@context")) if isinstance(one, dict)]
    return [tag for one in contexts if isinstance(tag := one.get("@language"), str)]
