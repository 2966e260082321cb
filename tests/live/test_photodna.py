"""The service of kind `photodna`, asked for real."""

from __future__ import annotations

from relay.domain.media import ScanOutcome
from tests.live.asking import smoke


async def test_photodna_answers_as_documented() -> None:
    await smoke("photodna", ScanOutcome.VENDOR_TEST_MATCH, send="media")
