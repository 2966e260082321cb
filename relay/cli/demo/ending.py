"""How a demo ends before its time, or stays for somebody who wants to look around."""

from __future__ import annotations

import asyncio
import signal


def end_on_sigterm() -> None:
    """Let SIGTERM end the demo as Ctrl-C does: with everything stopped and removed."""
    task = asyncio.current_task()
    if task is not None:
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)


def interruption() -> asyncio.Event:
    """Return an event that SIGINT and SIGTERM set from now on."""
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    return stop
