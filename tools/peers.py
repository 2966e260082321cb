"""Peers that are fetched for tests: what there is, where it goes, and whether it is there already.

Into .interop, never into the system: packages from PyPI and npm as lock files pin them, Debian packages unpacked beside
them. The exception is what npm installs for fep/js, which goes where JavaScript looks for it.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).resolve().parent.parent
PEERS = ROOT / "tests/interop/peers"
SCRIPTS = ROOT / "fep/js"
PYRIGHT = ROOT / "tools/pyright"
LOCK = ROOT / "requirements.lock"
KEPT = ROOT / ".interop"
NODE = KEPT / "python/bin"
"""Where node and npm are."""


class Missing(Exception):
    """Something cannot be had on this machine: the message says what."""


@dataclass(frozen=True)
class Peer:
    """What is fetched into `folder`, anew when one of `pins` has changed; `needs` is fetched before."""

    name: str
    fetch: Callable[[Path], None]
    folder: Path
    pins: tuple[Path, ...] = ()
    needs: tuple[str, ...] = ()

    @property
    def stamp(self) -> str:
        """Of what it was made."""
        return hashlib.sha256(b"".join(pin.read_bytes() for pin in self.pins)).hexdigest()


def run(*command: str | Path, **options: object) -> None:
    """Run a command quietly; show what it said when it fails. Raises `Missing`."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, **options)  # type: ignore[call-overload]
    except OSError as error:
        raise Missing(f"{command[0]}: {error.strerror}") from None
    if done.returncode:
        said = (done.stdout + done.stderr).strip().splitlines()[-12:]
        raise Missing("\n".join([f"{Path(command[0]).name} ended with {done.returncode}:", *said]))


# ---------------------------------------------------------------- what there is to fetch


def fetch_python(folder: Path) -> None:
    """A virtual environment with ActivityRelay, and with node and npm, which come from PyPI too."""
    run(sys.executable, "-m", "venv", folder)
    pip = [folder / "bin/python", "-m", "pip", "--disable-pip-version-check"]
    run(*pip, "install", "--no-deps", "--require-hashes", "-r", PEERS / "python.txt")


def fetch_npm(folder: Path) -> None:
    """The peers from npm."""
    install_copy(PEERS, folder)


def fetch_library(folder: Path) -> None:
    """The packages with which `pip install ./fep` builds and what it installs, as requirements.lock pins them."""
    folder.mkdir()
    build = "hatchling|packaging|pathspec|pluggy|tomlkit|trove-classifiers"
    wanted = rf"^(?:cryptography|cffi|pycparser|{build})==(?:.*\\\n)+.*"
    blocks = re.findall(wanted, LOCK.read_text(), re.MULTILINE)
    (folder / "wanted.txt").write_text("\n".join(blocks) + "\n")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "download", "--no-deps"]
    run(*pip, "--require-hashes", "--dest", folder, "-r", folder / "wanted.txt")


def fetch_pyright(folder: Path) -> None:
    """A second opinion on types."""
    install_copy(PYRIGHT, folder)


def install_copy(project: Path, folder: Path) -> None:
    """What a project pins, elsewhere."""
    folder.mkdir()
    for pin in npm_pins(project):
        shutil.copy(pin, folder)
    install(folder)


def fetch_js(folder: Path) -> None:
    """What the tests of fep/js need, beside its package.json."""
    install(folder.parent)


def install(project: Path) -> None:
    """What a project's package-lock.json pins. No package runs a script of its own at installation."""
    run(NODE / "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", cwd=project, env=with_node())


def with_node() -> dict[str, str]:
    """The environment in which node and npm are found."""
    return os.environ | {"PATH": f"{NODE}{os.pathsep}{os.environ['PATH']}"}


def npm_pins(project: Path) -> tuple[Path, ...]:
    """The files that say what npm installs."""
    return (project / "package.json", project / "package-lock.json")


