"""The service of kind `safer`, asked for real."""

from __future__ import annotations

from relay.domain.media import ScanOutcome
from tests.live.asking import smoke


async def test_safer_answers_as_documented() -> None:
    await smoke("safer", ScanOutcome.VENDOR_TEST_MATCH, send="media")
