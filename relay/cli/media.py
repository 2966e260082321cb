"""Media and documents that a command is given: files, standard input or addresses."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from relay.cli.output import size
from relay.cli.problems import Problem, Status

if TYPE_CHECKING:
    from relay.config.settings import MediaSettings
    from relay.ports import Remote


async def read_media(place: str, remote: Remote, limits: MediaSettings) -> bytes:
    """Return the bytes of a file, of standard input (`-`) or at a URL, within the relay's limits.

    Raises `Problem`, `BadParameter`, `RemoteError`. A URL is fetched as the relay would: never from a private network.
    """
    if is_address(place):
        timeout = limits.fetch_timeout.total_seconds()
        return (await remote.get(place, accept="*/*", limit=limits.max_size, timeout=timeout)).body
    return read_file(place, limits.max_size)


def read_file(place: str, limit: int) -> bytes:
    """Return the bytes of a file or of standard input (`-`).

    Raises `Problem` above `limit`, and `BadParameter` for a file that cannot be read.
    """
    try:
        with sys.stdin.buffer if place == "-" else Path(place).open("rb") as file:
            content = file.read(limit + 1)
    except OSError as error:
        raise click.BadParameter(f"{place}: {error.strerror}") from error
    if len(content) > limit:
        raise Problem(f"{place} is larger than {size(limit)}", code="too-large", status=Status.NO)
    return content


def is_address(place: str) -> bool:
    """Whether something is to be fetched."""
    return place.startswith(("https://", "http://"))
