"""The setting of Cloudflare's scanning tool, asked for real."""

from __future__ import annotations

from tests.live.fetching import looked


async def test_cloudflare_answers_as_documented() -> None:
    await looked()
