"""Times as people give them to commands: how long ago, a day, or a moment."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Final

import click

_SHORT: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_AGO: Final = re.compile(r"([0-9]{1,9}) ?([smhdw])")


def read_moment(_ctx: click.Context, _param: click.Parameter, text: str | None) -> float | None:
    """Callback of an option: read a time into seconds since the epoch. Raises `BadParameter`.

    `7d`, `36h`, `2 weeks` ago; `2026-11-20`, its first second in UTC; or RFC 3339, in UTC without a zone.
    """
    from relay.adapters.system import SystemClock

    if text is None:
        return None
    ago = _seconds(text)
    if ago is not None:
        return SystemClock().now() - ago
    try:
        found = datetime.fromisoformat(text)
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        raise click.BadParameter(
            f"'{text}' is not a time; write for example 7d, 36h, or 2026-11-20."
        ) from None


def _seconds(text: str) -> float | None:
    from relay.config.quantities import read_duration

    short = _AGO.fullmatch(text.strip())
    try:
        return read_duration(f"{short[1]} {_SHORT[short[2]]}" if short else text).total_seconds()
    except ValueError:
        return None
