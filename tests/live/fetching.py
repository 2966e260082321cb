"""Asks one keeper of a hash list, or Cloudflare, as a relay would: one page of the last hour, which is only counted.

Nothing of a page is stored, compared or printed: assertions are about numbers, so that no entry shows when one fails.
Everything comes from the environment: `LIVE_<KEEPER>_URL`, `_USER`, `_PASSWORD`, `_KEY` and so on.
"""

from __future__ import annotations

from typing import Final

from relay.adapters.scanners.services.cloudflare import UNKNOWN_MAIL, CloudflareTool
from relay.adapters.scanners.services.connection import ServiceConnection, Way
from relay.adapters.system import SystemClock
from relay.config.cloudflare import CloudflareSettings
from relay.config.keepers import KeeperSettings
from relay.wiring.listsync import _credentials, _keeper
from tests.live.asking import given

RECENT: Final = 3600.0
TIMEOUT: Final = 60.0
_ANY: Final = {"purpose": "Tried once", "country": "any"}


def _way() -> Way:
    return Way(clock=SystemClock(), user_agent="Assay/live-test")


async def fetched(keeper: str, kind: str, most: int, /, **more: object) -> None:
    """Fetch one page: it is as documented, has at most so many entries, and nothing that is not documented."""
    named = {name: given(keeper, name) for name in ("url", "user", "password", "key", "function_key")}
    keys = {name: value for name, value in named.items() if value is not None}
    one = KeeperSettings.model_validate({"name": "live", "kind": kind, **keys, **_ANY, **more})
    opened = ServiceConnection("live", one.address, _way(), timeout=TIMEOUT, headers=_credentials(one))
    async with opened as connection:
        now = SystemClock().now()
        page = await _keeper(one, connection).page(now - RECENT, now, "")
    count = len(page.statements)
    unknown = sum(number for why, number in page.unused.items() if why.startswith("unknown"))
    del page
    assert count <= most
    assert unknown == 0


async def looked() -> None:
    """Look at the tool: the answer is as documented, whether the tool is on or not."""
    named = {name: given("cloudflare", name) for name in ("url", "zone", "token")}
    keys = {name: value for name, value in named.items() if value is not None}
    settings = CloudflareSettings.model_validate(keys)
    headers = {"Authorization": f"Bearer {settings.token}"}
    opened = ServiceConnection("live", settings.url, _way(), timeout=TIMEOUT, headers=headers)
    async with opened as connection:
        assert UNKNOWN_MAIL not in await CloudflareTool(connection, settings.zone or "").problems()
