"""Commands and groups: shared options before or after the command's name, lazy imports, exit statuses."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from relay.cli.problems import Status, expected, problem_of, report
from relay.cli.session import Session

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence


def shared_options() -> list[click.Parameter]:
    """Make the options that stand before or after a command's name alike."""
    return [
        click.Option(
            ["--config"],
            type=click.Path(path_type=Path, dir_okay=False),
            metavar="FILE",
            help="Configuration file; by default ./config.yaml, or else the built-in defaults.",
            expose_value=False,
            callback=_remember,
        ),
        click.Option(
            ["--json", "as_json"],
            is_flag=True,
            help="Answer with one JSON document on standard output.",
            expose_value=False,
            callback=_remember,
        ),
        click.Option(
            ["--verbose"],
            is_flag=True,
            help="Log more, on standard error.",
            expose_value=False,
            callback=_remember,
        ),
    ]


def _remember(ctx: click.Context, param: click.Parameter, value: object) -> None:
    if value and param.name:
        setattr(ctx.ensure_object(Session), param.name, value)


class Command(click.Command):
    """A command with the shared options.

    `answer` documents the keys of its JSON document, in order. Expected errors become a `Problem`.
    """

    def __init__(self, *args: Any, answer: Mapping[str, str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.answer = dict(answer)
        self.params += shared_options()

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command. Raises `Problem` for whatever can be expected to go wrong."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            raise  # whoever read the output went away: nobody is left to be told
        except expected() as error:
            raise problem_of(error) from error


class Program(click.Group):
    """The group of all commands; a command is imported when it is used.

    `table` maps the headings of the help to name, place (`module:attribute`) and one line of each command.
    """

    def __init__(self, *args: Any, table: Mapping[str, Mapping[str, tuple[str, str]]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.table: Final = table
        self.params = [*shared_options(), *self.params]

    @property
    def places(self) -> dict[str, str]:
        """Where each command is, by name."""
        return {name: place for rows in self.table.values() for name, (place, _) in rows.items()}

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Return the names in the order of the help."""
        return list(self.places)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import a command; None when there is none of that name."""
        place = self.places.get(cmd_name)
        if place is None:
            return None
        module, _, attribute = place.partition(":")
        command: click.Command = getattr(import_module(module), attribute)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that was named, or say which one may have been meant."""
        name = args[0]
        if name not in self.places and not name.startswith("-") and not ctx.resilient_parsing:
            from relay.config.diagnostics import guess

            meant = guess(name, self.places)
            ctx.fail(f"There is no command '{name}'." + (f" Did you mean '{meant}'?" if meant else ""))
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Write the commands under their headings, without importing them."""
        width = max(len(name) for name in self.places)
        for heading, rows in self.table.items():
            with formatter.section(heading):
                formatter.write_dl([(name.ljust(width), line) for name, (_, line) in rows.items()])

    def main(self, args: Sequence[str] | None = None, *rest: Any, **extra: Any) -> Any:
        """Run a command line and exit with its status; with `standalone_mode=False` errors are raised."""
        run: Callable[..., Any] = super().main
        if not extra.pop("standalone_mode", True):
            return run(args, *rest, standalone_mode=False, **extra)
        given = sys.argv[1:] if args is None else list(args)
        try:
            result = run(given, *rest, standalone_mode=False, **extra)
        except click.ClickException as error:
            sys.exit(report(error, as_json="--json" in given))
        except click.Abort:
            sys.exit(Status.INTERRUPTED)
        sys.exit(result if isinstance(result, int) else Status.DONE)


def answered(*, yes: bool) -> None:
    """End a command whose answer has been printed: with status 0 for yes, 1 for no."""
    if not yes:
        click.get_current_context().exit(Status.NO)
