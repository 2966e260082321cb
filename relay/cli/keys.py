"""`assay keys`: the keys that attestations are made with. The main key is shown, and never changed from here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import click

from relay.cli.command import Command
from relay.cli.output import as_document, say, stamp, table
from relay.cli.problems import Problem, Status
from relay.cli.session import Session, operator, pass_session

if TYPE_CHECKING:
    from relay.services.attestkeys import KeySet
    from relay.wiring import Office

MAIN: Final = "main-key"
ROW: Final = {
    "name": "name of the key",
    "id": "its id in the actor",
    "state": (
        "main: signs requests; signing: signs attestations; spare: would, if no newer one did; "
        "retired, revoked: listed for what was made with it"
    ),
    "retired_at": "when another took its place, or null",
    "revoked_at": "when it was revoked, or null",
    "listed_until": "when it leaves the actor, or null",
}
ROTATED: Final = {"name": "name of the new key", "id": "its id in the actor"}
REVOKED: Final = {
    "name": "name of the key that was revoked",
    "id": "its id in the actor",
    "retracted": "attestations that were retracted",
    "signing": "name of the key that signs now",
}
_WHY_NOT_MAIN: Final = (
    "the main key is never exchanged: other servers keep a copy of it, some for a day and some for ever, and would "
    "refuse whatever the relay sends and let nobody subscribe. If somebody else has it, start a relay under another "
    "name and tell the subscribers"
)


@click.group()
def keys() -> None:
    """List, rotate and revoke the keys of attestations.

    The main key, which signs requests, is listed and cannot be exchanged: other servers keep a copy of it, some for
    ever, and would refuse whatever the relay sends.
    """


@keys.command("list", cls=Command, answer={"keys[]": "one object each, newest first:", **ROW})
@pass_session
def list_(session: Session) -> None:
    """List the keys of the relay's actor."""
    rows = session.run(_rows(session))
    if session.as_json:
        as_document({"keys": rows})
        return
    table(
        ("name", "state", "listed until"),
        [(row["name"], row["state"], (row["listed_until"] or "")[:10]) for row in rows],
    )


@keys.command(cls=Command, answer=ROTATED)
@pass_session
def rotate(session: Session) -> None:
    """Make a new attestation key. A relay that runs signs with it within seconds.

    The old one stays in the actor for 31 days, until the last attestation made with it has ended.
    """
    found = session.run(_rotate(session))
    if session.as_json:
        as_document(found)
    else:
        say(f"{found['name']} signs attestations from now on.")


@keys.command(cls=Command, answer=REVOKED)
@click.argument("name")
@click.option("--note", metavar="TEXT", help="Why; kept on record.")
@pass_session
def revoke(session: Session, name: str, note: str | None) -> None:
    """Revoke the attestation key NAME, which somebody else may have.

    The actor says so from now on, and what was made with the key counts nowhere any more once other servers have
    looked at the actor again, within a day. The relay retracts it and makes it anew when it is asked for. Its file
    is deleted. When it is the key that signs, a new one takes its place.
    """
    if name == MAIN:
        raise Problem(_WHY_NOT_MAIN, code="main-key", status=Status.NO)
    found = session.run(_revoke(session, name, note))
    if session.as_json:
        as_document(found)
    else:
        say(f"{name} is revoked, and {found['retracted']:,} attestations with it.")
        say(f"{found['signing']} signs attestations now.")


async def _rows(session: Session) -> list[dict[str, Any]]:
    async with session.office() as office:
        current = await office.keys.current()
        main = {"name": MAIN, "id": office.identity.key_id, "state": "main"}
        never = {"retired_at": None, "revoked_at": None, "listed_until": None}
        return [main | never, *_listed(office, current)]


def _listed(office: Office, current: KeySet) -> list[dict[str, Any]]:
    return [
        {
            "name": key.name,
            "id": _id(office, key.name),
            "state": key.state,
            "retired_at": stamp(key.retired_at),
            "revoked_at": stamp(key.revoked_at),
            "listed_until": stamp(key.listed_until),
        }
        for key in current.all
    ]


async def _rotate(session: Session) -> dict[str, Any]:
    async with session.office() as office:
        name = await office.keys.rotate(who=operator())
        return {"name": name, "id": _id(office, name)}


async def _revoke(session: Session, name: str, note: str | None) -> dict[str, Any]:
    async with session.office() as office:
        retracted = await office.keys.revoke(name, who=operator(), note=note)
        signing = (await office.keys.current()).signing.name
        return {"name": name, "id": _id(office, name), "retracted": retracted, "signing": signing}


def _id(office: Office, name: str) -> str:
    return f"{office.identity.actor}#{name}"
