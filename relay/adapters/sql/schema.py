"""The numbered migrations: forward only, and old code runs on the new schema."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

_FOLDER: Final = Path(__file__).parent / "migrations"


def migrations() -> Iterator[tuple[int, str]]:
    """Yield the number and the text of every migration, oldest first; its tokens are the database's to replace."""
    for path in sorted(_FOLDER.glob("*.sql")):
        yield int(path.name[:4]), path.read_text(encoding="utf-8")


def statements(text: str) -> list[str]:
    """Split a migration into its statements. A comment has lines of its own; no text in it holds a semicolon."""
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("--")]
    return [part.strip() for part in "\n".join(lines).split(";") if part.strip()]
