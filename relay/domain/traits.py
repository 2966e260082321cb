"""What of an activity tells who wants it: kept with each log entry, so that fan-out needs neither body nor facts.

Bounded whatever a post holds, as `content` is: some languages, some hashtags, one flag. What an author writes in a form
that is not read there is not refused: a post without a language counts as one whose language nobody knows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from relay.domain.content import Content, content_of
from relay.domain.policy_rules import Verb

if TYPE_CHECKING:
    from relay.domain.activity import ApObject


@dataclass(frozen=True, slots=True)
class Traits:
    """What decides who gets a log entry.

    `kind` is the activity's type, `verb` what the policy decided. `languages` and `hashtags` are those of `Content`,
    in the order of the alphabet, `media` tells whether there is any. An Update of a post that is still in the log has
    the position at which it was `first` published and what the post was then, `original`.
    """

    kind: str = "Create"
    verb: Verb = Verb.RELAY
    languages: tuple[str, ...] = ()
    hashtags: tuple[str, ...] = ()
    media: bool = False
    first: int | None = None
    original: Traits | None = None


def traits_of(kind: str, post: ApObject | None, content: Content | None = None) -> Traits:
    """The traits of an activity of this kind about a post; None for what is about no post that is at hand.

    `content` is the post's, if that was read already.
    """
    if post is None:
        return Traits(kind)
    content = content or content_of(post.document, ())
    return Traits(
        kind,
        languages=tuple(sorted(content.languages)),
        hashtags=tuple(sorted(content.hashtags)),
        media=bool(post.media) or not post.media_complete,
    )
