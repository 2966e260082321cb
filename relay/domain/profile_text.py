"""Reads what people write about a profile, at the prompt and in forms, and the profile as it is stored.

Every mistake is told at once, each with what to write instead.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from relay.domain.content import hashtag_name, language_tag
from relay.domain.rates import WINDOWS, Rate
from relay.domain.subscriber_profile import Direction, SubscriberProfile

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

MOST_LANGUAGES: Final = 32
MOST_HASHTAGS: Final = 128
LARGEST_RATE: Final = 1_000_000
SMALLEST_SAMPLE: Final = 0.0001
LONGEST_TEXT: Final = 20_000
"""Characters that are looked at of one choice."""
ANY: Final = frozenset({"", "any", "all", "*"})
UNLIMITED: Final = frozenset({"", "any", "unlimited", "none"})
DEFAULT: Final = "default"
"""The word for the profile of subscribers that chose none."""
_RATE: Final = re.compile(r"([0-9]{1,7})\s*(?:/|per)\s*(minute|hour|day)")
_SHARE: Final = re.compile(r"([0-9]{1,3}(?:\.[0-9]{1,4})?)\s*%")
_YES_NO: Final = {"yes": True, "no": False}


class _Unfit(Exception):
    """A text that cannot be read; the message says what to write."""


def read_choices(
    base: SubscriberProfile, texts: Mapping[str, str], names: Collection[str]
) -> tuple[SubscriberProfile, dict[str, str]]:
    """The profile `base` with what `texts` say, by the names of `READERS`, and the problems, by the same names.

    What is not in `texts` stays, and so does what has a problem. `names` are the policy's profiles.
    """
    changes: dict[str, Any] = {}
    problems: dict[str, str] = {}
    for key, text in texts.items():
        try:
            changes["name" if key == "profile" else key] = READERS[key](_short(text), names)
        except _Unfit as error:
            problems[key] = str(error)
    return replace(base, **changes), problems


def profile_of(stored: Mapping[str, Any]) -> SubscriberProfile:
    """The profile that `SubscriberProfile.as_json` wrote; what is absent has its default."""
    rate = stored.get("rate")
    return SubscriberProfile(
        name=stored.get("profile"),
        direction=Direction(stored.get("direction", Direction.BOTH)),
        languages=frozenset(stored.get("languages", ())),
        hashtags=frozenset(stored.get("hashtags", ())),
        media=stored.get("media", True),
        rate=None if rate is None else _rate(rate, ()),
        sample=stored.get("sample", 1.0),
        recalls=stored.get("recalls", False),
    )


def sentence(profile: SubscriberProfile, default: str) -> str:
    """The profile in a line for people. `default` is the policy's profile of those that chose none."""
    parts = [profile.name or default]
    if profile.direction is not Direction.BOTH:
        parts.append("only sends to us" if profile.direction is Direction.PUSH else "only receives")
    for word, found in (("languages", profile.languages), ("hashtags", profile.hashtags)):
        if found:
            parts.append(f"{word} {', '.join(sorted(found))}")
    if not profile.media:
        parts.append("no media")
    if profile.rate is not None:
        parts.append(f"at most {profile.rate}")
    if profile.sample < 1.0:
        parts.append(f"{percent(profile.sample)} of posts")
    if profile.recalls:
        parts.append("recalls for software")
    return "; ".join(parts)


def percent(share: float) -> str:
    """A share as people write it."""
    return f"{share * 100:.4f}".rstrip("0").rstrip(".") + "%"


def _short(text: str) -> str:
    if len(text) > LONGEST_TEXT:
        raise _Unfit("That is too long.")
    return text.strip().lower()


def _name(text: str, names: Collection[str]) -> str | None:
    if text in {"", DEFAULT}:
        return None
    if text not in names:
        raise _Unfit(f"There is no profile {text[:60]!r}: write {', '.join(sorted(names))}, or {DEFAULT}.")
    return text


def _direction(text: str, _names: Collection[str]) -> Direction:
    if text not in list(Direction):
        raise _Unfit("Write both, push (only from the subscriber to the relay) or receive (only to it).")
    return Direction(text)


def _languages(text: str, _names: Collection[str]) -> frozenset[str]:
    unfit = "{!r} is no language: write tags such as de, en or pt-br, with commas between, or any."
    return _set(text, language_tag, MOST_LANGUAGES, unfit)


def _hashtags(text: str, _names: Collection[str]) -> frozenset[str]:
    unfit = "{!r} is no hashtag: write words such as art or caturday, with commas between, or any."
    return _set(text, _hashtag, MOST_HASHTAGS, unfit)


def _hashtag(word: str) -> str:
    """A hashtag as in `Content`; empty for what no post can have, such as a path or marks that nobody sees."""
    name = hashtag_name(word)
    return name if name.isprintable() and frozenset("#/").isdisjoint(name) else ""


def _set(text: str, read: Callable[[str], str], most: int, unfit: str) -> frozenset[str]:
    if text in ANY:
        return frozenset()
    found = set[str]()
    for word in re.split(r"[\s,]+", text.strip(", ")):
        value = read(word)
        if not value:
            raise _Unfit(unfit.format(word[:60]))
        found.add(value)
    if len(found) > most:
        raise _Unfit(f"That are {len(found)}; at most {most} are possible.")
    return frozenset(found)


def _media(text: str, _names: Collection[str]) -> bool:
    if text not in _YES_NO:
        raise _Unfit("Write yes, or no for posts without media only.")
    return _YES_NO[text]


def _rate(text: str, _names: Collection[str]) -> Rate | None:
    if text in UNLIMITED:
        return None
    found = _RATE.fullmatch(text)
    if found is None or not 1 <= int(found[1]) <= LARGEST_RATE:
        raise _Unfit("Write a number from 1 on and a time, such as 60/minute or 500/hour, or unlimited.")
    return Rate(int(found[1]), WINDOWS[found[2]])


def _sample(text: str, _names: Collection[str]) -> float:
    found = _SHARE.fullmatch(text)
    share = float(found[1]) / 100 if found is not None else 0.0
    if not SMALLEST_SAMPLE <= share <= 1.0:
        raise _Unfit("Write a share above 0% and up to 100%, such as 50%.")
    return share


def _recalls(text: str, _names: Collection[str]) -> bool:
    if text not in _YES_NO:
        raise _Unfit("Write yes for recalls that software can read, or no.")
    return _YES_NO[text]


READERS: Final[Mapping[str, Callable[[str, Collection[str]], object]]] = {
    "profile": _name,
    "direction": _direction,
    "languages": _languages,
    "hashtags": _hashtags,
    "media": _media,
    "rate": _rate,
    "sample": _sample,
    "recalls": _recalls,
}
"""What can be chosen, by the name that people write."""
