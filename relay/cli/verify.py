"""`assay verify`: verifying attestations, of one file or of everything in a document."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import click

from relay.cli.command import Command, answered
from relay.cli.media import is_address, read_file, read_media
from relay.cli.output import as_document, say
from relay.cli.problems import Problem, Status
from relay.cli.session import Session, pass_session
from relay.domain import strictjson
from relay.domain.errors import Malformed, RemoteError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from relay.config.settings import Settings
    from relay.protocol.lab.stepping import Found
    from relay.wiring import Relay

    Actors = Mapping[str, Mapping[str, Any] | None]

LARGEST: Final = 1024 * 1024 * 1024
"""Bytes of a local file that are read; only its digest is kept."""

ANSWER: Final = {
    "file": "what was verified",
    "valid": "whether there is an attestation and every one is valid; status 1 when not",
    "attestations[]": "one object each:",
    "where": "where in the document it stands",
    "valid, verdict, temporary, reason": "what came of it; `temporary`: later may be different",
    "issuer, key, hash": "what it claims, even if the signature is wrong; or null",
    "trusted_here": "whether the configuration trusts the issuer (attestation.trusted)",
    "bytes_checked": "whether the bytes were at hand",
    "issued_at, expires_at, checks, medium": "what it states, when the signature is good",
    "steps[]": "step, title, state: passed, failed, assumed, unchecked or not-reached",
}


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be verified, and against what; `lists` None for any."""

    file: str
    attestation: str | None
    actor: str | None
    declared: str | None
    media: tuple[str, ...]
    lists: frozenset[str] | None


@click.command(cls=Command, answer=ANSWER)
@click.argument("file", metavar="FILE|URL")
@click.option("--attestation", metavar="TEXT", help="The attestation of a media file: data:application/jwt,…")
@click.option("--actor", metavar="FILE|URL", help="The issuer's actor document; by default it is fetched.")
@click.option("--hash", "declared", metavar="HASH", help="The hash that the object declares: sha256:…")
@click.option("--media", multiple=True, metavar="FILE", help="Bytes of the media of a document; repeatable.")
@click.option(
    "--list", "lists", multiple=True, metavar="ID", help="A list that must have been checked; repeatable."
)
@pass_session
def verify(
    session: Session,
    file: str,
    attestation: str | None,
    actor: str | None,
    declared: str | None,
    media: tuple[str, ...],
    lists: tuple[str, ...],
) -> None:
    """Verify attestations step by step.

    FILE|URL is a media file, with --attestation; or an ActivityPub document (JSON), of which every
    attestation is verified as far as possible. With --actor FILE nothing is fetched. The issuer is believed
    here; `trusted_here` tells whether the relay would. Exit status 1 when one is not valid.
    """
    asked = Asked(file, attestation, actor, declared, media, frozenset(lists) or None)
    found = session.run(_verify(session, asked))
    if session.as_json:
        as_document(found)
    elif not found["attestations"]:
        say(f"There is no attestation in {file}.")
    else:
        _show(found["attestations"])
    answered(yes=found["valid"])


def _show(told: Sequence[Mapping[str, Any]]) -> None:
    from relay.cli.verdicts import show

    for place, one in enumerate(told):
        if place:
            say()
        show(one)


async def _verify(session: Session, asked: Asked) -> dict[str, Any]:
    """Verify what can be verified without a network at once; only for the rest open a relay to fetch with."""
    found = None if is_address(asked.file) else _found(asked, read_file(asked.file, LARGEST))
    if found is not None:
        local = _local_actors(asked, found)
        if local is not None:
            return _verdicts(asked, found, session.load().settings, local, {})
    async with session.fetching() as relay:
        if found is None:
            found = _found(asked, await _content(asked.file, relay))
        failures: dict[str, str] = {}
        actors: dict[str, Mapping[str, Any] | None] = {}
        for issuer in _issuers(found):
            try:
                actors[issuer] = await _actor(relay, issuer, asked.actor)
            except RemoteError as error:
                failures[issuer] = f"({error})"
        return _verdicts(asked, found, relay.office.settings, actors, failures)


def _local_actors(asked: Asked, found: Sequence[Found]) -> Actors | None:
    """Return the actor documents if none has to be fetched, otherwise None."""
    issuers = _issuers(found)
    if not issuers:
        return {}
    if asked.actor is None or is_address(asked.actor):
        return None
    return dict.fromkeys(issuers, _actor_document(asked.actor, read_file(asked.actor, LARGEST)))


async def _content(url: str, relay: Relay) -> bytes:
    """Fetch a document as ActivityPub, signed, or else a media file."""
    try:
        return json.dumps(dict(await relay.fetcher.document(url))).encode()
    except RemoteError as error:
        if error.code != "bad-type":
            raise
    return await read_media(url, relay.remote, relay.office.settings.media)


async def _actor(relay: Relay, issuer: str, actor: str | None) -> Mapping[str, Any] | None:
    """Return the issuer's document: the one that was named, our own, or fetched; None when there is none."""
    if actor is not None and not is_address(actor):
        return _actor_document(actor, read_file(actor, LARGEST))
    address = actor or issuer
    if address == relay.office.identity.actor:
        return _actor_document(address, relay.actor)
    try:
        return await relay.fetcher.document(address)
    except RemoteError as error:
        if error.status in {404, 410}:
            return None
        raise


def _found(asked: Asked, content: bytes) -> list[Found]:
    """Return the attestations to verify. Raises `BadParameter` for a media file without one."""
    from mediaattest import digest_of
    from relay.protocol.lab.documents import all_in
    from relay.protocol.lab.stepping import Found, attestation_string

    if asked.attestation is not None:
        declared = (asked.declared,) if asked.declared else ()
        return [Found(attestation_string(asked.attestation), asked.file, declared, digest_of(content))]
    document = json_object(content)
    if document is None:
        message = f"{asked.file} is not a JSON document, so its attestation has to be given"
        raise click.BadParameter(message, param_hint="--attestation")
    media = frozenset(digest_of(read_file(name, LARGEST)) for name in asked.media)
    return list(all_in(document, media))


def json_object(content: bytes) -> dict[str, Any] | None:
    """The JSON object that some bytes hold, None when they hold none."""
    if not content.lstrip().startswith(b"{"):
        return None
    try:
        document = strictjson.loads(content)
    except Malformed:
        return None
    return document if isinstance(document, dict) else None


def _actor_document(name: str, content: bytes) -> dict[str, Any]:
    document = json_object(content)
    if document is None:
        raise Problem(f"{name} is not an actor document (JSON)", code="bad-actor", status=Status.NO)
    return document


def _issuers(found: Sequence[Found]) -> list[str]:
    from relay.protocol.lab.stepping import issuer_of

    issuers = [issuer_of(one.text) for one in found]
    return list(dict.fromkeys(issuer for issuer in issuers if issuer))


def _verdicts(
    asked: Asked,
    found: Sequence[Found],
    settings: Settings | None,
    actors: Actors,
    failures: Mapping[str, str],
) -> dict[str, Any]:
    from relay.adapters.system import SystemClock
    from relay.protocol.lab.stepping import Terms, examine_one
    from relay.protocol.lab.telling import told

    trusted = frozenset((*settings.attestation.trusted, f"{settings.relay.url}/actor") if settings else ())
    terms = Terms(actors, trusted, asked.lists, int(SystemClock().now()), failures)
    examined = [examine_one(one, terms) for one in found]
    return {
        "file": asked.file,
        "valid": bool(examined) and all(one.result.valid for one in examined),
        "attestations": [told(one) for one in examined],
    }
