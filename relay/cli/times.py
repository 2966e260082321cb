"""Times as people give them to commands: a length of time, how long ago, a day, or a moment."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Final

import click

_SHORT: Final = {"s": "seconds", "m": "minutes", "min": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_SPAN: Final = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,6})?) ?(s|m|min|h|d|w)")


class Length(click.ParamType[float]):
    """A length of time, as `2h`, `30m` or "2 hours"; the value is in seconds."""

    name = "time"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Read it."""
        if isinstance(value, float):
            return value
        try:
            return _seconds(str(value))
        except ValueError as error:
            self.fail(f"{value!r} {error}", param, ctx)


def read_moment(_ctx: click.Context, _param: click.Parameter, text: str | None) -> float | None:
    """Callback of an option: read a time into seconds since the epoch. Raises `BadParameter`.

    `7d`, `36h`, `2 weeks` ago; `2026-11-20`, its first second in UTC; or RFC 3339, in UTC without a zone.
    """
    from relay.adapters.system import SystemClock

    if text is None:
        return None
    try:
        return SystemClock().now() - _seconds(text)
    except ValueError:
        pass  # no length of time: a day or a moment
    try:
        found = datetime.fromisoformat(text)
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        raise click.BadParameter(
            f"'{text}' is not a time; write for example 7d, 36h, or 2026-11-20."
        ) from None


def _seconds(text: str) -> float:
    """Read a length of time. Raises `ValueError`, which says what it is not."""
    from relay.config.quantities import read_duration

    short = _SPAN.fullmatch(text.strip())
    return read_duration(f"{short[1]} {_SHORT[short[2]]}" if short else text).total_seconds()
