"""Quantities as people write them: `16 MiB`, `14 days`, `100 million`, `1%`, `127.0.0.1:8080`.

Each reader takes what YAML gave and returns the value in one unit, or raises `ValueError` whose message says
what is wrong in a few words. A bare number is refused where its unit could be mistaken.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from relay.domain.rates import WINDOWS, Rate

_SIZES: Final = {
    "bytes": 1,
    "kb": 1000,
    "kib": 1024,
    "mb": 1000**2,
    "mib": 1024**2,
    "gb": 1000**3,
    "gib": 1024**3,
    "tb": 1000**4,
    "tib": 1024**4,
}
_TIMES: Final = {"second": 1, "minute": 60, "hour": 3600, "day": 86400, "week": 604800}
SIZE_UNITS: Final = ("bytes", "kB", "KiB", "MB", "MiB", "GB", "GiB")
"""Units of sizes as they are shown."""
TIME_UNITS: Final = tuple(f"{unit}s" for unit in _TIMES)
"""Units of times as they are shown."""
_COUNTS: Final = {"thousand": 1000, "million": 1000**2, "billion": 1000**3}
_AMOUNT: Final = re.compile(r"(?P<number>[0-9]{1,12}(?:\.[0-9]{1,6})?)\s{0,4}(?P<unit>%|[A-Za-z]{0,12})")
_LONGEST: Final = timedelta(days=36500)


def _split(value: object) -> tuple[float, str] | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    found = _AMOUNT.fullmatch(str(value).strip())
    return (float(found["number"]), found["unit"]) if found else None


def read_size(value: object) -> int:
    """A size in bytes, from `16 MiB`, `500 kB` or `1024 bytes`."""
    parts = _split(value)
    if parts is None or parts[1].lower() not in _SIZES:
        raise ValueError("is not a size; write for example 16 MiB")
    return round(parts[0] * _SIZES[parts[1].lower()])


def read_duration(value: object) -> timedelta:
    """A length of time, from `30 seconds`, `10 minutes`, `72 hours`, `14 days`, `2 weeks`."""
    parts = _split(value)
    unit = parts[1].lower().removesuffix("s") if parts else ""
    if parts is None or unit not in _TIMES:
        raise ValueError("is not a length of time; write for example 14 days or 30 seconds")
    seconds = parts[0] * _TIMES[unit]
    if seconds > _LONGEST.total_seconds():
        raise ValueError("is longer than a hundred years")
    return timedelta(seconds=seconds)


def read_count(value: object) -> int:
    """A number of things, from `100 million` or `100000000`."""
    parts = _split(value)
    if parts is None or (parts[1] and parts[1].lower() not in _COUNTS):
        raise ValueError("is not a number of things; write for example 100 million")
    number = parts[0] * _COUNTS.get(parts[1].lower(), 1)
    if number != int(number):
        raise ValueError("is not a whole number")
    return int(number)


def read_rate(value: object) -> Rate | None:
    """How often something may happen, from `300 per minute`, `20 per hour` or `unlimited` (None)."""
    if value == "unlimited":
        return None
    amount, per, window = value.rpartition(" per ") if isinstance(value, str) else ("", "", "")
    if not per or window.strip() not in WINDOWS:
        raise ValueError("is not a rate; write for example 300 per minute, or unlimited")
    count = read_count(amount.strip())
    if count < 1:
        raise ValueError("lets nothing through; write for example 300 per minute, or unlimited")
    return Rate(count, WINDOWS[window.strip()])


def read_share(value: object) -> float:
    """A share from 0 to 1, from `1%` or `0.5%`."""
    parts = _split(value)
    if parts is None or parts[1] != "%" or parts[0] > 100:
        raise ValueError("is not a share; write for example 1%")
    return parts[0] / 100


@dataclass(frozen=True, slots=True)
class Address:
    """Where to listen: a host name or address without brackets, and a port; 0 lets the system choose one."""

    host: str
    port: int

    def __str__(self) -> str:
        """The address as it is written."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def read_address(value: object) -> Address:
    """An address to listen on, from `127.0.0.1:8080`, `localhost:8080` or `[::1]:8080`."""
    host, colon, port = value.rpartition(":") if isinstance(value, str) else ("", "", "")
    bare = host.removeprefix("[").removesuffix("]")
    if not (colon and bare and re.fullmatch(r"[0-9]{1,5}", port) and int(port) <= 65535):
        raise ValueError("is not an address to listen on; write for example 127.0.0.1:8080")
    if ":" in bare:
        if not host.startswith("["):
            raise ValueError("needs brackets; write for example [::1]:8080")
        try:
            ipaddress.IPv6Address(bare)
        except ValueError:
            raise ValueError("is not an IPv6 address; write for example [::1]:8080") from None
    return Address(bare, int(port))
