"""The operator's own hasher for PhotoDNA: the library is licensed, so the relay ships none and runs a command.

The command reads the file on its standard input and writes one hash a line in base64: an edge hash (version 2) of 924
bytes, or a classic hash of 144 bytes; one or two lines, the second for the picture without its border. It ends with 0;
with 3 for a picture that has no hash because it is flat or too small; anything else is a failure.
"""

from __future__ import annotations

import asyncio
import binascii
import os
import subprocess
from base64 import b64decode
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from relay.domain.errors import RemoteError
from relay.domain.hashservice import Unfit
from relay.domain.media import Undecodable

if TYPE_CHECKING:
    from collections.abc import Sequence

REPRESENTATIONS: Final = {924: "PreHashV2", 144: "Hash"}
"""How `/MatchHash` names a hash, by its number of bytes."""
MOST: Final = 5
"""Hashes that one request may hold."""
NO_HASH: Final = 3
_PASSED_ON: Final = ("PATH", "LANG", "LD_LIBRARY_PATH", "PHOTODNA_")
"""What the command sees of the environment: none of the relay's own secrets."""


@dataclass(frozen=True, slots=True)
class EdgeHash:
    """A hash as it is sent: which sort it is, and its base64."""

    representation: str
    value: str


class Hasher:
    """Runs `command` for every file, for at most `timeout` seconds."""

    def __init__(self, command: Sequence[str], *, timeout: float) -> None:
        self._command, self._timeout = tuple(command), timeout

    async def hashes(self, content: bytes) -> Sequence[EdgeHash] | Unfit:
        """Return the hashes of a file. Raises `RemoteError` (`hasher`) when the command failed."""
        status, said = await self._run(content)
        if status == NO_HASH:
            return Unfit(Undecodable.TOO_LITTLE_DETAIL.value)
        lines = said.split()
        if status != 0 or not 0 < len(lines) <= MOST:
            raise _broken(f"ended with {status}")
        return [_read(line) for line in lines]

    async def _run(self, content: bytes) -> tuple[int, bytes]:
        environment = {key: value for key, value in os.environ.items() if key.startswith(_PASSED_ON)}
        try:
            process = await asyncio.create_subprocess_exec(
                *self._command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=environment,
            )
        except OSError as error:
            raise _broken("cannot be started") from error
        try:
            async with asyncio.timeout(self._timeout):
                said, _ = await process.communicate(content)
        except TimeoutError:
            raise _broken("took too long") from None
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        return process.returncode or 0, said


def _read(line: bytes) -> EdgeHash:
    try:
        size = len(b64decode(line, validate=True))
    except binascii.Error:
        raise _broken("wrote no base64") from None
    if size not in REPRESENTATIONS:
        raise _broken("wrote what is no hash")
    return EdgeHash(REPRESENTATIONS[size], line.decode("ascii"))


def _broken(why: str) -> RemoteError:
    return RemoteError(f"the hasher {why}", code="hasher")
