"""Is a fetched document what it says it is? The origin-based security of FEP-fe34.

Anybody can upload a file that is valid ActivityStreams to a server that hosts files; so the media type has
to be one that only a server's software gives (GHSA-jhrq-qvrm-qr36), and the id has to be on the origin that
answered (CVE-2024-23832).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final

from relay.domain.hosts import is_http_url, same_origin

ACCEPT: Final = (
    'application/activity+json, application/ld+json; profile="https://www.w3.org/ns/activitystreams"'
)
"""The Accept header of our fetches (ActivityPub 3.2)."""

_PROFILE: Final = "https://www.w3.org/ns/activitystreams"
_PARAMETER: Final = re.compile(r';[ \t]*([!#$%&\'*+.^_`|~0-9A-Za-z-]+)=(?:"([^"\\]*)"|([^ \t;"]+))[ \t]*')


@dataclass(frozen=True, slots=True)
class Same:
    """The document is what stands at its id: `id` is the name to use for it from here on."""

    id: str


@dataclass(frozen=True, slots=True)
class RefetchAt:
    """The document names another id on the same origin: fetch it there, once."""

    url: str


class IdentityFailure(Enum):
    """Why a document is not believed."""

    BAD_DOCUMENT = "bad-document"
    """No JSON object, or without an http(s) id."""
    WRONG_ID = "wrong-id"
    """Its id is on another origin than the server that answered."""


def check_content_type(value: str) -> bool:
    """Whether a Content-Type is one of ActivityStreams 2.0 (rows 1 and 2). Total.

    `application/activity+json` with any parameters, or `application/ld+json` whose `profile` names
    ActivityStreams (ActivityPub 3.2, RFC 6906). `application/json` is not: file hosts send it.
    """
    essence, _, _ = value.partition(";")
    media_type = essence.strip(" \t").lower()
    if media_type == "application/activity+json":
        return True
    return media_type == "application/ld+json" and _PROFILE in _profiles(value[len(essence) :])


def check_identity(
    requested_url: str, final_url: str, document: object
) -> Same | RefetchAt | IdentityFailure:
    """Whether a document asked for at `requested_url`, answered by `final_url`, may bear its id (rows 3, 4).

    The origin that answered has to be that of the id. When the id is neither of the two URLs the document
    may be a copy: it is fetched once more at its id, and what is not `Same` then is refused by the caller.
    Total.
    """
    document_id = document.get("id") if isinstance(document, Mapping) else None
    if not isinstance(document_id, str) or not is_http_url(document_id):
        return IdentityFailure.BAD_DOCUMENT
    if not same_origin(document_id, final_url):
        return IdentityFailure.WRONG_ID
    names = {url.partition("#")[0] for url in (requested_url, final_url)} | {requested_url}
    return Same(document_id) if document_id in names else RefetchAt(document_id)


def _profiles(parameters: str) -> list[str]:
    """The URIs in the parameter `profile`, which is a list with spaces between (JSON-LD 1.1 C)."""
    position = 0
    while match := _PARAMETER.match(parameters, position):
        name, quoted, token = match.groups()
        if name.lower() == "profile":
            return (token if quoted is None else quoted).split()
        position = match.end()
    return []
