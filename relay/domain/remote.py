"""What other servers answer, as values."""

from __future__ import annotations

from dataclasses import dataclass

from relay.domain.errors import RemoteError


@dataclass(frozen=True, slots=True)
class Fetched:
    """A successful GET: the body after any content coding, at most the limit that was asked for.

    `url` is where the body finally came from, after redirects; `content_type`, `etag` and `modified` (the header
    `Last-Modified`) as sent, or an empty string.
    """

    url: str
    content_type: str
    body: bytes
    etag: str = ""
    modified: str = ""


@dataclass(frozen=True, slots=True)
class Posted:
    """The answer to a delivery: the status, the seconds of `Retry-After` if it was sent, the start of the body."""

    status: int
    retry_after: float | None = None
    detail: str = ""


First = Posted | RemoteError | None
"""What came of a delivery that was sent at once; None: its connection had ended, and it is to be sent again."""
