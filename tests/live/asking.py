"""Asks one service as a relay would: the configuration that an operator writes, the adapter, the frame around it.

Everything comes from the environment: `LIVE_<KIND>_URL`, `_KEY`, `_USER`, `_PASSWORD`. What is sent is a picture made
by arithmetic, and, if `LIVE_<KIND>_SAMPLE` names one, a file of the service's own test set.
"""

from __future__ import annotations

import os
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from relay.adapters.media.canary import clean_picture
from relay.adapters.media.hashing import Limits
from relay.adapters.media.pictures import hash_picture
from relay.adapters.scanners.services.connection import ServiceConnection, Way
from relay.adapters.system import SystemClock
from relay.config.services import KINDS, ServiceSettings
from relay.config.settings import Settings
from relay.domain.media import Decoded, ScanOutcome, ScanResult
from relay.domain.screening import digests_of
from relay.services.asking import ServiceScanner
from relay.wiring.hashservices import _credentials, _service

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

CLEAN = clean_picture("asked live", width=640, height=480)


def given(kind: str, name: str) -> str | None:
    """What the environment says."""
    return os.environ.get(f"LIVE_{kind}_{name}".upper()) or None


@asynccontextmanager
async def asking(kind: str, **more: object) -> AsyncIterator[ServiceScanner]:
    """A scanner of this kind with the operator's own access, as the relay would make it."""
    named = {name: given(kind, name) for name in ("url", "key", "user", "password")}
    keys = {name: value for name, value in named.items() if value is not None}
    one = ServiceSettings.model_validate({"name": "live", "kind": kind, **keys, **more})
    clock = SystemClock()
    async with AsyncExitStack() as stack:
        way = Way(clock=clock, user_agent="Assay/live-test")
        opened = ServiceConnection("live", one.address, way, timeout=30.0, headers=_credentials(one))
        service = _service(one, await stack.enter_async_context(opened), Settings())
        per_second = KINDS[kind].per_second
        yield ServiceScanner("live", service, clock=clock, attests=False, per_second=per_second, lasts=3600.0)


def _sample(kind: str) -> bytes | None:
    path = given(kind, "sample")
    return None if path is None else Path(path).read_bytes()


async def _scanned(scanner: ServiceScanner, content: bytes) -> ScanResult:
    """Hash the picture as the relay does, and ask."""
    decoded = hash_picture(content, Limits(100_000_000))
    assert isinstance(decoded, Decoded)
    return await scanner.scan(digests_of(content), decoded, content)


async def smoke(kind: str, *known: ScanOutcome, **more: object) -> None:
    """Ask about a picture that nobody knows, and about the service's own test file: that must be `known`."""
    async with asking(kind, **more) as scanner:
        found = await _scanned(scanner, CLEAN)
        assert (found.outcome, found.reason) == (ScanOutcome.NO_KNOWN_MATCH, None), scanner.state
        content = _sample(kind)
        if content is not None:
            found = await _scanned(scanner, content)
            assert found.outcome in known, scanner.state
