"""The built-in list `canary`: pictures that nobody needs to fear, for seeing what a match does.

The entries stand in canary.csv beside this module. `tools/canary` writes it from the pictures of
relay/adapters/media/canary.py; `tools/canary --check` fails when the two no longer belong together.
"""

from __future__ import annotations

from importlib.resources import files

from relay.adapters.scanners.listfile import read_list
from relay.adapters.scanners.lists import ListScanner
from relay.domain.hashlist import ListEntry, ListPurpose

CANARY: str = "canary"
"""Name of the list and category of its entries."""


def canary_entries() -> tuple[ListEntry, ...]:
    """The entries of the built-in list."""
    return read_list(files(__package__).joinpath("canary.csv").read_bytes().splitlines(keepends=True)).entries


def canary_scanner(name: str = CANARY) -> ListScanner:
    """The scanner `{kind: list, builtin: canary}`: its matches are tests, never known material."""
    return ListScanner(name, canary_entries(), purpose=ListPurpose.TEST, attests=False)
