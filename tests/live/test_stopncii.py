"""The keeper of kind `stopncii`, asked for real."""

from __future__ import annotations

from relay.adapters.scanners.keepers.stopncii import PAGE
from tests.live.fetching import fetched


async def test_stopncii_answers_as_documented() -> None:
    await fetched("stopncii", "stopncii", PAGE)
