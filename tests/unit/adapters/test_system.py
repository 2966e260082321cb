"""The system's clock and generators."""

from __future__ import annotations

import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

import relay
from relay.adapters.system import SystemClock


def test_time_goes_on() -> None:
    clock = SystemClock()
    assert clock.monotonic() <= clock.monotonic()
    assert 2025 <= datetime.fromtimestamp(clock.now(), UTC).year < 2100


def test_ids_are_128_bits_and_safe_everywhere() -> None:
    ids = {SystemClock().new_id() for _ in range(1000)}
    assert len(ids) == 1000
    assert all(re.fullmatch(r"[0-9a-f]{32}", name) for name in ids)


def test_tokens_and_jitter() -> None:
    clock = SystemClock()
    assert [len(clock.token(size)) for size in (0, 1, 32)] == [0, 1, 32]
    assert clock.token(16) != clock.token(16)
    numbers = [clock.jitter() for _ in range(1000)]
    assert all(0 <= number < 1 for number in numbers)
    assert 0.4 < sum(numbers) / 1000 < 0.6
    with pytest.raises(ValueError, match="negative"):
        clock.token(-1)


@pytest.mark.parametrize("seconds", [-1.0, 0.0, 0.01])
async def test_sleep(seconds: float) -> None:
    clock = SystemClock()
    before = clock.monotonic()
    await clock.sleep(seconds)
    # uvloop counts in whole milliseconds.
    assert clock.monotonic() - before >= seconds - 0.002


def test_nobody_else_asks_the_system() -> None:
    """House rule 9: `adapters/system.py` is the only file that imports a source of time or chance."""
    sources = re.compile(r"^(import|from) (time|random|secrets|uuid)\b", re.MULTILINE)
    folder = Path(relay.__file__).parent / "adapters"
    files = [folder / f"{name}.py" for name in ("guard", "inside", "keys", "remote", "signing", "system")]
    assert [file.name for file in files if sources.search(file.read_text())] == ["system.py"]


def test_a_long_run_is_prepared_in_a_process_of_its_own() -> None:
    program = (
        "import gc, resource; from relay.adapters.system import FILES, settle;"
        "_, most = resource.getrlimit(resource.RLIMIT_NOFILE);"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (64, most)); settle();"
        "print(gc.get_freeze_count() > 1000, resource.getrlimit(resource.RLIMIT_NOFILE)[0] in {FILES, most})"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)  # noqa: S603
    assert done.stdout.split() == ["True", "True"]
