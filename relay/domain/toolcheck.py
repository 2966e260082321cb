"""Whether a tool that somebody else runs for the operator is set up as it should be."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ToolCheck:
    """What a look at a tool found. Times are in seconds since the epoch.

    `problems` say in words of ours what is wrong, as of `checked_at`. `error`: why the last look, at `error_at`,
    failed; None when it did not.
    """

    name: str
    checked_at: float | None = None
    problems: tuple[str, ...] = ()
    error: str | None = None
    error_at: float | None = None
