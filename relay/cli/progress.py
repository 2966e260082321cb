"""How far long work has come, on standard error of a terminal; nothing in pipes and files."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

Progress = Callable[[int, int | None], None]
"""Takes how much is done and how much there is in all, None while nobody knows."""


@contextmanager
def progress(doing: str, total: int | None = None, *, in_bytes: bool = False) -> Iterator[Progress]:
    """Show a bar while `doing` lasts. `total`: how much there is in all, unless the function is told later."""
    if not sys.stderr.isatty():
        yield lambda _done, _total: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    done = DownloadColumn() if in_bytes else MofNCompleteColumn()
    columns = (TextColumn(doing), BarColumn(), done, TimeRemainingColumn())
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(doing, total=total)
        yield lambda done, total: bar.update(task, completed=done, total=total)


@contextmanager
def busy(doing: str) -> Iterator[None]:
    """Show that something without a measure goes on."""
    if not sys.stderr.isatty():
        yield
        return
    from rich.console import Console

    with Console(stderr=True).status(doing):
        yield
