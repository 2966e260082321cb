"""The service of kind `arachnid`, asked for real."""

from __future__ import annotations

from relay.domain.media import ScanOutcome
from tests.live.asking import smoke


async def test_arachnid_answers_as_documented() -> None:
    await smoke("arachnid", ScanOutcome.VENDOR_TEST_MATCH)
