"""`assay subscribers set`: what a subscriber is sent, and whether it is relayed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import click

from relay.cli.command import Command
from relay.cli.output import as_document, say
from relay.cli.session import Session, operator, pass_session
from relay.cli.subscriberrows import ROW, named, row_of
from relay.domain.profile_text import read_choices

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

OPTIONS: Final = {
    "profile": ("NAME", "One of the policy's profiles, or `default`."),
    "direction": (
        "WHICH",
        "`both`; `push`: it only sends to us; `receive`: it only gets, and is not relayed.",
    ),
    "languages": ("TAGS", "Only posts in these, such as `de,en`, or that name none; `any`."),
    "hashtags": ("WORDS", "Only posts with one of these, such as `art,caturday`; `any`."),
    "media": ("YES|NO", "`no`: only posts without media."),
    "rate": ("RATE", "No more posts than that, such as `60/minute` or `500/hour`; `unlimited`."),
    "sample": ("SHARE", "Only a share of the posts, such as `50%`; `100%` for all."),
    "recalls": ("YES|NO", "`yes`: recalls come also in a form for software; see docs/recall.md."),
}
SKIPPED: Final = {
    "direction": "it only sends",
    "profile": "its profile does not take them",
    "language": "language",
    "hashtag": "hashtags",
    "media": "media",
    "sample": "not in the sample",
    "rate": "over the rate",
}


def _options(command: Callable[..., None]) -> Callable[..., None]:
    for name, (metavar, text) in reversed(OPTIONS.items()):
        command = click.option(f"--{name}", metavar=metavar, help=text)(command)
    return command


@click.command("set", cls=Command, answer=ROW)
@click.argument("subscriber")
@_options
@click.option(
    "--lock/--unlock",
    "locked",
    default=None,
    help="Whether its own admin may not change this at /subscriber.",
)
@click.option("--reason", metavar="TEXT", help="Why; kept on record.")
@pass_session
def set_(
    session: Session, /, subscriber: str, *, locked: bool | None, reason: str | None, **texts: str | None
) -> None:
    """Choose what a subscriber is sent; what is not named stays as it is.

    All of it has to fit a post: profile, languages, hashtags and media. Deletions are always sent, edits go where
    their post went. The admin of the subscriber can do the same at /subscriber, unless it is locked.
    """
    given = {key: text for key, text in texts.items() if text is not None}
    if not given and locked is None:
        raise click.UsageError(f"Nothing to change: name one of {', '.join(f'--{key}' for key in OPTIONS)}.")
    row, sentence = session.run(_set(session, subscriber, given, locked=locked, reason=reason))
    if session.as_json:
        as_document(row)
    else:
        fixed = " Only you can change that." if row["locked"] else ""
        say(f"{row['server']} gets: {sentence}.{fixed}")


async def _set(
    session: Session, text: str, given: Mapping[str, str], *, locked: bool | None, reason: str | None
) -> tuple[dict[str, Any], str]:
    async with session.office() as office:
        found = await office.subscribers.find(await named(office, text))
        profile, problems = read_choices(found.profile, given, office.profiles.names)
        if problems:
            raise click.UsageError("\n".join(f"--{key}: {problem}" for key, problem in problems.items()))
        changed = await office.profiles.change(found, profile, who=operator(), locked=locked, reason=reason)
        return await row_of(office, changed), office.profiles.sentence(changed.profile)


def skipped_line(skipped: Mapping[str, int]) -> str:
    """What a subscriber did not get, in a line for people."""
    found = [f"{times:,} ({SKIPPED.get(reason, reason)})" for reason, times in skipped.items() if times]
    return ", ".join(found) or "0"
