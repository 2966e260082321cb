"""The numbered migrations: forward only, and old code runs on the new schema.

While a relay is updated, processes of the old and of the new version work on one database. So a migration only adds:
tables, indexes that are not unique, columns that are empty or have a default. One that takes away, renames or makes a
rule stricter comes in a later version than the last code that needs what was, and says `-- compatible_from: N` in a
line of its own: versions whose newest migration is older than N do not run on it.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

_FOLDER: Final = Path(__file__).parent / "migrations"
_DECLARED: Final = re.compile(r"^-- compatible_from: (\d+)$", re.MULTILINE)


def migrations() -> Iterator[tuple[int, str]]:
    """Yield the number and the text of every migration, oldest first; its tokens are the database's to replace."""
    for path in sorted(_FOLDER.glob("*.sql")):
        yield int(path.name[:4]), path.read_text(encoding="utf-8")


def newest() -> int:
    """Return the number of the newest migration, which is the version of the schema that this code knows."""
    return max(int(path.name[:4]) for path in _FOLDER.glob("*.sql"))


def compatible_from(text: str) -> int:
    """Return the oldest version of the schema whose code runs on a migration as well; 0 for all."""
    declared = _DECLARED.search(text)
    return int(declared[1]) if declared else 0


def statements(text: str) -> list[str]:
    """Split a migration into its statements. A comment has lines of its own; no text in it holds a semicolon."""
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("--")]
    return [part.strip() for part in "\n".join(lines).split(";") if part.strip()]
