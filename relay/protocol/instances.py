"""What a server says of itself in public, where only its admins can write.

NodeInfo 2.0 and 2.1 leave `metadata` open; Misskey, Pleroma and others write `nodeDescription` there. Mastodon's
client API, which most offer, has `description` and in version 1 `short_description` besides. Nothing else in these
documents is read: accounts and announcements in them are written by others.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

INSTANCE_PATHS: Final = ("/api/v2/instance", "/api/v1/instance")
"""Where the client API describes the server."""
_TEXTS: Final = ("description", "short_description", "shortDescription", "nodeDescription")


def descriptions_in(document: object) -> tuple[str, ...]:
    """The descriptions in a NodeInfo or instance document. Total."""
    return tuple(_texts(document))


def _texts(document: object) -> Iterator[str]:
    if not isinstance(document, Mapping):
        return
    metadata = document.get("metadata")
    for place in (document, metadata if isinstance(metadata, Mapping) else {}):
        for name in _TEXTS:
            text = place.get(name)
            if isinstance(text, str):
                yield text
