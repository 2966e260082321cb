"""Port `Channel`: web hooks, ntfy and mail, against servers on the loopback that also refuse, hang and lie."""

from __future__ import annotations

import asyncio
import hmac
import json
from base64 import b64encode
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from relay.adapters.alerting import mail as mailing_adapter
from relay.adapters.alerting.mail import Mail, MailServer
from relay.adapters.alerting.web import CHANNELS, Ntfy, WebHook
from relay.adapters.inside import transaction
from relay.domain import alertwords
from relay.domain.alerts import Answer, Message
from relay.domain.errors import RemoteError
from relay.protocol.alertforms import From
from tests.contract.mailing import PASSWORD, USER, MailHouse, mail_house
from tests.contract.peers import Authority, Exchange, Names, client, serving
from tests.fakes import START, FakeClock

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

RELAY = From("https://relay.test", "Assay", "relay.test")
ALERT = alertwords.subscriber_waits(5)
MESSAGE = Message(1, "k" * 32, "mods", ALERT.kind, 1, (ALERT,), START, START)
KEY = b"a key of at least 24 bytes"
ADDRESS, TO = "relay@relay.test", ("ann@mail.test", "bob@mail.test")


def header(head: bytes, name: str) -> str | None:
    """A header of a request."""
    for line in head.decode().split("\r\n")[1:]:
        found, _, value = line.partition(": ")
        if found.lower() == name.lower():
            return value
    return None


@asynccontextmanager
async def hooked(
    status: int = 200, *headers: str, form: str = "json", key: bytes | None = None, token: str | None = None
) -> AsyncIterator[tuple[WebHook, list[Exchange]]]:
    """A web hook at a server that answers everything alike."""
    seen: list[Exchange] = []

    async def answer(exchange: Exchange) -> None:
        seen.append(exchange)
        await exchange.answer(status, b"said the server", *headers)

    async with serving(answer, host="127.0.0.1") as peer, client(CHANNELS) as remote:
        url = peer.url("/hooks/1?thread=2")
        yield WebHook("mods", remote, FakeClock(), RELAY, url=url, form=form, token=token, key=key), seen


async def test_a_web_hook_gets_signed_json_with_its_id() -> None:
    async with hooked(key=KEY, token="tk") as (hook, seen):
        assert await hook.send(MESSAGE) == Answer(accepted=True, detail="status 200: said the server")
    [exchange] = seen
    assert exchange.target == "/hooks/1?thread=2"
    assert json.loads(exchange.body)["data"]["title"] == "A server wants to subscribe"
    assert header(exchange.head, "content-type") == "application/json"
    assert header(exchange.head, "authorization") == "Bearer tk"
    assert header(exchange.head, "webhook-id") == MESSAGE.key
    stamp = header(exchange.head, "webhook-timestamp")
    assert stamp == str(int(START))
    covered = f"{MESSAGE.key}.{stamp}.".encode() + exchange.body
    digest = b64encode(hmac.new(KEY, covered, "sha256").digest()).decode()
    assert header(exchange.head, "webhook-signature") == f"v1,{digest}"


async def test_a_chat_gets_its_own_form_and_no_secrets() -> None:
    async with hooked(202, form="text") as (hook, seen):
        assert (await hook.send(MESSAGE)).accepted
    [exchange] = seen
    assert set(json.loads(exchange.body)) == {"text"}
    assert header(exchange.head, "authorization") is None
    assert header(exchange.head, "webhook-signature") is None


@pytest.mark.parametrize("status", [301, 307, 400, 401, 404, 410, 413, 429, 500, 503])
async def test_nothing_but_2xx_is_an_arrival(status: int) -> None:
    async with hooked(status, "Retry-After: 77", "Location: http://127.0.0.1:1/") as (hook, seen):
        answer = await hook.send(MESSAGE)
    assert len(seen) == 1  # no redirect is followed
    assert answer == Answer(accepted=False, detail=f"status {status}: said the server", retry_after=77.0)


async def failing(hook: WebHook | Mail | Ntfy, code: str) -> RemoteError:
    with pytest.raises(RemoteError) as caught:
        await hook.send(MESSAGE)
    assert caught.value.code == code, caught.value
    return caught.value


def hook_at(remote: object, url: str) -> WebHook:
    return WebHook("mods", remote, FakeClock(), RELAY, url=url, form="json", token=None, key=None)  # type: ignore[arg-type]


async def test_a_certificate_that_is_not_trusted_is_refused(tmp_path: Path) -> None:
    async def never(_exchange: Exchange) -> None:
        pytest.fail("something was sent")

    authority = Authority(tmp_path)
    names = Names(hook_test=[["127.0.0.1"]])
    async with (
        serving(never, host="127.0.0.1", tls=authority.server("hook.test")) as peer,
        client(CHANNELS, resolver=names) as remote,
    ):
        await failing(hook_at(remote, peer.url(host="hook.test")), "tls")


async def test_a_private_authority_can_be_trusted_but_not_for_other_names(tmp_path: Path) -> None:
    async def take(exchange: Exchange) -> None:
        await exchange.answer(200)

    authority = Authority(tmp_path)
    names = Names(hook_test=[["127.0.0.1"]], other_test=[["127.0.0.1"]])
    async with (
        serving(take, host="127.0.0.1", tls=authority.server("hook.test")) as peer,
        client(CHANNELS, resolver=names, ca_file=authority.file) as remote,
    ):
        assert (await hook_at(remote, peer.url(host="hook.test")).send(MESSAGE)).accepted
        await failing(hook_at(remote, peer.url(host="other.test")), "tls")


