"""Processes beside the relay that were killed while nobody asked them anything, under the loop that the relay runs on.

Uvloop closes a pipe as soon as its other end is gone, and says RuntimeError of it where asyncio says OSError.
"""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import pytest
import uvloop

from relay.adapters.canonical.pool import CanonicalProcesses
from relay.adapters.media.canary import clean_picture
from relay.adapters.media.sandbox import SandboxedDecoder
from relay.adapters.signing import ProcessSigner
from relay.adapters.system import SystemClock
from relay.domain.media import Decoded
from relay.protocol.ldsig import Reading
from tests.contract.test_canonicalizer import BODY
from tests.fakes import private_pem, rsa_key

if TYPE_CHECKING:
    from collections.abc import Sequence

CLOCK = SystemClock()


async def killed(pids: Sequence[int]) -> None:
    """Kill processes, and let the loop see that they are gone."""
    assert pids
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    await CLOCK.sleep(0.3)


async def decoding() -> None:
    terms = {"memory": 1 << 30, "timeout": 30.0, "max_pixels": 10**8, "workers": 1}
    async with SandboxedDecoder(clock=CLOCK, **terms) as decoder:  # type: ignore[arg-type] # each as it should be
        await killed(decoder.pids)
        assert isinstance(await decoder.decode(clean_picture(1, width=160, height=120)), Decoded)


async def canonicalizing() -> None:
    async with CanonicalProcesses(workers=1, timeout=30.0) as reader:
        assert isinstance(await reader.read(BODY, "first"), Reading)
        await killed(reader.pids)
        assert isinstance(await reader.read(BODY, "first"), Reading)


async def signing() -> None:
    async with ProcessSigner(key_id="k", pem=private_pem(rsa_key(0)), processes=1) as signer:
        await killed(signer.process_ids)
        assert len(await signer.sign_many([b"a", b"b"])) == 2


@pytest.mark.parametrize("work", [decoding, canonicalizing, signing], ids=lambda work: work.__name__)
def test_a_process_that_was_killed_is_replaced_when_it_is_needed(work: object) -> None:
    uvloop.run(work())  # type: ignore[operator]
