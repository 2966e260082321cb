"""Reads the words that conditions and lists hold: servers, accounts, hashtags, languages, media types, names."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from relay.config.diagnostics import guess
from relay.config.servers import NotAServer, read_server
from relay.domain import hosts
from relay.domain.content import hashtag_name, is_media_type, language_tag
from relay.domain.facts import NONE
from relay.domain.vocabulary import SAMPLE, FactKind

if TYPE_CHECKING:
    from collections.abc import Callable

    from relay.config.document import Scalar
    from relay.domain.vocabulary import FactInfo

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
_WILDCARD: Final = re.compile(r"(?:image|video|audio|text|application|model|font)/\*")
_SUFFIXES: Final = {
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "png": "image/png",
    "gif": "image/gif",
    "webp": "image/webp",
    "avif": "image/avif",
    "svg": "image/svg+xml",
    "mp4": "video/mp4",
    "webm": "video/webm",
    "mp3": "audio/mpeg",
    "ogg": "audio/ogg",
    "pdf": "application/pdf",
    **{kind: f"{kind}/*" for kind in ("image", "video", "audio")},
}


class NotAWord(ValueError):
    """This is not what is needed here. `code` is stable, `fix` says what to write, `guess` what was meant."""

    def __init__(self, cause: str, *, code: str = "P202", fix: str = "", guess: str = "") -> None:
        super().__init__(cause)
        self.code, self.fix, self.guess = code, fix, guess


def read_word(info: FactInfo, item: Scalar) -> frozenset[str]:
    """What one word of a condition on `info` stands for, in the form of the facts. Raises `NotAWord`.

    That is one word, or for `any` all of a kind.
    """
    if info.words:
        return _choice(info, item.text)
    if info.none and item.text == NONE:
        return frozenset({NONE})
    return frozenset({read_member(info.kind, item)})


def read_member(kind: FactKind, item: Scalar) -> str:
    """What a list or condition of this kind says in one place. Raises `NotAWord`."""
    if not item.text.strip():
        raise NotAWord("there is nothing here", code="P209", fix=_nothing(kind))
    return _READERS[kind](item.text.strip())


def _nothing(kind: FactKind) -> str:
    if kind is FactKind.HASHTAGS:
        return f"Write a hashtag without #, such as {SAMPLE[kind]}: # begins a comment."
    return f"Write for example {SAMPLE[kind]}"


def _choice(info: FactInfo, word: str) -> frozenset[str]:
    if word == "any" and info.any_of:
        return frozenset(info.any_of)
    word = info.other_words.get(word, word)
    if word in info.words:
        return frozenset({str(word)})
    close = guess(word, info.choices)
    fix = "" if close else f"Write one of: {', '.join(info.choices)}."
    raise NotAWord(f'"{word}" is nothing that {info.fact} can be', fix=fix, guess=close)


def _server(text: str) -> str:
    try:
        return read_server(text)
    except NotAServer as problem:
        raise NotAWord(str(problem), code=problem.code, fix=problem.fix) from None


def _actor(text: str) -> str:
    if hosts.is_http_url(text):
        return text
    sample = SAMPLE[FactKind.ACTORS]
    cause = f'"{text}" is not the address of an account'
    if "@" in text:
        cause = f'"{text}" is a handle; the address of the account is needed'
        raise NotAWord(cause, code="P211", fix=f"Write its id, such as {sample}")
    try:
        server = read_server(text)
    except NotAServer:
        raise NotAWord(cause, code="P211", fix=f"Write its id, such as {sample}") from None
    raise NotAWord(cause, code="P211", fix=f"For the whole server write from: {server}")


def _hashtag(text: str) -> str:
    name = hashtag_name(text)
    if name and not re.search(r"[\s#]", name):
        return name
    words = "".join(part.capitalize() for part in re.split(r"[\s#]+", text) if part)
    fix = f"Write it without spaces: {words}" if words else f"Write for example {SAMPLE[FactKind.HASHTAGS]}"
    raise NotAWord(f'"{text}" is not a hashtag', fix=fix)


def _language(text: str) -> str:
    tag = language_tag(text)
    if tag:
        return tag
    raise NotAWord(f'"{text}" is not a language code', fix="Write its code, such as en, de or pt-br")


def _media_type(text: str) -> str:
    lowered = text.lower()
    if is_media_type(lowered) or _WILDCARD.fullmatch(lowered):
        return lowered
    meant = _SUFFIXES.get(lowered.removeprefix("."), "")
    fix = "" if meant else f"Write for example {SAMPLE[FactKind.MEDIA_TYPES]} or image/*"
    raise NotAWord(f'"{text}" is not a media type', fix=fix, guess=meant)


def _name(text: str) -> str:
    if _NAME.fullmatch(text):
        return text
    meant = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:64]
    fix = f"Write {meant}: lower-case letters, digits and hyphens." if meant else "Write a name."
    raise NotAWord(f'"{text}" cannot be a name here', fix=fix)


_READERS: Final[dict[FactKind, Callable[[str], str]]] = {
    FactKind.SERVERS: _server,
    FactKind.ACTORS: _actor,
    FactKind.HASHTAGS: _hashtag,
    FactKind.LANGUAGES: _language,
    FactKind.MEDIA_TYPES: _media_type,
    FactKind.NAMES: _name,
}
