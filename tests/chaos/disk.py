"""A small disk for a relay, which can be filled, made read-only and put right while it runs.

Where that is permitted it is a file system of its own, in a mount namespace that ends with the test. Elsewhere the
kernel is told to let no file of the relay grow (RLIMIT_FSIZE): SQLite then fails in the same places, with another code.
"""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.chaos.processes import Process

MEGABYTES = 12


@dataclass
class Mounted:
    """A tmpfs at `folder`, seen by who is started with `inside` in front. `holder` keeps its namespace alive."""

    folder: Path
    holder: int

    @property
    def inside(self) -> tuple[str, ...]:
        """What a command is started with that is to see it."""
        return ("nsenter", f"--target={self.holder}", "--mount", "--")

    @property
    def _seen(self) -> Path:
        return Path(f"/proc/{self.holder}/root{self.folder}")

    def fill(self, _relay: Process) -> None:
        """Leave no room."""
        with (self._seen / "filler").open("wb", buffering=0) as file:
            try:
                while True:
                    file.write(bytes(4096))
            except OSError:
                pass

    def mend(self, _relay: Process) -> None:
        """Make room."""
        (self._seen / "filler").unlink()

    def read_only(self, *, yes: bool) -> None:
        """Let nothing be written, or everything again; nobody may have anything open."""
        options = f"remount,{'ro' if yes else 'rw'},size={MEGABYTES}m"
        subprocess.run([*self.inside, "mount", "-o", options, str(self.folder)], check=True)  # noqa: S603


@dataclass
class Limited:
    """A folder in which the files of the relay do not grow for a while."""

    folder: Path
    inside: tuple[str, ...] = ()

    def fill(self, relay: Process) -> None:
        """Let nothing be written."""
        forbid_writing(relay, yes=True)

    def mend(self, relay: Process) -> None:
        """Let everything be written again."""
        forbid_writing(relay, yes=False)


def forbid_writing(relay: Process, *, yes: bool) -> None:
    """Let every write of a process fail, as on a disk that turns read-only under it; or no more."""
    _, hard = resource.prlimit(relay.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(relay.pid, resource.RLIMIT_FSIZE, (0 if yes else hard, hard))


@contextmanager
def disk(folder: Path) -> Iterator[Mounted | Limited]:
    """Put a small disk at a folder that is there; what is in it is gone afterwards."""
    holder = None
    if os.geteuid() == 0 and shutil.which("nsenter"):
        script = f"mount -t tmpfs -o size={MEGABYTES}m assay {folder} && echo mounted && exec sleep infinity"
        command = ["setpriv", "--pdeathsig", "KILL", "unshare", "--mount", "sh", "-c", script]
        holder = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)  # noqa: S603
        assert holder.stdout is not None
        if holder.stdout.readline() != b"mounted\n":
            holder.kill()
            holder.wait()
            holder.stdout.close()
            holder = None
    if holder is None:
        yield Limited(folder)
        return
    try:
        yield Mounted(folder, holder.pid)
    finally:
        holder.kill()
        holder.wait()
        holder.stdout.close()
