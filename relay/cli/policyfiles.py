"""Policies as commands are given them: in a file of their own, or that of the configuration."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

if TYPE_CHECKING:
    from relay.cli.session import Session
    from relay.config.policy import PolicyReading
    from relay.domain.policy import Policy

PATH: Final = click.Path(exists=True, dir_okay=False, path_type=Path)
FILE: Final = click.argument("file", metavar="FILE", required=False, type=PATH)


def read(session: Session, file: Path | None, *, whole: bool) -> tuple[PolicyReading, Policy]:
    """Return the policy. Raises `InvalidConfiguration`, when `whole` also for an example that comes out differently."""
    from relay.adapters.system import SystemClock
    from relay.config.load import InvalidConfiguration
    from relay.config.policy_file import load_policy

    loaded = session.load() if file is None else load_policy(file, SystemClock().now())
    reading = loaded.reading
    found = None if reading is None else reading.policy if whole else reading.draft
    if reading is None or found is None:
        raise InvalidConfiguration(loaded.diagnostics)
    return reading, found