async def test_nobody_there_is_an_error_and_no_answer() -> None:
    async with hooked() as (hook, _):
        pass
    async with client(CHANNELS) as remote:
        hook._remote = remote
        await failing(hook, "unreachable")


@pytest.mark.parametrize("address", ["169.254.169.254", "168.63.129.16", "fe80::1", "::ffff:169.254.169.254"])
async def test_no_name_of_a_channel_leads_to_what_hands_out_credentials(address: str) -> None:
    names = Names(hook_test=[[address]])
    async with client(CHANNELS, resolver=names) as remote:
        await failing(hook_at(remote, "http://hook.test/latest/meta-data"), "blocked-address")


async def test_ntfy_gets_a_title_a_priority_and_words() -> None:
    async def take(exchange: Exchange) -> None:
        heads.append(exchange.head)
        bodies.append(exchange.body)
        await exchange.answer(200, b"{}")

    heads: list[bytes] = []
    bodies: list[bytes] = []
    async with serving(take, host="127.0.0.1") as peer, client(CHANNELS) as remote:
        topic = Ntfy("phone", remote, RELAY, url=peer.url("/secret-topic"), token="tk_1")
        assert (await topic.send(MESSAGE)).accepted
    assert header(heads[0], "title") == "Assay: A server wants to subscribe"
    assert header(heads[0], "priority") == "default"
    assert header(heads[0], "tags") == "bell,subscriber"
    assert header(heads[0], "authorization") == "Bearer tk_1"
    assert bodies == [ALERT.text.encode()]


# ---------------------------------------------------------------------------------------- mail


def mail(house: MailHouse, tls: str = "none", **more: object) -> Mail:
    server = MailServer("localhost", house.port, tls, **more)  # type: ignore[arg-type]
    return Mail("post", RELAY, server, address=ADDRESS, to=TO)


async def test_a_mail_is_handed_in() -> None:
    async with mail_house() as house:
        answer = await mail(house).send(MESSAGE)
    assert answer.accepted
    assert "taken" in answer.detail
    [taken] = house.mails
    assert (taken["From"], taken["To"]) == (ADDRESS, ", ".join(TO))
    assert taken["Subject"] == "[Assay] A server wants to subscribe"
    assert taken["Message-ID"] == f"<{MESSAGE.key}@relay.test>"
    assert taken["Auto-Submitted"] == "auto-generated"
    assert taken["List-Id"] == "<mods.alerts.relay.test>"
    assert taken.get_content_type() == "text/plain"
    assert ALERT.text in taken.get_content()
    assert (house.recipients, house.encrypted, house.greeted_by) == (list(TO), [False], ["relay.test"])


@pytest.mark.parametrize("how", ["starttls", "tls"])
async def test_a_mail_is_handed_in_encrypted_and_with_a_password(tmp_path: Path, how: str) -> None:
    authority = Authority(tmp_path)
    context = authority.server("localhost")
    kinds = {"starttls": context} if how == "starttls" else {"tls": context}
    async with mail_house(**kinds, login=True) as house:
        trusted = {"ca_file": authority.file, "user": USER}
        assert (await mail(house, how, password=PASSWORD, **trusted).send(MESSAGE)).accepted
        wrong = await mail(house, how, password="wrong", **trusted).send(MESSAGE)
        await failing(mail(house, how, user=USER, password=PASSWORD), "tls")  # an authority nobody trusts
    assert not wrong.accepted
    assert wrong.detail.startswith("535 ")
    assert "wrong" not in wrong.detail
    assert house.encrypted == [True]


async def test_a_server_without_starttls_gets_no_mail() -> None:
    async with mail_house() as house:
        await failing(mail(house, "starttls"), "tls")
    assert house.mails == []


async def test_a_mail_that_is_refused_says_why() -> None:
    async with mail_house() as house:
        house.answer = "451 4.7.1 come back later"
        assert await mail(house).send(MESSAGE) == Answer(accepted=False, detail="451 4.7.1 come back later")
        house.strangers = frozenset(TO)
        assert await mail(house).send(MESSAGE) == Answer(
            accepted=False, detail="550 5.1.1 nobody of that name"
        )


async def test_who_can_be_reached_is_reached(caplog: pytest.LogCaptureFixture) -> None:
    async with mail_house() as house:
        house.strangers = frozenset(TO[:1])
        assert (await mail(house).send(MESSAGE)).accepted
    assert house.recipients == [TO[1]]
    assert "channel post: 1 of 2 addresses refused" in caplog.text


async def test_a_mail_server_that_hangs_or_is_gone_gives_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    async def hang(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await ended.wait()
        writer.transport.abort()

    ended = asyncio.Event()
    monkeypatch.setattr(mailing_adapter, "TIMEOUT", 0.2)
    server = await asyncio.start_server(hang, "127.0.0.1", 0)
    house = MailHouse(server.sockets[0].getsockname()[1])
    await failing(mail(house), "timeout")
    ended.set()
    server.close()
    await server.wait_closed()
    await failing(mail(house), "unreachable")


async def test_no_channel_speaks_inside_a_transaction() -> None:
    async with mail_house() as house, hooked() as (hook, _):
        for channel in (hook, mail(house)):
            with transaction(), pytest.raises(RuntimeError):
                await channel.send(MESSAGE)
