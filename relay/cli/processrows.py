"""Which processes of the relay work, and at how much, as `assay status` shows it."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from relay.domain.shares import COUNT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from relay.wiring.office import Office


async def process_rows(office: Office) -> list[dict[str, Any]] | None:
    """Each as JSON; None on a file, where there is one only."""
    from relay.services.shares import working

    if not office.store.shared:
        return None
    return [asdict(one) for one in await working(office.store, office.clock)]


def process_lines(rows: Sequence[Mapping[str, Any]] | None) -> dict[str, str]:
    """Each in a line, for people; nothing on a file."""
    if rows is None:
        return {}
    lines = [f"{one['name']}  {_held(one['shares'])}{', leads' if one['leads'] else ''}" for one in rows]
    changing = COUNT - sum(one["shares"] for one in rows)
    if lines and changing:
        lines.append(f"{_held(changing)} are changing hands")
    return {"Processes": "\n".join(lines) or "none works: nothing is delivered"}


def _held(shares: int) -> str:
    return f"{shares} of {COUNT} shares"
