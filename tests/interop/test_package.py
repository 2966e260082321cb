"""The attestation library by itself: installed as its README says into an environment that has nothing else.

The packages come from a folder that was filled before, because these tests have no network.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.interop.oracle import KEPT

ROOT = Path(__file__).resolve().parents[2]
VECTORS = {
    vector["name"]: vector for vector in json.loads((ROOT / "fep/vectors/verify-accepted.json").read_text())
}


def run(*command: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    """What a command says, without anything of this environment's."""
    environment = {
        "PATH": "/usr/bin:/bin",
        "HOME": str(cwd),
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": str(KEPT / "library"),
    }
    return subprocess.run(  # noqa: S603
        command, cwd=cwd, env=environment, capture_output=True, check=False, text=True
    )


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_library_installs_alone_and_verifies(tmp_path: Path) -> None:
    assert run(sys.executable, "-m", "venv", "alone", cwd=tmp_path).returncode == 0
    python = tmp_path / "alone/bin/python"
    installed = run(python, "-m", "pip", "install", ROOT / "fep", cwd=tmp_path)
    assert installed.returncode == 0, installed.stdout + installed.stderr
    listed = run(python, "-m", "pip", "list", "--format=json", cwd=tmp_path)
    names = {package["name"] for package in json.loads(listed.stdout)}
    assert names - {"pip", "setuptools"} == {"mediaattest", "cryptography", "cffi", "pycparser"}

    given = VECTORS["golden vector"]["input"]
    (tmp_path / "media.txt").write_text(given["received_text"])
    [actor] = given["actors"].values()
    (tmp_path / "actor.json").write_text(json.dumps(actor))
    verify = (python, "-m", "mediaattest", "verify", "media.txt", "--actor", "actor.json")
    now = str(given["now"])
    good = run(*verify, "--attestation", given["attestation"], "--now", now, cwd=tmp_path)
    assert (good.returncode, good.stderr) == (0, "")
    assert good.stdout.startswith("valid: ")
    late = run(*verify, "--attestation", given["attestation"], "--now", str(2**40), cwd=tmp_path)
    assert (late.returncode, late.stdout.partition(":")[0]) == (1, "expired")
    assert run(*verify, cwd=tmp_path).stdout.startswith("missing: ")
