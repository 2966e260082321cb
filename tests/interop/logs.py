"""Where the processes of the tests keep their logs: a test that fails shows the end of each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SHOWN: Final = 6000
"""Characters of the end of each log."""
_folders: Final[list[Path]] = []


def logs_in(folder: Path) -> Path:
    """Show the logs in this folder, too; return it."""
    _folders.append(folder)
    return folder


def forget(folder: Path) -> None:
    """Show the logs in this folder no more."""
    _folders.remove(folder)


def ends() -> Iterator[tuple[str, str]]:
    """The name and the end of every log."""
    for folder in _folders:
        for log in sorted(folder.rglob("*.log")):
            yield f"end of {log.relative_to(folder)}", log.read_text(errors="replace")[-SHOWN:]
