"""The keeper of kind `threatexchange`, asked for real."""

from __future__ import annotations

from relay.adapters.scanners.keepers.threatexchange import PAGE
from tests.live.asking import given
from tests.live.fetching import fetched


async def test_threatexchange_answers_as_documented() -> None:
    group = int(given("threatexchange", "group") or 0)
    await fetched("threatexchange", "threatexchange", PAGE, privacy_group=group, category="known")
