"""Reading the configuration again while the relay runs: what changes at once, what waits, and what changes nothing."""

from __future__ import annotations

import json
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

import aiohttp

from relay.adapters.media.canary import clean_picture
from relay.cli.serving import listening, public_app
from relay.config.live import LIVE, values
from relay.config.settings import Settings
from relay.domain.consent import Sign
from relay.domain.policy_version import Why, WrittenPolicy
from relay.domain.reload import Outcome, ReloadAnswer
from relay.domain.subscription import Mode
from relay.services.policy_history import text_digest
from tests.fakes import FakeClock, FakeFediverse
from tests.flow.conftest import BASE

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from tests.flow.conftest import World, Worlds

STRICT = "policy: {preset: strict}\n"
DROPS = """\
policy:
  preset: small-instance
  rules:
    - {name: Nothing, when: {media: none}, then: drop, reason: closed}
"""


async def reload(worlds: Worlds, world: World, config: str) -> ReloadAnswer:
    """Write another configuration and let the relay read it, as SIGHUP does."""
    (worlds.folder / "config.yaml").write_text(config)
    world.relay.live.hang_up()
    answer = await world.relay.live.run_once()
    assert answer is not None
    return answer


def found(world: World) -> dict[str, Any]:
    """What every live key is in the services that go by it."""
    relay, office = world.relay, world.relay.office
    actor = json.loads(relay.actor)
    live, rules, service = relay.live.settings, relay.attestor.rules, relay.service.submissions.rules
    braking = relay.brakes.braking.rules
    return {
        "relay.name": (office.identity.name, actor["name"]),
        "relay.description": (office.identity.summary, "Hear" in actor["summary"]),
        "relay.contact": live.relay.contact,
        "federation.subscriptions": office.subscribers.mode,
        "federation.allow": (office.subscribers.allow, "friend.test" in relay.blocks.allow),
        "federation.block": relay.blocks.blocked("sub.bad.test"),
        "federation.blocklists": (sorted(office.blocklists.lists), sorted(relay.blocks.actions)),
        "federation.block_software": relay.moderation.enforcement.banned,
        "federation.rate": str(relay.moderation.limits.rate),
        "federation.profile": (
            office.profiles.default,
            relay.fanout.selectors.default,
            office.replay.wanted,
        ),
        "federation.publish_from": relay.receiver._posts.rules.anyone,
        "federation.opt_outs": relay.screening._consent.signs,
        "federation.relay_unlisted": (relay.receiver._posts.rules.unlisted, relay.screening.unlisted),
        "attestation.issue": rules.enabled,
        "attestation.lifetime": rules.lifetime,
        "attestation.lookup": live.attestation.lookup,
        "attestation.service": service.who,
        "attestation.service_for": service.listed,
        "attestation.service_quota": (service.rate, relay.service.submissions._allowances.rules.rate),
        "attestation.status_list": rules.status_list,
        "attestation.withhold": rules.withhold,
        "attestation.trusted": relay.verifier.trust.issuers,
        "attestation.accepted_lists": relay.verifier.trust.lists,
        "brake.mode": braking.mode,
        "brake.duration": braking.duration,
        "brake.longest": braking.longest,
        "brake.exempt": braking.exempt,
        "transparency.policy": live.transparency.policy,
    }


CHANGES: dict[str, tuple[str, Any]] = {
    "relay.name": ("Other", ("Other", "Other")),
    "relay.description": ("Hear", ("Hear", True)),
    "relay.contact": ("mailto:op@relay.test", "mailto:op@relay.test"),
    "federation.subscriptions": ("closed", Mode.CLOSED),
    "federation.allow": ("[friend.test]", (("friend.test",), True)),
    "federation.block": ("[bad.test]", True),
    "federation.blocklists": (
        '[{name: shared, url: "https://lists.test/a.csv", format: mastodon-csv}]',
        (["shared"], ["shared"]),
    ),
    "federation.block_software": ("[spamd]", ("spamd",)),
    "federation.rate": ("7 per minute", "7 per minute"),
    "federation.profile": ("open", ("open", "open", "open")),
    "federation.publish_from": ("anyone", True),
    "federation.opt_outs": ("[not-indexable]", frozenset({Sign("not-indexable")})),
    "federation.relay_unlisted": ("true", (True, True)),
    "attestation.issue": ("false", False),
    "attestation.lifetime": ("7 days", 7 * 86_400),
    "attestation.lookup": ("off", "off"),
    "attestation.service": ("listed", "listed"),
    "attestation.service_for": ("[friend.test]", ("friend.test",)),
    "attestation.service_quota": ("1 MiB", (1 << 20, 1 << 20)),
    "attestation.status_list": ("true", True),
    "attestation.withhold": ("2%", 0.02),
    "attestation.trusted": ("[issuer.test]", frozenset({"issuer.test"})),
    "attestation.accepted_lists": (
        '["https://lists.test/1"]',
        frozenset({"https://lists.test/1"}),
    ),
    "brake.mode": ("hold", "hold"),
    "brake.duration": ("2 hours", 7200),
    "brake.longest": ("12 hours", 12 * 3600),
    "brake.exempt": ("[friend.test]", ("friend.test",)),
    "transparency.policy": ("off", "off"),
}

