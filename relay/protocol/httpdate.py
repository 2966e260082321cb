"""Dates of HTTP: RFC 9110 5.6.7, the preferred form only.

The two obsolete forms, which senders must not make, are not read: no server in the recordings signs one,
and the year of the older has two digits.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import formatdate
from functools import lru_cache
from typing import Final

_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_DATE: Final = re.compile(
    r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), ([0-9]{2}) "
    rf"({'|'.join(_MONTHS)}) ([0-9]{{4}}) ([0-9]{{2}}):([0-9]{{2}}):([0-9]{{2}}) GMT"
)


@lru_cache(maxsize=64)  # a batch is signed at one time
def http_date(now: float) -> str:
    """The Date header for a time in seconds since 1970, such as `Sun, 06 Nov 1994 08:49:37 GMT`."""
    return formatdate(now, usegmt=True)


@lru_cache(maxsize=64)  # what arrives within a second was mostly signed within one
def parse_http_date(text: str) -> float | None:
    """The time in seconds since 1970 that a Date header gives, or None when it cannot be read. Total."""
    match = _DATE.fullmatch(text)
    if match is None:
        return None
    day, month, year, hour, minute, second = match.groups()
    seconds = min(int(second), 59)  # a leap second is the last of its minute here
    number = _MONTHS.index(month) + 1
    try:
        moment = datetime(int(year), number, int(day), int(hour), int(minute), seconds, tzinfo=UTC)
    except ValueError:
        return None
    return moment.timestamp()
