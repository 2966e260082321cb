"""The service of kind `classifier`, asked for real."""

from __future__ import annotations

from relay.domain.media import ScanOutcome
from tests.live.asking import smoke


async def test_classifier_answers_as_documented() -> None:
    await smoke("classifier", ScanOutcome.MATCH, send="media")
