"""The code of docs/attestation-service.md does what the page says."""

from __future__ import annotations

import asyncio
import re
from email.utils import formatdate
from pathlib import Path
from typing import TYPE_CHECKING, Any

from relay.adapters.media.canary import clean_picture
from relay.cli.serving import listening, public_app
from relay.config.settings import Settings
from relay.config.values import HELD
from relay.services import submissions
from relay.web.submissions import PATH
from tests.flow.submitters import at_work, digest_of, serving
from tests.flow.test_screen import KNOWN

if TYPE_CHECKING:
    from tests.fakes import FakeClock
    from tests.flow.conftest import Worlds

PAGE = (Path(__file__).parents[2] / "docs/attestation-service.md").read_text()
[CODE] = re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


async def test_the_code_gets_an_attestation_and_no_more(worlds: Worlds) -> None:
    world, content = await serving(worlds), clean_picture(330)
    page: dict[str, Any] = {}
    exec(compile(CODE, "page", "exec"), page)  # noqa: S102 - our own page
    page["formatdate"] = lambda usegmt: format_now(world.clock)
    actor = world.server("a.test").actor()
    async with listening(public_app(world.relay), "127.0.0.1", 0) as port, at_work(world):

        def send(method: str, url: str, headers: dict[str, str], body: bytes | None = None) -> Any:
            assert url.startswith(f"https://relay.test{PATH}")
            return page["send"](
                method, url.replace("https://relay.test", f"http://127.0.0.1:{port}"), headers, body
            )

        def attest(body: bytes) -> Any:
            key, name = actor.key, actor.key_id
            return page["attest"](
                "https://relay.test", key, name, body, "image/png", send=send, sleep=world.clock.forward
            )

        found = await asyncio.to_thread(attest, content)
        nothing = await asyncio.to_thread(attest, KNOWN)
    assert found["hash"] == f"sha256:{digest_of(content)}"
    assert nothing is None


def format_now(clock: FakeClock) -> str:
    return formatdate(clock.now(), usegmt=True)


def test_the_limits_are_those_of_the_code() -> None:
    assert submissions.LONGEST_QUEUE == 600
    assert f"{submissions.MOST_OF_ONE} files" in PAGE
    assert f"{submissions.MOST:,} files" in PAGE
    assert HELD == (6, 2)
    assert Settings().attestation.service == "subscribers"
