"""How the services of the relay wake each other. Everything also works without: workers look by themselves.

A wake-up is a hint and never carries state: what counts is in the store. Where the relay is several processes
(`services.sharing`) it goes to all of them.
"""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

UNHEARD: Final = 10_000
"""Words of each kind that are kept for a fan-out that does not run here, or is slow: they are hints (see above)."""
_CHANGED: Final = "changed"
_HEARD: Final = "heard "


class Wakeup:
    """A flag that one worker waits for and anybody sets. `say` tells it to the other processes."""

    def __init__(self, say: Callable[[], None] | None = None) -> None:
        self._event, self._say = asyncio.Event(), say

    def set(self) -> None:
        """There is work."""
        self.hear()
        if self._say is not None:
            self._say()

    def hear(self) -> None:
        """There is work, as another process knows already."""
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
        self._wakeups: dict[str, Wakeup] = {}
        self.screening = self._shared_as("screening")
        self.fanout = Wakeup()  # the fan-out's own; others say that something changed
        self.letters = self._shared_as("letters")
        self.software = self._shared_as("software")
        self.submissions = self._shared_as("submissions")
        self.webhooks = self._shared_as("webhooks")
        self.enforcement = self._shared_as("enforcement")
        self.lab = self._shared_as("lab")
        self.alerts = self._shared_as("alerts")
        self.shares = self._shared_as("shares")
        self.reload = self._shared_as("reload")
        self.reloaded = self._shared_as("reloaded")
        self._said: set[str] | None = None
        self._saying = asyncio.Event()
        self._changed = True
        self._heard: set[str] = set()
        self._withdrawn: dict[str, int] = {}

    def changed(self) -> None:
        """Something was published, or a subscription came, went or changed."""
        self._hear_change()
        self._say(_CHANGED)

    def _hear_change(self) -> None:
        self._changed = True
        self.fanout.set()

    def take_change(self) -> bool:
        """Return and forget whether there was such a change."""
        changed, self._changed = self._changed, False
        return changed

    def heard_from(self, server: str) -> None:
        """A server sent a valid request, so it is up: its back-off can end."""
        self._hear_from(server)
        self._say(_HEARD + server)

    def _hear_from(self, server: str) -> None:
        if len(self._heard) < UNHEARD:
            self._heard.add(server)

    def withdrawn(self, object_ids: set[str], upto: int) -> None:
        """Objects were deleted by their own server: cached log entries of them must go, up to that position.

        What comes later is the deletion itself.
        """
        self._withdrawn |= dict.fromkeys(object_ids, upto)
        while len(self._withdrawn) > UNHEARD:
            del self._withdrawn[next(iter(self._withdrawn))]
        self.changed()

    def take(self) -> tuple[set[str], dict[str, int]]:
        """Return and forget: servers heard from, objects withdrawn and up to which position."""
        heard, withdrawn = self._heard, self._withdrawn
        self._heard, self._withdrawn = set(), {}
        return heard, withdrawn

    # ------------------------------------------------------------------ other processes

    @contextmanager
    def shared(self) -> Iterator[asyncio.Event]:
        """Gather what is to be said to the other processes; the event is set when there is something."""
        self._said = set()
        try:
            yield self._saying
        finally:
            self._said = None

    def take_said(self) -> list[str]:
        """Return and forget what is to be said to the other processes."""
        said, self._said = sorted(self._said or ()), set()
        self._saying.clear()
        return said

    def hear(self, word: str) -> None:
        """Take note of what another process said; what a newer version says may mean nothing here."""
        if word == _CHANGED:
            self._hear_change()
        elif word.startswith(_HEARD):
            self._hear_from(word.removeprefix(_HEARD))
        elif word in self._wakeups:
            self._wakeups[word].hear()

    def missed(self) -> None:
        """Something may have been said that was not heard: look at everything."""
        self._hear_change()
        for wakeup in self._wakeups.values():
            wakeup.hear()

    def _shared_as(self, word: str) -> Wakeup:
        wakeup = self._wakeups[word] = Wakeup(partial(self._say, word))
        return wakeup

    def _say(self, word: str) -> None:
        if self._said is not None:
            self._said.add(word)
            self._saying.set()
