"""The table of counts that a test run prints when it was chaos."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pytest

_COLUMNS = (
    "scenario", "database", "kills", "202", "other", "delivered", "lost", "disordered", "repeated", "oldest", "lag",
    "files", "tasks", "MB",
)  # fmt: skip
_SUMMED = ("kills", "202", "other", "delivered", "lost", "disordered", "repeated")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what every trial counted, and what they counted together."""
    from tests.chaos.judge import SEED

    rows: dict[tuple[str, str], dict[str, Any]] = {}
    for reports in terminalreporter.stats.values():
        for report in reports:
            if getattr(report, "when", None) == "call":
                for name, text in report.user_properties:
                    if name == "chaos":
                        row = json.loads(text)
                        rows.setdefault((row["scenario"], row["database"]), {}).update(row)
    if not rows:
        return
    terminalreporter.section(f"chaos, seed {SEED}")
    total: dict[str, Any] = {"scenario": "all"}
    total |= {name: sum(row.get(name, 0) for row in rows.values()) for name in _SUMMED}
    total["oldest"] = max(row.get("oldest", 0.0) for row in rows.values())
    table = [list(_COLUMNS)]
    table += [[_cell(row.get(name, "")) for name in _COLUMNS] for row in (*rows.values(), total)]
    widths = [max(len(row[at]) for row in table) for at in range(len(_COLUMNS))]
    for row in table:
        cells = (
            cell.ljust(width) if at < 2 else cell.rjust(width)
            for at, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        terminalreporter.write_line("  ".join(cells).rstrip())
    terminalreporter.write_line(
        "202: taken by the relay; other: refused or not answered, and sent again by the sender; oldest: seconds before "
        "the fault at which what came again had come first; lag: by how much the test or its disk was late at most; "
        "files, tasks, MB: before and after, of the relay's process."
    )


def _cell(value: object) -> str:
    return f"{value:.1f} s" if isinstance(value, float) else str(value)
