"""The keeper of kind `ncmec-hashes`, asked for real: without an address its test environment."""

from __future__ import annotations

from tests.live.fetching import fetched


async def test_ncmec_answers_as_documented() -> None:
    await fetched("ncmec", "ncmec-hashes", 1000)
