"""From the address of a post in a browser to its id, where the one can be made of the other.

ActivityPub ids are what servers exchange; people have what their browser shows. For Mastodon and GoToSocial the id
follows from that. Misskey, Lemmy, Pixelfed and others use one address for both; with Pleroma nothing follows.
"""

from __future__ import annotations

import re
from typing import Final

_SHOWN: Final = (
    # Mastodon: /@alice/109348…; of an account on another server (@alice@…) the id is not here.
    (re.compile(r"(https?://[^/]+)/@([^/@]+)/([0-9]+)"), r"\1/users/\2/statuses/\3"),
    # GoToSocial: /@alice/statuses/01H…
    (re.compile(r"(https?://[^/]+)/@([^/@]+)/statuses/([0-9A-Z]{26})"), r"\1/users/\2/statuses/\3"),
)


def spellings(text: str) -> tuple[str, ...]:
    """The ids that may be meant by what somebody wrote, the likeliest first."""
    written = text.strip()
    found = [written]
    address = re.split("[?#]", written, maxsplit=1)[0].rstrip("/")
    for pattern, replacement in _SHOWN:
        match = pattern.fullmatch(address)
        if match is not None:
            found.append(match.expand(replacement))
    return tuple(dict.fromkeys((*found, address)))
