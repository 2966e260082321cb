"""What other servers answer, as values."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from relay.domain.english import duration
from relay.domain.errors import RemoteError
from relay.domain.scheme import REFUSALS

CLOCKS_APART: Final = 240.0
"""Seconds by which a signature may be off for everybody: 300 for Misskey, less a minute under way; more for others."""
_DAY: Final = 86_400


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
    """The answer to a delivery: the status, the seconds of `Retry-After` if it was sent, the start of the body.

    If it did not take the delivery: `date` is the server's time, in seconds since the Unix epoch, if it was sent, and
    `ahead` by how many seconds that is later than our signature.
    """

    status: int
    retry_after: float | None = None
    detail: str = ""
    date: float | None = None
    ahead: float | None = None

    def to(self, signed_at: float) -> Posted:
        """The same, as the answer to a request that was signed at a time."""
        return self if self.date is None else replace(self, ahead=self.date - signed_at)

    @property
    def misdated(self) -> bool:
        """Whether the time of our signature may be all that was refused: then it says nothing about what was sent."""
        return self.status in REFUSALS and self.ahead is not None and abs(self.ahead) > CLOCKS_APART

    @property
    def error(self) -> str:
        """What to tell people who ask why it was not taken."""
        if not self.misdated or self.ahead is None:
            return f"status {self.status}"
        seconds = abs(self.ahead)
        unit = _DAY if seconds >= 2 * _DAY else 3600 if seconds >= 7200 else 60
        apart = duration(round(seconds / unit) * unit)
        return f"status {self.status}: its clock is {apart} {'ahead of' if self.ahead > 0 else 'behind'} ours"


Headers = Mapping[str, str] | Callable[[], Awaitable[Mapping[str, str]]]
"""The headers of a request, or what makes them once there is a connection to send it on."""

First = Posted | RemoteError | None
"""What came of a delivery that was sent at once; None: its connection had ended, and it is to be sent again."""
