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
from relay.cli.demo.services import arachnid, hive, photodna
from relay.cli.demo.services.table import CLOUD, MODEL, OURS, SAFER, SHIELD, open_fakes
from relay.config.services import KINDS
from relay.domain.media import Decoded
from tests.live.conftest import NEEDS

ROOT = Path(__file__).parents[2]
LIVE = ROOT / "tests" / "live"
NOT_COLLECTED = 5
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
    assert set(NEEDS) == set(KINDS)
    assert {path.stem.removeprefix("test_") for path in LIVE.glob("test_*.py")} == set(KINDS)


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
    async with open_fakes() as running:
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


async def test_a_service_that_does_not_answer_fails_its_test() -> None:
    async with open_fakes() as running:
        environ = {"LIVE_PHOTODNA_KEY": "wrong", "LIVE_PHOTODNA_URL": running[CLOUD].url}
        status, said = await live(**environ)
    assert status == 1, said
    assert "1 failed" in said
    assert "status-401" in said
    assert "wrong" not in said