def fetch_snac(folder: Path) -> None:
    """The package of this Debian release or of its backports, with the libraries that are not installed."""
    if not all(map(shutil.which, ("apt-get", "dpkg-deb"))):
        raise Missing("snac2 is unpacked from a Debian package, and this system has no apt")
    for part in ("lists/partial", "cache/archives/partial"):
        (folder / "apt" / part).mkdir(parents=True)
    codename, sources = _debian_sources()
    (folder / "apt/sources.list").write_text(sources)
    options = {
        "Dir::Etc::sourcelist": folder / "apt/sources.list",
        "Dir::Etc::sourceparts": "-",
        "Dir::State::lists": folder / "apt/lists",
        "Dir::Cache": folder / "apt/cache",
        "APT::Sandbox::User": "",
        "Debug::NoLocking": "true",
    }
    apt = ["apt-get", *(f"-o{key}={value}" for key, value in options.items()), "--quiet", "--yes"]
    run(*apt, "update")
    run(*apt, "install", "--download-only", "--no-install-recommends", f"-t{codename}-backports", "snac2")
    for package in (folder / "apt/cache/archives").glob("*.deb"):
        run("dpkg-deb", "--extract", package, folder / "root")
    shutil.rmtree(folder / "apt/lists")
    if not (folder / "root/usr/bin/snac").exists():
        raise Missing("apt fetched no snac2")


def _debian_sources() -> tuple[str, str]:
    """The release's code name, and its sources as this machine has them, with the backports beside them."""
    asked = subprocess.run(
        [
            "apt-get",
            "indextargets",
            "--format",
            "$(REPO_URI) $(RELEASE) $(COMPONENT)",
            "Created-By: Packages",
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    release = dict(
        line.split("=", 1) for line in Path("/etc/os-release").read_text().splitlines() if "=" in line
    )
    codename = release.get("VERSION_CODENAME", "").strip('"')
    keys = [str(path) for path in sorted(Path("/usr/share/keyrings").glob("debian-archive-keyring.[gp]*"))]
    signed = f" [signed-by={keys[0]}]" if keys else ""
    lines = []
    for target in asked.stdout.splitlines():
        uri, suite, component = target.split(" ")
        if component != "main" or not suite.startswith(codename):
            continue
        lines.append(f"deb{signed} {uri} {suite} main")
        if suite == codename:
            lines.append(f"deb{signed} {uri} {codename}-backports main")
    if not codename or not lines:
        raise Missing("snac2 is unpacked from a Debian package, and this is no Debian")
    return codename, "\n".join(dict.fromkeys(lines)) + "\n"


FETCHED = (
    Peer("python", fetch_python, KEPT / "python", (PEERS / "python.txt",)),
    Peer("npm", fetch_npm, KEPT / "npm", npm_pins(PEERS), ("python",)),
    Peer("snac", fetch_snac, KEPT / "snac"),
    Peer("library", fetch_library, KEPT / "library", (LOCK,)),
    Peer("pyright", fetch_pyright, KEPT / "pyright", npm_pins(PYRIGHT), ("python",)),
    Peer("js", fetch_js, SCRIPTS / "node_modules", npm_pins(SCRIPTS), ("python",)),
)
"""What there is, each after what it needs."""


def fetch(*names: str) -> dict[str, str]:
    """Fetch those of the peers that are not there. The answer says for each that cannot be had why."""
    missing: dict[str, str] = {}
    KEPT.mkdir(exist_ok=True)
    for peer in FETCHED:
        stamp = KEPT / f"{peer.name}.stamp"
        there = peer.folder.exists() and stamp.exists() and stamp.read_text() == peer.stamp
        if there or peer.name not in names:
            continue
        without = [name for name in peer.needs if name in missing]
        shutil.rmtree(peer.folder, ignore_errors=True)
        print(f"fetching {peer.name}", flush=True)
        if without:
            missing[peer.name] = f"needs {', '.join(without)}"
            continue
        try:
            peer.fetch(peer.folder)
        except Missing as error:
            missing[peer.name] = str(error)
        else:
            stamp.write_text(peer.stamp)
    return missing
