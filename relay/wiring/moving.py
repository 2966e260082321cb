"""Moves what a relay keeps from its file to PostgreSQL."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import ValidationError

from relay.config.fields import Place
from relay.config.settings import RelaySettings, database_path
from relay.domain.errors import NotFound, Refused

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from relay.config.settings import Settings


@dataclass(frozen=True, slots=True)
class Ends:
    """From which file to which address. `shown` is the address without its password."""

    path: Path
    address: str
    shown: str


def ends(settings: Settings, to: str, directory: Path, environ: Mapping[str, str]) -> Ends:
    """Return what is to be moved where. `to` is written as `relay.database` is; its paths start at `directory`.

    Raises `NotFound` when the relay keeps nothing in a file, `Refused` for what is no address of PostgreSQL.
    """
    from relay.adapters.sql.connecting import without_password

    path = database_path(settings)
    if path is None:
        message = "relay.database is PostgreSQL already: there is no file to move"
        raise NotFound(message, code="no-file")
    if not path.is_file():
        raise NotFound(f"there is no database at {path}: nothing to move", code="no-file")
    try:
        address = RelaySettings.model_validate({"database": to}, context=Place(directory, environ)).database
    except ValidationError as error:
        cause = str(error.errors(include_url=False)[0]["msg"])
        raise Refused(f"--to: {cause}", code="no-database") from error
    if address.startswith("sqlite"):
        raise Refused("--to names a file; write postgresql://user@host/name", code="no-database")
    return Ends(path, address, without_password(address))