WAITING = {
    "relay.listen": "127.0.0.1:9090",
    "relay.database": "sqlite:other.sqlite",
    "admin.listen": "127.0.0.1:9091",
    "federation.private_addresses": "[127.0.0.0/8]",
    "federation.allow_http": "true",
    "federation.retention": "48 hours",
    "federation.max_body": "2 MiB",
    "media.decoders": "3",
    "brake.accounts": "12",
    "lab.pages": "false",
}


def with_key(key: str, value: str) -> str:
    """The configuration of tests with another value of one key."""
    section, name = key.split(".")
    sections = dict(line.rstrip("}").split(": {", 1) for line in BASE.splitlines())
    kept = [
        part for part in sections.get(section, "").split(", ") if part and not part.startswith(f"{name}:")
    ]
    sections[section] = ", ".join([*kept, f"{name}: {value}"])
    return "".join(f"{one}: {{{held}}}\n" for one, held in sections.items())


def test_the_tables_are_those_of_the_configuration() -> None:
    assert set(CHANGES) == set(LIVE)
    assert set(WAITING) <= set(values(Settings())) - set(LIVE)


async def test_what_can_change_changes_at_once_and_back_again(worlds: Worlds) -> None:
    world = await worlds.open()
    before = found(world)
    for key, (value, expected) in CHANGES.items():
        assert before[key] != expected
        answer = await reload(worlds, world, with_key(key, value))
        assert (answer.outcome, answer.changed, answer.restart) == (Outcome.APPLIED, (key,), ())
        assert found(world) == before | {key: expected}
        answer = await reload(worlds, world, BASE)
        assert answer.changed == (key,)
        assert found(world) == before


async def test_what_needs_a_restart_is_named_and_nothing_changes(worlds: Worlds) -> None:
    world = await worlds.open()
    before = found(world)
    for key, value in WAITING.items():
        answer = await reload(worlds, world, with_key(key, value))
        assert (answer.outcome, answer.changed, answer.restart) == (Outcome.UNCHANGED, (), (key,))
        assert values(world.relay.live.settings)[key] == values(world.relay.office.settings)[key]
        assert found(world) == before
    assert (await reload(worlds, world, BASE)).restart == ()


async def test_the_same_file_again_is_nothing(worlds: Worlds) -> None:
    world = await worlds.open(BASE + STRICT)
    policy, profile = world.relay.office.decider.policy, world.relay.actor
    for text in (BASE + STRICT, f"# a comment\n{BASE}{STRICT}"):
        answer = await reload(worlds, world, text)
        assert (answer.outcome, answer.changed, answer.version) == (Outcome.UNCHANGED, (), 1)
    assert world.relay.office.decider.policy is policy
    assert world.relay.actor is profile
    assert len(await world.relay.office.policy_history.all()) == 1


async def test_a_wrong_configuration_changes_nothing_and_says_all_errors(
    worlds: Worlds, caplog: pytest.LogCaptureFixture
) -> None:
    world = await worlds.open(BASE + STRICT)
    before, policy = found(world), world.relay.office.decider.policy
    wrong = with_key("relay.name", "Other") + "policy: {preset: stict}\nlab: {page: true}\n"
    answer = await reload(worlds, world, wrong)
    assert answer.outcome is Outcome.REFUSED
    assert [one["code"] for one in answer.diagnostics] == ["P110", "C102"]
    assert found(world) == before
    assert world.relay.office.decider.policy is policy
    assert "P110" in caplog.text
    assert "everything stays as it was" in caplog.text
    answer = await reload(worlds, world, BASE + STRICT)
    assert answer.outcome is Outcome.UNCHANGED


async def test_an_empty_file_is_no_configuration_of_this_relay(
    worlds: Worlds, caplog: pytest.LogCaptureFixture
) -> None:
    world = await worlds.open(BASE + STRICT)
    before = found(world)
    answer = await reload(worlds, world, "")
    assert (answer.outcome, answer.diagnostics) == (Outcome.REFUSED, ())
    assert "another relay, http://localhost:8080" in answer.problem
    assert "another relay" in caplog.text
    assert found(world) == before


