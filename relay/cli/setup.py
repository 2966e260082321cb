"""`assay init` and `assay check-config`: everything before the relay runs."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import click

from relay.cli.command import Command
from relay.cli.deployment import Deployment, is_local
from relay.cli.output import as_document, counted, note, pairs, say
from relay.cli.problems import Problem, Status
from relay.cli.session import DEFAULT_CONFIG, Session, pass_session
from relay.domain import hosts
from relay.domain.errors import Malformed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from relay.config.diagnostics import Diagnostic
    from relay.config.load import Configuration
    from relay.config.settings import Settings

FOLDER: Final = "deploy"
"""Folder beside the configuration for what the server needs."""

INIT: Final = {
    "url": "public origin of the relay",
    "actor": "id of the relay actor",
    "inbox": "what admins paste into Mastodon",
    "config": "the configuration file that was written",
    "data": "the folder of keys and database",
    "files": "what else was written: reverse proxy and service, by name",
    "next": "what to do next, as text",
}
CHECK: Final = {
    "ok": "whether the relay would start with it",
    "errors": "number of errors",
    "warnings": "number of warnings",
    "diagnostics[]": "severity, code, path, file, line, column, text, cause, fix, guess",
}


@click.command(cls=Command, answer=INIT)
@click.argument("url")
@click.option(
    "--force", is_flag=True, help="Replace a configuration that is there; the old one is kept as .bak."
)
@pass_session
def init(session: Session, url: str, *, force: bool) -> None:
    """Make a relay at URL, such as relay.example.org.

    Writes the configuration with every key explained, makes the data folder and the keys, and writes what a
    server needs: reverse proxy for nginx or Caddy, service for systemd. Keys that are there are kept. URL
    is where the public reaches the relay; it can never change, because other servers know the relay by it.
    """
    origin = public_origin(url)
    path = session.config or DEFAULT_CONFIG
    _write_config(path, origin, force=force)
    session.config = path
    configuration = session.configuration()
    make_keys(configuration.settings)
    deployment = _deployment(path.resolve(), configuration)
    folder = path.resolve().parent / FOLDER
    files = _write_files(folder, deployment)
    steps = deployment.steps(folder)
    if session.as_json:
        as_document(_made(configuration, path, files, steps))
        return
    shown = {"Configuration": path.resolve(), "Keys and data": configuration.settings.relay.data.resolve()}
    pairs(shown | ({"For the server": "\n".join(files)} if files else {}))
    say()
    say("Next", bold=True)
    say(steps.rstrip())


@click.command("check-config", cls=Command, answer=CHECK)
@pass_session
def check_config(session: Session) -> None:
    """Show everything that is wrong with the configuration and its list files, all at once.

    Exit status 78 when there are errors; warnings do not count.
    """
    from relay.config.diagnostics import Severity, render

    loaded = session.load()
    diagnostics = [*loaded.diagnostics, *([] if loaded.settings is None else _bad_lines(loaded.settings))]
    errors = sum(one.severity is Severity.ERROR for one in diagnostics)
    warnings = len(diagnostics) - errors
    if session.as_json:
        shown = [one.as_json() for one in diagnostics]
        as_document({"ok": not errors, "errors": errors, "warnings": warnings, "diagnostics": shown})
    else:
        if diagnostics:
            note(render(diagnostics).rstrip())
        _conclude(session, errors, warnings)
    if errors:
        click.get_current_context().exit(Status.CONFIGURATION)


def make_keys(settings: Settings) -> None:
    """Make the data folder and the keys that are not there. Raises `Problem` when a key cannot be used."""
    from relay.adapters.keys import KeyFolder, UnsafeKeyFileError
    from relay.adapters.system import SystemClock

    data = settings.relay.data
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    keys = KeyFolder(data)
    try:
        keys.main()
        keys.attestation(now=SystemClock().now())
    except (UnsafeKeyFileError, ValueError) as error:
        raise Problem(f"{data}: {error}", code="bad-key", status=Status.CONFIGURATION) from error


def public_origin(url: str) -> str:
    """Return the origin of what people type: a name stands for https, localhost for http. Raises `BadParameter`."""
    typed = url.strip().rstrip("/")
    if "://" not in typed:
        typed = f"{'http' if is_local(f'http://{typed}') else 'https'}://{typed}"
    try:
        origin = hosts.origin(hosts.check_url(typed, allow_http=True))
    except Malformed as error:
        message = f"'{url}' is not a web address; write for example relay.example.org"
        raise click.BadParameter(message, param_hint="URL") from error
    if origin.partition("://")[2] != typed.partition("://")[2].lower() and "/" in typed.partition("://")[2]:
        raise click.BadParameter(f"an address without a path is needed: {origin}", param_hint="URL")
    return origin


def _write_config(path: Path, origin: str, *, force: bool) -> None:
    from relay.config.sample import sample
    from relay.config.settings import RelaySettings

    default = RelaySettings.model_fields["url"].default
    text = sample().replace(f"  url: {default}\n", f"  url: {origin}\n", 1)
    port = urlsplit(origin).port
    if port and is_local(origin):
        listen = RelaySettings.model_fields["listen"].default
        text = text.replace(f"  listen: {listen}\n", f"  listen: 127.0.0.1:{port}\n", 1)
    if path.exists():
        if not force:
            message = f"{path} is there already and was left as it is; --force replaces it"
            raise Problem(message, code="config-exists", status=Status.NO)
        _warn_of_new_name(path, origin)
        path.replace(path.with_name(f"{path.name}.bak"))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def _warn_of_new_name(path: Path, origin: str) -> None:
    settings = Session(config=path).load().settings
    if settings is not None and settings.relay.url != origin:
        note(
            f"Warning: the relay was {settings.relay.url} before. Servers that subscribed there know "
            "another actor and must subscribe anew."
        )


def _deployment(config: Path, configuration: Configuration) -> Deployment:
    from relay.cli.session import operator

    settings = configuration.settings
    name = operator().partition(":")[2]
    return Deployment(
        url=settings.relay.url,
        listen=settings.relay.listen,
        config=config,
        data=settings.relay.data.resolve(),
        command=Path(sys.executable).with_name("assay"),
        user="assay" if os.geteuid() == 0 else name,
        max_body=settings.federation.max_body,
        # Room for what is around a file: the relay itself looks at its size.
        max_media=settings.media.max_size + 1024,
    )


def _write_files(folder: Path, deployment: Deployment) -> list[str]:
    written = []
    for name, text in deployment.files().items():
        folder.mkdir(exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
        written.append(str(folder / name))
    return written


def _made(configuration: Configuration, path: Path, files: list[str], steps: str) -> dict[str, Any]:
    from relay.wiring import identity_of

    identity = identity_of(configuration.settings)
    return {
        "url": identity.url,
        "actor": identity.actor,
        "inbox": identity.inbox,
        "config": str(path.resolve()),
        "data": str(configuration.settings.relay.data.resolve()),
        "files": files,
        "next": steps,
    }


def _bad_lines(settings: Settings) -> Iterator[Diagnostic]:
    """Every line of a list file that is no entry. The line itself is not shown: entries are nobody's to read."""
    from relay.adapters.scanners.listfile import LineError, ListReader
    from relay.config.diagnostics import Diagnostic, Severity, Source, Span
    from relay.wiring.parts import list_sources

    for place, listed in enumerate(list_sources(settings)):
        if listed.file is None:
            continue
        with listed.file.open("rb") as file:
            for error in ListReader(file, listed.reading):
                if isinstance(error, LineError):
                    span = Span(Source(str(listed.file), ()), error.line)
                    cause = f'in the list "{listed.name}": {error.message}'
                    yield Diagnostic(Severity.ERROR, "L101", f"scanners.{place}.file", span, cause)


def _conclude(session: Session, errors: int, warnings: int) -> None:
    shown = session.config_path or "built-in defaults"
    beside = f", {counted(warnings, 'warning')}" if warnings else ""
    if errors:
        note(f"{shown}: {counted(errors, 'error')}{beside}")
    else:
        say(f"{shown}: ok{beside}")
