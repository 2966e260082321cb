"""`assay lab inbox`: a temporary actor on the command line that shows what arrives."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final

import click

from relay.cli.command import Command, answered
from relay.cli.output import as_document, note, say, stamp
from relay.cli.session import Session, pass_session

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from relay.protocol.lab.arrivals import Arrival
    from relay.wiring import Relay

ANSWER: Final = {
    "actor": "id of the actor, which is its inbox, too",
    "handle": "its name",
    "deliveries[]": "one object each:",
    "number, at, type, id, sender": "the delivery; `sender`: the activity's actor",
    "verified, scheme, code, reason": "what came of the HTTP signature",
    "key, answer": "id of the key; what was answered, such as an Accept",
    "carriage": "where attestations travelled, in words",
    "attestations[]": "where, valid, verdict, code, reason of each",
}
_LOOK_EVERY: Final = 1.0
_CONFIG: Final = """\
relay: {{url: "{url}", listen: "{listen}", data: data, name: Assay lab}}
federation: {{subscriptions: closed, allow_http: true, private_addresses: {private}}}
attestation: {{issue: false, service: "off"}}
lab: {{inboxes: 1, inbox_life: 7 days, reports: 0}}
"""


@dataclass(frozen=True, slots=True)
class Place:
    """Where to listen, and where others reach it."""

    host: str
    port: int
    url: str
    private: tuple[str, ...]


@click.command(cls=Command, answer=ANSWER)
@click.option(
    "--listen",
    metavar="HOST:PORT",
    default="127.0.0.1:0",
    show_default=True,
    help="Where to listen, in plain http; port 0 takes a free one.",
)
@click.option(
    "--url",
    metavar="URL",
    help="Where others reach it, such as a tunnel or a proxy with TLS. By default what is listened at.",
)
@click.option(
    "--allow-private",
    "private",
    multiple=True,
    metavar="CIDR",
    help="A private network that senders may be in; repeatable. Loopback may when --url is not given.",
)
@click.option("--count", type=click.IntRange(min=1), metavar="N", help="End after so many deliveries.")
@pass_session
def inbox(
    session: Session, listen: str, url: str | None, private: tuple[str, ...], count: int | None
) -> None:
    """Make a temporary actor and show what it is sent, until Ctrl-C or --count.

    Each delivery is shown with its signature, and with what its attestations come to and why not. A signed Follow is
    accepted. The actor has a key of its own and is gone when the command ends. Exit status 1 when nothing arrived, or
    when a signature or an attestation was not good.
    """
    place = _place(listen, url, private)
    found = session.run(_run(session, place, count))
    good = bool(found["deliveries"]) and all(
        one["verified"] and all(each["valid"] for each in one["attestations"]) for one in found["deliveries"]
    )
    if session.as_json:
        as_document(found)
    answered(yes=good)


def _place(listen: str, url: str | None, private: tuple[str, ...]) -> Place:
    from relay.config.quantities import read_address

    try:
        address = read_address(listen)
    except ValueError as error:
        raise click.BadParameter(f"{listen!r} {error}", param_hint="--listen") from error
    port = address.port or _free(address.host)
    if url is None:
        private = (*private, "127.0.0.0/8", "::1/128")
    host = f"[{address.host}]" if ":" in address.host else address.host
    return Place(address.host, port, (url or f"http://{host}:{port}").rstrip("/"), private)


def _free(host: str) -> int:
    """A port that is free now: the actor's id holds it, so it has to be known before listening."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.bind((host, 0))
        port: int = probe.getsockname()[1]
        return port


async def _run(session: Session, place: Place, count: int | None) -> dict[str, Any]:
    from relay.protocol.lab import temporary
    from relay.protocol.lab.arrivals import arrivals

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with _relay(place) as relay:
        lab, wakeup = relay.lab.inboxes, relay.office.signals.lab
        token = (await lab.create("127.0.0.1")).token
        actor = temporary.inbox_id(token, url=place.url)
        handle = temporary.handle(token, url=place.url)
        note(f"{handle}\n{actor}\nDeliver to it, mention it or follow it; Ctrl-C ends.")
        told: list[dict[str, Any]] = []
        while not stop.is_set() and len(told) < (count or len(told) + 1):
            await _first(wakeup.wait(_LOOK_EVERY), stop.wait())
            await lab.run_once()
            for one in arrivals(await lab.deliveries(token))[len(told) :]:
                told.append(_told(one))
                if not session.as_json:
                    _show(told[-1])
    return {"actor": actor, "handle": handle, "deliveries": told}


async def _first(*works: Any) -> None:
    """Return when one of several is done; the others are cancelled."""

    class Done(Exception):
        pass

    async def until_done(work: Any) -> None:
        await work
        raise Done

    try:
        async with asyncio.TaskGroup() as tasks:
            for work in works:
                tasks.create_task(until_done(work))
    except* Done:
        pass


@asynccontextmanager
async def _relay(place: Place) -> AsyncIterator[Relay]:
    """Run a relay for the moment, with nothing of the operator's: its actor signs what fetches keys."""
    from relay.adapters.system import SystemClock
    from relay.cli.serving import listening, public_app
    from relay.config.load import load
    from relay.wiring import open_relay

    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="assay-lab-")))
        path = folder / "config.yaml"
        listen = f"[{place.host}]:{place.port}" if ":" in place.host else f"{place.host}:{place.port}"
        path.write_text(_CONFIG.format(url=place.url, listen=listen, private=json.dumps(place.private)))
        configuration = load(path, {}, SystemClock().now()).require()
        relay = await stack.enter_async_context(open_relay(configuration, exclusive=False))
        await stack.enter_async_context(listening(public_app(relay), place.host, place.port))
        yield relay


def _told(one: Arrival) -> dict[str, Any]:
    seen = one.delivery.seen
    found = one.examination.examined if one.examination else ()
    return {
        "number": one.number,
        "at": stamp(one.delivery.at),
        "type": one.kind,
        "id": one.text("id"),
        "sender": one.text("actor"),
        "verified": seen is not None and seen.code == "verified",
        "scheme": seen.scheme if seen else None,
        "code": seen.code if seen else None,
        "reason": seen.sentence if seen else None,
        "key": seen.key_id if seen else None,
        "answer": seen.answer if seen else None,
        "carriage": list(one.carriage),
        "attestations": [
            {
                "where": each.found.where,
                "valid": each.result.valid,
                "verdict": each.result.verdict.value,
                "code": each.explanation.code,
                "reason": each.reason,
            }
            for each in found
        ],
    }


def _show(told: dict[str, Any]) -> None:
    say(f"{told['number']}. {told['type']} by {told['sender'] or 'nobody'}", bold=True)
    state = "verified" if told["verified"] else f"NOT verified ({told['code']}): {told['reason']}"
    say(f"   signature {state}, {told['scheme'] or 'no scheme'}, key {told['key'] or 'unknown'}")
    lines: Sequence[str] = [f"attestations {'; '.join(told['carriage'])}"] if told["carriage"] else []
    for line in [*lines, *([told["answer"]] if told["answer"] else [])]:
        say(f"   {line}")
    for each in told["attestations"]:
        hint = "" if each["valid"] else f"  (assay lab explain {each['code']})"
        say(f"   {each['where']}: {each['verdict']}. {each['reason']}{hint}")
