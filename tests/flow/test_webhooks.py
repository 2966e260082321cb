"""Posts that come by web hook: who may send them, what is kept, what is found, and that nobody ever gets one."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from contextlib import AsyncExitStack, asynccontextmanager
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

from relay.adapters.media.canary import canary_pictures, clean_picture
from relay.cli.serving import listening, public_app
from relay.domain.errors import RemoteError
from relay.domain.hashlist import HashAlgorithm, ListEntry
from relay.domain.hashsubmission import About, entries_of
from relay.domain.policy import LONGEST_DEFERRAL
from relay.services.checking import ASK_AGAIN
from relay.services.inspect import PATIENCE
from relay.services.upkeep import HOOKS_KEPT
from relay.services.webhooks import READ_ON_THE_LOOP
from tests.flow.conftest import BASE
from tests.flow.operators import at_a_prompt, documented, keys_of
from tests.flow.test_screen import KNOWN, LOCAL, screened
from tests.mastodon import SECRET, FakeMastodon, signature

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.flow.conftest import World, Worlds

HOOK = f"webhooks: [{{name: social, server: m.test, secret: {SECRET}}}]\n"
FLAGS = HOOK.replace("}]", ", flag: true}]")
MODS = "alerts: {channels: [{name: mods, kind: webhook, url: 'http://127.0.0.1:9/mods'}]}\n"
CLEAN = clean_picture("a harmless one")
STRICT = "policy: {version: 1, mode: enforce, otherwise: quarantine}\n"
OBSERVE = "policy: {version: 1, mode: observe, otherwise: quarantine}\n"


@asynccontextmanager
async def mastodon(world: World, name: str = "m.test") -> AsyncIterator[FakeMastodon]:
    """A server with a connection to the relay."""
    async with (
        listening(public_app(world.relay), "127.0.0.1", 0) as port,
        aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session,
    ):
        yield FakeMastodon(world.server(name), session)


async def hooked(worlds: Worlds, more: str = HOOK) -> World:
    return await screened(worlds, BASE + LOCAL + more)


async def checked(world: World) -> dict[str, int]:
    """Check what is due; return the counts."""
    await world.relay.hooks.checking.run_once()
    await world.relay.letters.run_once()
    return await counts(world)


async def counts(world: World) -> dict[str, int]:
    await world.relay.hooks.counts.run_once()
    found, _ = await world.relay.office.hooks.counts()
    return {one.what: one.number for one in found}


async def findings(world: World) -> list[Any]:
    return await world.relay.office.hooks.findings()


def content(worlds: Worlds) -> str:
    """Everything that is in the database, as text."""
    with sqlite3.connect(worlds.folder / "data" / "relay.sqlite") as connection:
        return "\n".join(connection.iterdump())


# -------------------------------------------------------------------- who may send, and what is taken


async def test_a_post_of_a_server_that_does_not_subscribe_is_found(worlds: Worlds) -> None:
    world = await hooked(worlds, HOOK + MODS)
    async with mastodon(world) as server:
        status = server.status(server.file(KNOWN), server.file(CLEAN))
        assert await server.send(status) == 202
    assert await checked(world) == {"accepted": 1, "finding": 1}
    [found] = await findings(world)
    assert (found.sender, found.object_id, found.actor) == (
        "social",
        status["uri"],
        "https://m.test/users/alice",
    )
    assert (found.verb, found.reason, found.flag) == ("quarantine", "known-match", None)
    assert [item.outcome for item in found.items] == ["match", "no-known-match"]
    [told] = [one for one in await world.relay.office.alerts.recent(9) if one.kind == "checked"]
    assert told.title == "A post that came by web hook: known-match"


async def test_nobody_ever_gets_a_post_that_came_by_web_hook(worlds: Worlds) -> None:
    world = await hooked(worlds)
    async with mastodon(world) as server:
        for content in (CLEAN, KNOWN):
            await server.send(server.status(server.file(content)))
    await checked(world)
    await world.settle()
    assert [world.server(name).arrivals() for name in ("a.test", "b.test", "m.test")] == [[], [], []]
    office = world.relay.office
    assert await office.holds.all() == []  # what is held can be released
    async with office.store.reading() as tx:
        assert await tx.fanout.head() == 0
        assert (await tx.activities.counts(0.0))["activities"] == {}


async def test_nothing_of_a_post_is_kept_but_facts(worlds: Worlds) -> None:
    world = await hooked(worlds)
    async with mastodon(world) as server:
        clean, known = server.status(server.file(CLEAN)), server.status(server.file(KNOWN))
        for status in (clean, known):
            await server.send(status)
    assert clean["uri"] in content(worlds)
    await checked(world)
    kept = content(worlds)
    assert known["uri"] in kept
    strangers = (clean["uri"], "words that nobody", "a cat that nobody", SECRET)
    assert [text for text in strangers if text in kept] == []


@pytest.mark.parametrize(
    "header",
    ["", "sha256=", "sha256=" + 64 * "0", "sha1=" + 40 * "0", signature(b"another body"), "sha256=é"],
)
async def test_what_is_not_signed_by_the_secret_is_refused_and_counted(worlds: Worlds, header: str) -> None:
    world = await hooked(worlds)
    async with mastodon(world) as server:
        body = server.body(server.status(server.file(KNOWN)))
        assert await server.attempt(body, **{"X-Hub-Signature": header}) == 401
    assert await checked(world) == {"bad-signature": 1}
    assert await findings(world) == []


async def test_a_server_with_an_old_secret_tries_again_until_it_has_the_new_one(worlds: Worlds) -> None:
    world = await hooked(worlds)
    async with mastodon(world) as server:
        server.secret = "the one of before"
        assert await server.send(server.status(server.file(KNOWN))) == 401
        assert len(server.answers) == 17


async def test_an_unknown_name_is_not_found_before_its_body_is_read(worlds: Worlds) -> None:
    world = await hooked(worlds)
    async with mastodon(world) as server:
        server.address = "/webhooks/mastodon/other"
        assert await server.attempt(b"x" * (1 << 20)) == 404
    assert await counts(world) == {}


async def test_a_body_that_is_too_large_is_refused(worlds: Worlds) -> None:
    world = await worlds.open(BASE.replace("federation: {", "federation: {max_body: 64 KiB, ") + HOOK)
    async with mastodon(world) as server:
        assert await server.attempt(b"x" * ((64 << 10) + 1)) == 413


async def test_a_large_post_is_read(worlds: Worlds) -> None:
    world = await hooked(worlds)
    async with mastodon(world) as server:
        status = server.status(server.file(KNOWN), content="x" * READ_ON_THE_LOOP)
        assert await server.send(status) == 202
    assert await checked(world) == {"accepted": 1, "finding": 1}


@pytest.mark.parametrize(
    "template",
    ['{"text": "a new post"}', "alice posted", "[]", '{"event": "status.created", "object": "x"}'],
)
async def test_a_template_is_answered_with_what_to_do(worlds: Worlds, template: str) -> None:
    world = await hooked(worlds)
    async with mastodon(world) as server:
        server.template = template
        assert await server.send(server.status()) == 400
        assert len(server.answers) == 1
    assert await counts(world) == {"malformed": 1}


async def test_a_status_without_what_is_needed_is_malformed(worlds: Worlds) -> None:
    world = await hooked(worlds)
    async with mastodon(world) as server:
        for lacking in ({"uri": None}, {"visibility": None}, {"account": {}}, {"account": None}):
            assert await server.send(server.status(server.file(KNOWN), **lacking)) == 400
    assert await counts(world) == {"malformed": 4}


@pytest.mark.parametrize(
    ("more", "event", "what"),
    [
        ({}, "account.created", "ignored-event"),
        ({}, "report.created", "ignored-event"),
        ({"reblog": {"id": "7"}}, "status.created", "ignored-boost"),
        ({"visibility": "private"}, "status.created", "ignored-visibility"),
        ({"visibility": "direct"}, "status.updated", "ignored-visibility"),
        ({"visibility": "of a fork"}, "status.created", "ignored-visibility"),
        ({"local_only": True}, "status.created", "ignored-visibility"),
        ({"uri": "https://other.test/1"}, "status.created", "ignored-server"),
        ({"account": {"url": "https://other.test/@bob"}}, "status.created", "ignored-server"),
        ({"media_attachments": []}, "status.created", "ignored-no-media"),
    ],
)
async def test_what_is_of_no_concern_is_taken_and_thrown_away(
    worlds: Worlds, more: dict[str, Any], event: str, what: str
) -> None:
    world = await hooked(worlds)
    async with mastodon(world) as server:
        status = server.status(server.file(KNOWN)) | more
        assert await server.send(status, event) == 202
    assert await checked(world) == {what: 1}
    assert "/statuses/" not in content(worlds)


async def test_posts_for_followers_are_checked_where_the_operator_says_so(worlds: Worlds) -> None:
    world = await hooked(worlds, HOOK.replace("}]", ", visibility: [private]}]"))
    async with mastodon(world) as server:
        for visibility in ("public", "private", "direct"):
            await server.send(server.status(server.file(KNOWN), visibility=visibility))
    assert await checked(world) == {"ignored-visibility": 2, "accepted": 1, "finding": 1}
    assert [one.visibility for one in await findings(world)] == ["private"]


async def test_an_event_that_comes_again_is_checked_once_and_an_edit_anew(worlds: Worlds) -> None:
    world = await hooked(worlds)
    async with mastodon(world) as server:
        status = server.status(server.file(CLEAN))
        for _ in range(2):
            await server.send(status)
        assert await checked(world) == {"accepted": 1, "repeat": 1, "clean": 1}
        await server.send(status)  # also after it was checked
        edited = status | {
            "edited_at": "2026-11-22T13:00:00.000Z",
            "media_attachments": [server.file(KNOWN)],
        }
        for _ in range(2):
            await server.send(edited, "status.updated")
    assert await checked(world) == {"accepted": 2, "repeat": 3, "clean": 1, "finding": 1}


async def test_a_post_is_on_disk_before_the_answer(worlds: Worlds) -> None:
    async with AsyncExitStack() as stack:
        world = await worlds.open(BASE + LOCAL.replace("file: local.csv, ", "") + HOOK, stack=stack)
        async with mastodon(world) as server:
            await server.send(server.status(server.file(KNOWN)))
    world = await hooked(worlds)
    assert (await checked(world))["finding"] == 1


async def test_a_full_queue_is_said_and_the_server_tries_again(worlds: Worlds) -> None:
    world = await hooked(worlds)
    world.relay.hooks.webhooks.most = 1
    async with mastodon(world) as server:
        await server.send(server.status(server.file(CLEAN)))
        body = server.body(server.status(server.file(CLEAN)))
        assert await server.attempt(body) == 503
        await checked(world)
        assert await server.attempt(body) == 202
    assert await counts(world) == {"accepted": 2, "busy": 1, "clean": 1}


# -------------------------------------------------------------------- what is found


async def test_a_cover_of_a_video_is_looked_at(worlds: Worlds) -> None:
    world = await hooked(worlds)
    async with mastodon(world) as server:
        cover = world.server("m.test").picture(KNOWN)["url"]
        await server.send(server.status(server.file(CLEAN, "audio", preview_url=cover)))
    assert (await checked(world))["finding"] == 1


async def test_a_file_that_is_not_listed_is_not_seen(worlds: Worlds) -> None:
    world = await hooked(worlds, HOOK + STRICT)
    async with mastodon(world) as server:
        await server.send(server.status(server.file(CLEAN, url=None)))
    assert (await checked(world))["finding"] == 1
    [found] = await findings(world)
    assert [item.reason for item in found.items] == ["too-many-items"]


async def test_what_is_deleted_meanwhile_is_no_finding(worlds: Worlds) -> None:
    world = await hooked(worlds)
    async with mastodon(world) as server:
        status = server.status(server.file(CLEAN))
        await server.send(status)
        world.server("m.test").documents.clear()
    assert await checked(world) == {"accepted": 1, "gone": 1}


async def test_a_clean_post_is_no_finding_whatever_the_policy_has_against_it(worlds: Worlds) -> None:
    world = await hooked(worlds, HOOK + "policy: {preset: attested-only}\n")
    async with mastodon(world) as server:
        await server.send(server.status(server.file(CLEAN)))
    assert await checked(world) == {"accepted": 1, "clean": 1}


async def test_what_cannot_be_checked_goes_by_the_policy(worlds: Worlds) -> None:
    rules = "[{name: Not looked at, when: {scan: unscannable}, then: relay-marked}]"
    world = await hooked(worlds, HOOK + f"policy: {{version: 1, mode: enforce, rules: {rules}}}\n")
    async with mastodon(world) as server:
        await server.send(server.status(server.file(b"no picture at all")))
    assert await checked(world) == {"accepted": 1, "passed": 1}


async def test_a_rule_that_tells_somebody_is_a_finding(worlds: Worlds) -> None:
    rules = "[{name: Cats, when: {hashtags: cats}, then: relay, tell: [mods]}]"
    world = await hooked(worlds, HOOK + MODS + f"policy: {{version: 1, mode: enforce, rules: {rules}}}\n")
    async with mastodon(world) as server:
        await server.send(server.status(server.file(CLEAN)))
    assert (await checked(world))["finding"] == 1
    [found] = await findings(world)
    assert (found.verb, found.rule) == ("relay", "Cats")


async def test_a_server_that_is_down_is_asked_again_and_a_scanner_is_never_taken_for_clean(
    worlds: Worlds,
) -> None:
    world = await hooked(worlds)
    fault = RemoteError("no answer", code="timeout")
    async with mastodon(world) as server:
        await server.send(server.status(server.file(KNOWN)))
    world.server("m.test").fault = fault
    assert await checked(world) == {"accepted": 1}
    world.clock.forward(3_600)
    assert await checked(world) == {"accepted": 1}
    world.server("m.test").fault = None
    world.clock.forward(3_600)
    assert await checked(world) == {"accepted": 1, "finding": 1}


async def test_what_never_can_be_had_is_unscannable_in_the_end(worlds: Worlds) -> None:
    world = await hooked(worlds, HOOK + STRICT)
    async with mastodon(world) as server:
        await server.send(server.status(server.file(KNOWN)))
    world.server("m.test").fault = RemoteError("no answer", code="timeout")
    for _ in range(PATIENCE):
        assert await findings(world) == []
        await checked(world)
        world.clock.forward(3_600)
    [found] = await findings(world)
    assert [(item.outcome, item.reason) for item in found.items] == [("unscannable", "timeout")]


async def test_a_scanner_that_is_down_for_long_leaves_a_finding(worlds: Worlds) -> None:
    world = await hooked(worlds)
    world.relay.inspector.scanners = []
    async with mastodon(world) as server:
        await server.send(server.status(server.file(CLEAN)))
    assert await checked(world) == {"accepted": 1}
    world.clock.forward(LONGEST_DEFERRAL + 1)
    assert await checked(world) == {"accepted": 1, "finding": 1}


async def test_the_same_in_the_same_post_is_one_finding(worlds: Worlds) -> None:
    world = await hooked(worlds, HOOK + MODS)
    async with mastodon(world) as server:
        status = server.status(server.file(KNOWN))
        await server.send(status)
        await checked(world)
        [found] = await findings(world)
        await world.relay.office.hooks.close(found.id, who="me", note=None)
        await server.send(status | {"edited_at": "2026-11-22T13:00:00.000Z"}, "status.updated")
        await checked(world)
    assert await findings(world) == []
    [found] = await world.relay.office.hooks.findings(is_open=False)
    assert (found.times, found.closed_by) == (2, "me")
    assert [one.count for one in await world.relay.office.alerts.recent(9)] == [1]


async def test_what_was_dealt_with_is_forgotten_after_a_while(worlds: Worlds) -> None:
    world = await hooked(worlds)
    async with mastodon(world) as server:
        await server.send(server.status(server.file(KNOWN)))
        await checked(world)
        world.clock.forward(HOOKS_KEPT + 1)
        await world.relay.upkeep.run_once()
        [found] = await findings(world)  # nobody has dealt with it
        await world.relay.office.hooks.close(found.id, who="me", note=None)
        world.clock.forward(31 * 24 * 3_600)
        await world.relay.upkeep.run_once()
    assert await world.relay.office.hooks.findings(is_open=False) == []


# -------------------------------------------------------------------- reports to the server


async def test_what_matched_is_reported_to_its_server_where_the_operator_says_so(worlds: Worlds) -> None:
    world = await hooked(worlds, FLAGS)
    async with mastodon(world) as server:
        status = server.status(server.file(KNOWN))
        await server.send(status)
        await checked(world)
        await server.send(status | {"edited_at": "2026-11-22T13:00:00.000Z"}, "status.updated")
        await checked(world)
    [flag] = world.server("m.test").arrivals("Flag")
    assert flag["actor"] == "https://relay.test/actor"
    assert flag["object"] == ["https://m.test/users/alice", status["uri"]]
    assert flag["id"].startswith("https://relay.test/")
    assert "known-match" in flag["content"]
    assert [word for word in ("local", "csam", "sha256", "bits") if word in flag["content"]] == []
    assert [one.flag for one in await findings(world)] == ["sent"]
    [received] = world.server("m.test").inbox
    assert received.url == "https://m.test/inbox"


@pytest.mark.parametrize(
    ("more", "file"),
    [(HOOK, KNOWN), (FLAGS + STRICT, b"no picture at all"), (FLAGS + OBSERVE, None)],
    ids=["not wanted", "nothing matched", "observing"],
)
async def test_nothing_else_is_reported(worlds: Worlds, more: str, file: bytes | None) -> None:
    file = file or next(iter(canary_pictures().values()))
    world = await hooked(worlds, more)
    async with mastodon(world) as server:
        await server.send(server.status(server.file(file)))
    assert (await checked(world))["finding"] == 1
    assert world.server("m.test").arrivals() == []
    assert [one.flag for one in await findings(world)] == [None]


async def test_a_hash_that_nobody_reviewed_is_not_reported(worlds: Worlds) -> None:
    handed_in = '  - {name: own, kind: submitted, category: ncii, purpose: "a test", country: any}\n'
    world = await screened(worlds, BASE + LOCAL + handed_in + FLAGS)
    entries = entries_of(
        About.ADULT, [ListEntry(HashAlgorithm.SHA256, sha256(CLEAN).hexdigest(), "")], accepted=False
    )
    await world.relay.office.lists.add("own", "test", entries, who="me")
    await world.relay.watch.run_once()
    async with mastodon(world) as server:
        await server.send(server.status(server.file(CLEAN)))
    assert (await checked(world))["finding"] == 1
    assert world.server("m.test").arrivals() == []


async def test_an_entry_that_floods_is_not_reported(worlds: Worlds) -> None:
    world = await hooked(worlds, FLAGS + "hash_lists: {flood: 2 per hour}\n")
    async with mastodon(world) as server:
        for _ in range(4):
            await server.send(server.status(server.file(KNOWN)))
            await checked(world)
    assert len(world.server("m.test").arrivals("Flag")) == 2
    assert len(await world.relay.office.flood.busiest()) == 1


async def test_a_report_waits_for_a_server_that_is_down(worlds: Worlds) -> None:
    world = await hooked(worlds, FLAGS)
    peer = world.server("m.test")
    async with mastodon(world) as server:
        status = server.status(server.file(KNOWN))
        status["account"]["uri"] = "https://m.test/users/nobody"
        await server.send(status)
        peer.serve("/users/nobody", b"", status=503)
        await checked(world)
        assert await findings(world) == []
        for _ in range(PATIENCE):
            world.clock.forward(ASK_AGAIN)
            await checked(world)
    assert [one.flag for one in await findings(world)] == ["failed: status"]
    assert peer.arrivals() == []


async def test_no_report_goes_to_another_server(worlds: Worlds) -> None:
    world = await hooked(worlds, FLAGS)
    peer = world.server("m.test")
    document = peer.actor("/users/alice", "Person").document()
    document["endpoints"] = {"sharedInbox": "https://a.test/inbox"}
    async with mastodon(world) as server:
        status = server.status(server.file(KNOWN))
        peer.actors.clear()
        peer.serve("/users/alice", document)
        await server.send(status)
        await checked(world)
    assert [one.flag for one in await findings(world)] == ["failed: bad-inbox"]


# -------------------------------------------------------------------- at a prompt


async def test_the_operator_sees_what_came_and_deals_with_it(
    worlds: Worlds, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = await hooked(worlds, HOOK)
    operator = at_a_prompt(tmp_path, monkeypatch)
    empty = (await asyncio.to_thread(operator.run, "webhooks", "findings")).stdout
    assert "Nothing is on record." in empty
    assert "nothing yet" in (await asyncio.to_thread(operator.run, "webhooks", "status")).stdout
    async with mastodon(world) as server:
        await server.send(server.status(server.file(KNOWN)))
        await server.send(server.status(server.file(KNOWN), visibility="direct"))
    await checked(world)
    found = await asyncio.to_thread(operator.ask, "webhooks", "status")
    assert keys_of(found, "webhooks") == documented("webhooks", "status")
    [hook] = found["webhooks"]
    assert hook["address"] == "https://relay.test/webhooks/mastodon/social"
    assert hook["counts"] == {"accepted": 1, "ignored-visibility": 1, "finding": 1}
    text = (await asyncio.to_thread(operator.run, "webhooks", "status")).stdout
    assert "1 ignored-visibility" in text
    assert SECRET not in text + json.dumps(found)
    found = await asyncio.to_thread(operator.ask, "status")
    assert found["webhooks"] == 1
    assert "assay webhooks findings" in (await asyncio.to_thread(operator.run, "status")).stdout
    found = await asyncio.to_thread(operator.ask, "webhooks", "findings")
    assert keys_of(found, "findings") == documented("webhooks", "findings")
    text = (await asyncio.to_thread(operator.run, "webhooks", "findings")).stdout
    assert "known-match" in text
    assert "https://m.test/users/alice" in text
    closed = await asyncio.to_thread(operator.ask, "webhooks", "close", "1", "--note", "told them")
    assert set(closed) == documented("webhooks", "close")
    assert closed["note"] == "told them"
    text = (await asyncio.to_thread(operator.run, "webhooks", "findings", "--closed")).stdout
    assert "told them" in text
    for number, code in (("1", "conflict"), ("9", "not-found")):
        await asyncio.to_thread(operator.fail, "webhooks", "close", number, status=1, code=code)


def test_without_web_hooks_nothing_is_said_of_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    operator = at_a_prompt(tmp_path, monkeypatch)
    operator.run("init", "https://relay.example")
    assert operator.ask("status")["webhooks"] is None
    assert "Web hooks" not in operator.run("status").stdout
    assert "There are no web hooks" in operator.run("webhooks", "status").stdout
