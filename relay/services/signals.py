"""How the services of one process wake each other. Everything also works without: workers look by themselves.

A wake-up is a hint and never carries state: what counts is in the store.
"""

from __future__ import annotations

import asyncio


class Wakeup:
    """A flag that one worker waits for and anybody sets."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def set(self) -> None:
        """There is work."""
        self._event.set()

    async def wait(self, seconds: float) -> None:
        """Return when there is work, or after `seconds`."""
        try:
            async with asyncio.timeout(seconds):
                await self._event.wait()
        except TimeoutError:
            pass
        self._event.clear()

    def take(self) -> bool:
        """Return and forget whether there is work."""
        found = self._event.is_set()
        self._event.clear()
        return found


class Signals:
    """The wake-ups of one process, and what the fan-out should hear at once."""

    def __init__(self) -> None:
        self.screening = Wakeup()
        self.fanout = Wakeup()
        self.letters = Wakeup()
        self.software = Wakeup()
        self.submissions = Wakeup()
        self.webhooks = Wakeup()
        self.enforcement = Wakeup()
        self.lab = Wakeup()
        self.alerts = Wakeup()
        self.reload = Wakeup()
        self.reloaded = Wakeup()
        self._changed = True
        self._heard: set[str] = set()
        self._withdrawn: dict[str, int] = {}

    def changed(self) -> None:
        """Something was published, or a subscription came, went or changed."""
        self._changed = True
        self.fanout.set()

    def take_change(self) -> bool:
        """Return and forget whether there was such a change."""
        changed, self._changed = self._changed, False
        return changed

    def heard_from(self, server: str) -> None:
        """A server sent a valid request, so it is up: its back-off can end."""
        self._heard.add(server)

    def withdrawn(self, object_ids: set[str], upto: int) -> None:
        """Objects were deleted by their own server: cached log entries of them must go, up to that position.

        What comes later is the deletion itself.
        """
        self._withdrawn |= dict.fromkeys(object_ids, upto)
        self.changed()

    def take(self) -> tuple[set[str], dict[str, int]]:
        """Return and forget: servers heard from, objects withdrawn and up to which position."""
        heard, withdrawn = self._heard, self._withdrawn
        self._heard, self._withdrawn = set(), {}
        return heard, withdrawn
