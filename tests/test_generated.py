"""Files that are generated are those that the generators write now."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.mark.parametrize("tool", ["generate", "vectors", "profile", "canary"])
def test_generated_files_are_up_to_date(tool: str) -> None:
    command = [sys.executable, str(ROOT / "tools" / tool), "--check"]
    done = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)  # noqa: S603 - ours
    assert done.returncode == 0, (
        f"run make {'vectors' if tool in {'vectors', 'profile'} else 'generate'}\n{done.stdout}{done.stderr}"
    )
