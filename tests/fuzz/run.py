"""Runs every target for a share of the time and says what came of it: `python -m tests.fuzz.run --seconds 600`.

What was found is kept in a folder: `corpus/TARGET`, which later runs start with, and `crashes/TARGET-...`, each an
input to hand to the target again. Exit code 1 says that there is a new crash.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from tests.fuzz.corpus import TARGETS, seeds

ROOT = Path(__file__).resolve().parents[2]
LONGEST = 16 * 1024
"""Bytes of an input; recorded requests have up to twelve thousand."""
SLOWEST = 20
"""Seconds after which an input counts as one that hangs."""
_UNITS = re.compile(r"stat::number_of_executed_units: *(\d+)")
_STATE = re.compile(r"cov: (\d+) ft: (\d+) corp: (\d+)/")


class Outcome(NamedTuple):
    """What a run of one target came to."""

    executions: int
    coverage: int
    corpus: int
    crashed: bool


def run(name: str, seconds: int, folder: Path) -> Outcome:
    """Fuzz one target."""
    corpus, start, log = folder / "corpus" / name, folder / "seeds" / name, folder / "logs" / name
    for place in (corpus, start, folder / "crashes", log.parent):
        place.mkdir(parents=True, exist_ok=True)
    for seed in seeds(name):
        (start / hashlib.sha256(seed).hexdigest()[:16]).write_bytes(seed)
    options = [
        f"-max_total_time={seconds}",
        f"-max_len={LONGEST}",
        f"-timeout={SLOWEST}",
        "-rss_limit_mb=2048",
        "-print_final_stats=1",
        f"-artifact_prefix={folder / 'crashes'}/{name}-",
    ]
    command = [sys.executable, "-m", "tests.fuzz.child", name, *options, str(corpus), str(start)]
    paths = os.pathsep.join([str(ROOT), str(ROOT / "fep")])
    with log.open("wb") as output:
        done = subprocess.run(  # noqa: S603 - our own
            command,
            cwd=ROOT,
            env=os.environ | {"PYTHONPATH": paths},
            stdout=output,
            stderr=output,
            check=False,
        )
    text = log.read_text(errors="replace")
    units, states = _UNITS.search(text), _STATE.findall(text)
    coverage, _, size = map(int, states[-1]) if states else (0, 0, 0)
    return Outcome(int(units[1]) if units else 0, coverage, size, done.returncode != 0)


def main() -> int:
    """Run the targets one after another."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seconds", type=int, default=600, help="for all targets together")
    parser.add_argument("--folder", type=Path, default=ROOT / ".fuzz")
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=", ".join(TARGETS))
    given = parser.parse_args()
    if find_spec("atheris") is None:
        sys.stderr.write("atheris is not installed: it has wheels for Linux on x86-64 only\n")
        return 69
    chosen = given.targets or list(TARGETS)
    share = max(1, given.seconds // len(chosen))
    crashes = 0
    sys.stdout.write(f"{'target':<20}{'executions':>12}{'seconds':>9}{'coverage':>10}{'corpus':>8}\n")
    for name in chosen:
        found = run(name, share, given.folder.resolve())
        crashes += found.crashed
        ending = f"  crashed: see {given.folder.name}/logs/{name}" if found.crashed else ""
        sys.stdout.write(
            f"{name:<20}{found.executions:>12,}{share:>9}{found.coverage:>10,}{found.corpus:>8,}{ending}\n"
        )
        sys.stdout.flush()
    return 1 if crashes else 0


if __name__ == "__main__":
    sys.exit(main())
