"""What every command is given: the options that all share, the configuration, the relay's office."""

from __future__ import annotations

import os
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from relay.cli.problems import Problem, Status, sole

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Coroutine

    from relay.config.load import Configuration, Loaded
    from relay.config.settings import Settings
    from relay.wiring import Office, Relay
    from relay.wiring.saving import Desk

DEFAULT_CONFIG: Final = Path("config.yaml")

T = TypeVar("T")


@dataclass(slots=True)
class Session:
    """One run of the command line. `config` is None unless it was named."""

    config: Path | None = None
    as_json: bool = False
    verbose: bool = False

    @property
    def config_path(self) -> Path | None:
        """The configuration file in use; None for the built-in defaults."""
        if self.config is None and DEFAULT_CONFIG.is_file():
            return DEFAULT_CONFIG
        return self.config

    def load(self) -> Loaded:
        """Load the configuration; errors are in the value."""
        from relay.adapters.system import SystemClock
        from relay.config.load import load

        return load(self.config_path, dict(os.environ), SystemClock().now())

    def configuration(self) -> Configuration:
        """Return the configuration. Raises `InvalidConfiguration`; warnings are silent."""
        return self.load().require()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a command's asynchronous part to its end."""
        if self.verbose:
            from relay.telemetry import set_up_logging

            set_up_logging(verbose=True)
        import asyncio

        try:
            return asyncio.run(work)
        except BaseExceptionGroup as group:
            raise sole(group) from group

    @asynccontextmanager
    async def office(self) -> AsyncIterator[Office]:
        """Open the store and the services on it, also beside a running relay. Raises `Problem` without a relay."""
        from relay.wiring import open_office

        configuration = self.configuration()
        check_made(configuration.settings, quiet=self.as_json)
        async with open_office(configuration) as office:
            yield office

    @asynccontextmanager
    async def desk(self) -> AsyncIterator[Desk]:
        """Open what changes the policy, also when the present one cannot be read. Raises `Problem` without a relay."""
        from relay.wiring.saving import open_desk

        loaded = self.load()
        if loaded.settings is not None:
            check_made(loaded.settings, quiet=self.as_json)
        async with open_desk(loaded) as desk:
            yield desk

    @asynccontextmanager
    async def relay(self) -> AsyncIterator[Relay]:
        """Open the whole relay, also beside a running one, without running it. Raises `Problem` without one."""
        from relay.wiring import open_relay

        configuration = self.configuration()
        check_made(configuration.settings, quiet=self.as_json)
        async with open_relay(configuration, exclusive=False) as relay:
            yield relay

    @asynccontextmanager
    async def fetching(self) -> AsyncIterator[Relay]:
        """Open a whole relay to fetch with: the configured one, or where there is none, one for the moment."""
        from tempfile import TemporaryDirectory

        from relay.adapters.system import SystemClock
        from relay.config.load import load
        from relay.config.settings import database_path
        from relay.wiring import open_relay

        configuration = self.configuration()
        path = database_path(configuration.settings)
        with TemporaryDirectory(prefix="assay-") as folder:
            if path is not None and not path.exists():
                elsewhere = {"ASSAY_RELAY__DATA": folder, "ASSAY_RELAY__DATABASE": "sqlite"}
                loaded = load(self.config_path, {**os.environ, **elsewhere}, SystemClock().now())
                configuration = loaded.require()
            async with open_relay(configuration, exclusive=False) as relay:
                yield relay


pass_session = click.make_pass_decorator(Session, ensure=True)
"""Gives a command its session as first argument."""


def operator() -> str:
    """Return who gives a command, for the record: the user of the operating system."""
    import getpass

    try:
        return f"cli:{getpass.getuser()}"
    except (KeyError, OSError):  # a user id without a name, as in containers
        return f"cli:{os.getuid()}"


def check_made(settings: Settings, *, quiet: bool) -> None:
    """Raise `Problem` when there is no relay at the configured place: else a typo would make an empty one.

    Warns root, whose new files the relay's own user could not write, unless `quiet`.
    """
    from relay.config.settings import database_path

    path = database_path(settings)
    data = settings.relay.data
    if path is not None and not path.exists() and not data.is_dir():
        message = (
            f"there is no relay at {data}: make one with `assay init`, "
            "or name its configuration with --config FILE"
        )
        raise Problem(message, code="no-relay", status=Status.UNAVAILABLE)
    if not quiet and os.geteuid() == 0 and data.is_dir() and data.stat().st_uid:
        warning = f"Warning: {data} belongs to another user than root; run assay as that user (sudo -u)."
        click.echo(warning, err=True)
