"""The live tests of hash services: collected only with a key, and right when a service answers as documented."""

from __future__ import annotations

import asyncio
import hashlib
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from relay.adapters.media.canary import clean_picture
from relay.adapters.media.hashing import Limits
from relay.adapters.media.pictures import hash_picture
from relay.adapters.system import SystemClock
from relay.cli.demo.services import arachnid, cloudflare, hive, ncmec, photodna, stopncii, threatexchange
from relay.cli.demo.services.frame import HTML, always
from relay.cli.demo.services.stopncii import record
from relay.cli.demo.services.table import (
    ADULTS,
    CLOUD,
    GROUP,
    KEEPERS,
    MODEL,
    NCMEC,
    OURS,
    SAFER,
    SHIELD,
    TABLE,
    TOOL,
    TOOLS,
    open_fakes,
)
from relay.cli.demo.services.threatexchange import signal
from relay.config.keepers import KEEPERS as KEEPER_KINDS
from relay.config.services import KINDS
from relay.domain.media import Decoded
from tests.live.conftest import NEEDS

ROOT = Path(__file__).parents[2]
LIVE = ROOT / "tests" / "live"
NOT_COLLECTED = 5
VALUE = "ab" * 32
pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]


async def live(**environ: str) -> tuple[int, str]:
    """Run the live tests as `make live` does, in an environment without any key but these."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("LIVE_")}
    command = (sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p", "no:randomly", "-v", str(LIVE))
    running = await asyncio.create_subprocess_exec(
        *command,
        cwd=ROOT,
        env=kept | environ,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await running.communicate()
    return running.returncode or 0, said.decode()


def test_every_service_has_a_live_test() -> None:
    keepers = {kind.removesuffix("-hashes") for kind in KEEPER_KINDS}
    assert set(NEEDS) == {*KINDS, *keepers, TOOL}
    assert {path.stem.removeprefix("test_") for path in LIVE.glob("test_*.py")} == set(NEEDS)


async def test_without_a_key_nothing_is_collected_and_nothing_is_skipped() -> None:
    status, said = await live()
    assert status == NOT_COLLECTED, said
    assert "skipped" not in said
    assert "no tests ran" in said


async def test_with_a_key_and_an_address_each_service_is_asked(tmp_path: Path) -> None:
    content = clean_picture("of a test set")
    decoded = hash_picture(content, Limits(10_000_000))
    assert isinstance(decoded, Decoded)
    name, pdq, path = hashlib.sha256(content).hexdigest(), decoded.frames[0].pdq, tmp_path / "sample.jpg"
    path.write_bytes(content)
    async with open_fakes(TABLE) as running:
        fakes: dict[str, Any] = {name: one.fake for name, one in running.items()}
        fakes[OURS].banks["TESTS"] = [pdq.hex()]
        fakes[SHIELD].hashes[pdq] = ("test", "exact")
        fakes[CLOUD].known[name] = ["Test"]
        fakes[SAFER].known[name] = (["CSAM"], "test")
        fakes[MODEL].scores[name] = 0.9
        kinds = {one.row.kind.upper(): one.url for one in running.values()}
        environ = {f"LIVE_{kind}_URL": url for kind, url in kinds.items()}
        environ |= {f"LIVE_{kind}_SAMPLE": str(path) for kind in kinds}
        environ |= {
            "LIVE_ARACHNID_USER": arachnid.USER,
            "LIVE_ARACHNID_PASSWORD": arachnid.PASSWORD,
            "LIVE_PHOTODNA_KEY": photodna.KEY,
            "LIVE_SAFER_KEY": hive.KEY,
        }
        status, said = await live(**environ)
        assert status == 0, said
        assert "5 passed" in said
        assert all(len(fake.questions_since(0)) > 1 for fake in fakes.values())


async def test_with_its_keys_each_keeper_is_asked_for_one_page() -> None:
    now = SystemClock().now()
    async with open_fakes((*KEEPERS, *TOOLS)) as running:
        fakes: dict[str, Any] = {name: one.fake for name, one in running.items()}
        fakes[NCMEC].entries = [ncmec.Shared(one, now - 9, {"pdq": VALUE}) for one in "abc"]
        fakes[ADULTS].records = [record(VALUE, int(now) - at) for at in (7, 8, 9)]
        fakes[GROUP].updates = [signal(VALUE, int(now) - 9, own) for own in (1, 2, 3)]
        status, said = await live(**keeper_keys({name: one.url for name, one in running.items()}))
        assert status == 0, said
        assert "4 passed" in said
        assert [len(fakes[name].asked) for name in (NCMEC, ADULTS, GROUP, TOOL)] == [1, 1, 1, 1]


async def test_a_keeper_that_says_what_is_not_documented_fails_its_test_and_no_entry_shows() -> None:
    now = SystemClock().now()
    async with open_fakes((*KEEPERS, *TOOLS)) as running:
        fakes: dict[str, Any] = {name: one.fake for name, one in running.items()}
        fakes[NCMEC].entries = [ncmec.Shared("a", now - 9, {"pdq": VALUE, "brand_new": VALUE})]
        fakes[ADULTS].records = [record(VALUE, int(now) - 9, "Brand-new")]
        fakes[GROUP].fault = always(200, HTML)
        fakes[TOOL].value["email_state"] = "brand-new"
        status, said = await live(**keeper_keys({name: one.url for name, one in running.items()}))
    assert status == 1, said
    assert "4 failed" in said
    assert VALUE not in said
    assert threatexchange.TOKEN not in said


def keeper_keys(urls: dict[str, str]) -> dict[str, str]:
    """What an operator with access to all keepers has in the environment; here it leads to the fakes."""
    return {
        "LIVE_NCMEC_URL": urls[NCMEC],
        "LIVE_NCMEC_USER": ncmec.USER,
        "LIVE_NCMEC_PASSWORD": ncmec.PASSWORD,
        "LIVE_STOPNCII_URL": urls[ADULTS],
        "LIVE_STOPNCII_KEY": stopncii.KEY,
        "LIVE_STOPNCII_FUNCTION_KEY": stopncii.FUNCTION_KEY,
        "LIVE_THREATEXCHANGE_URL": urls[GROUP],
        "LIVE_THREATEXCHANGE_KEY": threatexchange.TOKEN,
        "LIVE_THREATEXCHANGE_GROUP": str(threatexchange.GROUP),
        "LIVE_CLOUDFLARE_URL": urls[TOOL],
        "LIVE_CLOUDFLARE_ZONE": cloudflare.ZONE,
        "LIVE_CLOUDFLARE_TOKEN": cloudflare.TOKEN,
    }


async def test_a_service_that_does_not_answer_fails_its_test() -> None:
    async with open_fakes() as running:
        environ = {"LIVE_PHOTODNA_KEY": "wrong", "LIVE_PHOTODNA_URL": running[CLOUD].url}
        status, said = await live(**environ)
    assert status == 1, said
    assert "1 failed" in said
    assert "status-401" in said
    assert "wrong" not in said
