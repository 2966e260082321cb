"""What an account says of itself by which it asks not to be passed on by machines.

Three signs, of which the operator chooses. Only what is written out counts: software that does not know `indexable` or
`discoverable` must not silence its people by leaving it out.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from relay.domain.attachments import flat
from relay.domain.content import hashtags_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from relay.domain.attachments import Document

WORDS: Final = frozenset({"nobot", "nobots", "norelay", "norelays"})
"""Hashtags in a profile that ask machines to keep away."""
MAX_TEXT: Final = 20_000
"""Characters that are looked at of a profile's text, and of each of its fields."""
MAX_FIELDS: Final = 32
_WRITTEN: Final = re.compile(r"(?<![\w/&#])#(?:\Wspan\W)?(?:nobot|norelay)s?(?!\w)", re.IGNORECASE)
"""The same words in text, also as Mastodon and GoToSocial show them, with an element around the word."""


class Sign(StrEnum):
    """A way to say no."""

    NOBOT = "nobot"
    """`#nobot` or `#norelay` in the profile's text or fields."""
    NOT_INDEXABLE = "not-indexable"
    """`indexable: false` (FEP-5feb)."""
    NOT_DISCOVERABLE = "not-discoverable"
    """`discoverable: false`."""


def refusal(actor: Document, signs: Collection[Sign]) -> Sign | None:
    """The first of `signs` that an actor document shows, or None. Total."""
    if Sign.NOBOT in signs and _asks_machines_to_keep_away(actor):
        return Sign.NOBOT
    if Sign.NOT_INDEXABLE in signs and actor.get("indexable") is False:
        return Sign.NOT_INDEXABLE
    if Sign.NOT_DISCOVERABLE in signs and actor.get("discoverable") is False:
        return Sign.NOT_DISCOVERABLE
    return None


def _asks_machines_to_keep_away(actor: Document) -> bool:
    """Whether one of the words stands in `tag`, in the profile's text or in a field of it (`PropertyValue`)."""
    if not WORDS.isdisjoint(hashtags_of(actor)):
        return True
    return any(_WRITTEN.search(text[:MAX_TEXT]) for text in _texts(actor))


def _texts(actor: Document) -> Iterator[str]:
    fields = [one for one in flat(actor.get("attachment"))[:MAX_FIELDS] if isinstance(one, dict)]
    found = [actor.get("summary"), *(one.get(key) for one in fields for key in ("name", "value"))]
    return (text for text in found if isinstance(text, str))
