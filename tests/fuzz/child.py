"""One target under atheris, in a process of its own: `python -m tests.fuzz.child TARGET [libFuzzer's options]`."""

from __future__ import annotations

import sys

import atheris

with atheris.instrument_imports(include=["relay", "mediaattest"]):
    from tests.fuzz.corpus import TARGETS


def main() -> None:
    """Run until libFuzzer ends the process."""
    name, *options = sys.argv[1:]
    atheris.enabled_hooks.add("RegEx")
    atheris.enabled_hooks.add("str")
    atheris.Setup([name, *options], TARGETS[name])
    atheris.Fuzz()


if __name__ == "__main__":
    main()
