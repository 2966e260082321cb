"""The service of kind `hma`, asked for real."""

from __future__ import annotations

from relay.domain.media import ScanOutcome
from tests.live.asking import smoke


async def test_hma_answers_as_documented() -> None:
    # Which banks are for tests only the operator knows: to the test every bank is one of known material.
    await smoke("hma", ScanOutcome.MATCH)