class WhileSomebodyWrites(FakeClock):
    """Whenever time passes somebody has written on."""

    def __init__(self, path: Path, words: list[str]) -> None:
        super().__init__()
        self._path, self._words = path, words

    async def sleep(self, seconds: float) -> None:
        if self._words:
            self._path.write_text(self._words.pop(0))
        await super().sleep(seconds)


async def test_a_file_that_is_being_written_is_read_when_that_is_over(worlds: Worlds) -> None:
    words: list[str] = []
    worlds.clock = WhileSomebodyWrites(worlds.folder / "config.yaml", words)
    worlds.fediverse = FakeFediverse(worlds.clock)
    world = await worlds.open(BASE + STRICT)
    words += [BASE, BASE + "policy: {preset: single", BASE + "policy: {preset: single-user}\n"]
    answer = await reload(worlds, world, "")
    assert answer.changed == ("policy",)
    versions = await world.relay.office.policy_history.all()
    assert [one.written.preset for one in versions] == ["strict", "single-user"]


async def test_a_policy_is_in_force_at_once_and_each_decision_names_its_own(worlds: Worlds) -> None:
    world = await worlds.open()
    origin, reader = world.server("origin.test"), await world.subscribe("reader.test")
    await world.subscribe("origin.test")
    first = await world.publish(origin)
    old = world.relay.office.decider.policy.id
    answer = await reload(worlds, world, BASE + DROPS)
    assert (answer.changed, answer.version, answer.new_version) == (("policy",), 2, True)
    second = await world.publish(origin)
    assert [one["object"] for one in reader.arrivals("Announce")] == [first["id"]]
    told = {note["id"]: (await world.why(note["id"]))["decisions"] for note in (first, second)}
    assert [one["policy"] for one in told[first["id"]]] == [old]
    assert [(one["rule"], one["policy"]) for one in told[second["id"]]] == [
        ("Nothing", world.relay.office.decider.policy.id)
    ]


async def test_what_waits_is_decided_once_by_the_policy_of_that_time(worlds: Worlds) -> None:
    world = await worlds.open()
    origin, reader = world.server("origin.test"), await world.subscribe("reader.test")
    await world.subscribe("origin.test")
    picture = origin.picture(clean_picture(3))
    note = origin.note(picture)
    await world.post(origin.actor("/users/alice", "Person"), origin.create(note))
    await reload(worlds, world, BASE + DROPS.replace("media: none", "media: any"))
    await world.settle()
    decisions = (await world.why(note["id"]))["decisions"]
    assert [(one["rule"], one["policy"]) for one in decisions] == [
        ("Nothing", world.relay.office.decider.policy.id)
    ]
    assert reader.arrivals() == []


async def test_subscribers_that_chose_nothing_follow_the_new_default(worlds: Worlds) -> None:
    marked = "policy: {rules: [{name: All, when: {media: none}, then: relay-marked}]}\n"
    world = await worlds.open(BASE + marked)
    origin, reader = world.server("origin.test"), await world.subscribe("reader.test")
    await world.subscribe("origin.test")
    await world.publish(origin)
    assert reader.arrivals("Announce") == []
    await reload(worlds, world, with_key("federation.profile", "open") + marked)
    note = await world.publish(origin)
    assert [one["object"] for one in reader.arrivals("Announce")] == [note["id"]]


async def test_a_list_of_others_is_filled_before_its_policy_is_in_force(worlds: Worlds) -> None:
    world = await worlds.open()
    office = world.relay.office
    text = 'policy: {preset: strict, lists: {dni: {csv: "https://lists.test/dni.csv"}}, rules: [{name: A, '
    text += "when: {from: list:dni}, then: drop, reason: x}]}\n"
    answer = await reload(worlds, world, BASE + text)
    assert answer.changed == ("policy",)
    assert [one.name for one in office.policy_lists.sources] == ["policy:dni"]
    assert "policy:dni" in office.blocklists.lists
    assert "policy:dni" not in world.relay.blocks.actions
    world.fediverse.server("lists.test").serve("/dni.csv", b"domain\nbad.test\n", "text/csv")
    await world.relay.moderation.schedule.run_once()
    await world.relay.moderation.policy_lists.run_once()
    assert dict(office.decider.policy.lists)["dni"] == frozenset({"bad.test", "*.bad.test"})
    assert (await reload(worlds, world, BASE + text)).outcome is Outcome.UNCHANGED
    assert dict(office.decider.policy.lists)["dni"] == frozenset({"bad.test", "*.bad.test"})
    await reload(worlds, world, BASE)
    assert office.policy_lists.sources == ()
    again = await reload(worlds, world, BASE + text)
    assert again.changed == ("policy",)
    assert dict(office.decider.policy.lists)["dni"] == frozenset({"bad.test", "*.bad.test"})


async def test_blocklists_come_and_go_while_they_are_looked_at(worlds: Worlds) -> None:
    world = await worlds.open()
    lists = with_key(
        "federation.blocklists", '[{name: shared, url: "https://lists.test/a.csv", format: mastodon-csv}]'
    )
    world.fediverse.server("lists.test").serve("/a.csv", b"#domain,#severity\nbad.test,suspend\n", "text/csv")
    await reload(worlds, world, lists)
    await world.relay.moderation.schedule.run_once()
    await world.relay.moderation.enforcement.run_once()
    assert world.relay.blocks.blocked("bad.test")
    await reload(worlds, world, BASE)
    await world.relay.moderation.enforcement.run_once()
    assert not world.relay.blocks.blocked("bad.test")


async def serves() -> bool:
    return True


async def test_questions_are_answered_in_the_store(worlds: Worlds) -> None:
    world = await worlds.open()
    office = world.relay.office
    number = await office.reloads.ask(who="cli:ann", why=Why.RELOAD)
    (worlds.folder / "config.yaml").write_text(BASE + STRICT)
    assert await world.relay.live.run_once() is not None
    answer = await office.reloads.answer(number, serves, 1.0)
    assert answer is not None
    assert answer.changed == ("policy",)
    assert await world.relay.live.run_once() is None  # nothing is open any more
    last = await office.policy_history.last()
    assert last is not None
    assert (last.number, last.who, last.why) == (2, "cli:ann", Why.RELOAD)


async def test_a_question_that_nobody_answers_ends(worlds: Worlds) -> None:
    world = await worlds.open()
    reloads = world.relay.office.reloads

    async def alive() -> bool:
        world.clock.forward(20.0)
        return True

    async def gone() -> bool:
        return False

    number = await reloads.ask(who="cli:ann", why=Why.RELOAD)
    assert await reloads.answer(number, gone, 60.0) is None
    assert await reloads.answer(number, alive, 60.0) is None
    await reloads.withdraw(number)
    assert await world.relay.live.run_once() is None


async def test_the_next_start_takes_up_what_was_meant_for_it(worlds: Worlds) -> None:
    async with AsyncExitStack() as stack:
        world = await worlds.open(stack=stack)
        await world.relay.office.reloads.ask(who="cli:ann", why=Why.RELOAD)
        digest = text_digest(WrittenPolicy("", "{preset: strict}\n"))
        await world.relay.office.reloads.ask(who="cli:bob", why=Why.APPLY, note="Stricter.", digest=digest)
    again = await worlds.open(BASE + STRICT)
    last = await again.relay.office.policy_history.last()
    assert last is not None
    assert (last.number, last.who, last.why, last.note) == (2, "cli:bob", Why.APPLY, "Stricter.")
    assert await again.relay.live.run_once() is None


async def test_a_start_with_another_policy_is_a_version_and_with_the_same_is_none(worlds: Worlds) -> None:
    for text, numbers in ((BASE, [1]), (BASE, [1]), (BASE + STRICT, [1, 2])):
        async with AsyncExitStack() as stack:
            world = await worlds.open(text, stack=stack)
            versions = await world.relay.office.policy_history.all()
            assert [one.number for one in versions] == numbers
    assert [one.why for one in versions] == [Why.START, Why.START]
    assert (versions[1].who, versions[1].written.preset) == ("relay", "strict")
    assert (versions[1].written.expanded or "").startswith("version: 1\n")


async def test_the_pages_tell_what_counts_now(worlds: Worlds) -> None:
    world = await worlds.open()
    headers = {"Host": "relay.test"}
    async with (
        listening(public_app(world.relay), "127.0.0.1", 0) as port,
        aiohttp.ClientSession(f"http://127.0.0.1:{port}", headers=headers) as web,
    ):

        async def text(path: str) -> str:
            async with web.get(path) as answer:
                return await answer.text()

        assert "The policy is enforced" in await text("/")
        assert '"openRegistrations":true' in (await text("/nodeinfo/2.1")).replace(" ", "")
        changed = BASE.replace("open}", "closed}").replace(
            "data: data", "data: data, name: Elm, contact: op@relay.test"
        )
        await reload(worlds, world, changed + "policy: {preset: observe-only}\n")
        home = await text("/")
        assert "only observes" in home
        assert "<h1>Elm</h1>" in home
        assert "No new servers" in home
        assert "op@relay.test" in home
        assert "mailto:op@relay.test" in await text("/.well-known/security.txt")
        nodeinfo = (await text("/nodeinfo/2.1")).replace(" ", "")
        assert '"openRegistrations":false' in nodeinfo
        assert '"nodeName":"Elm"' in nodeinfo
        assert json.loads(await text("/actor"))["name"] == "Elm"
