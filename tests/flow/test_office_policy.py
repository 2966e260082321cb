"""The policy on the admin pages: read, broken, mended, changed by form and as text, previewed, saved and undone."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio

from tests.flow.conftest import BASE
from tests.flow.office import visiting

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.flow.conftest import World, Worlds
    from tests.flow.office import Admin, Page

TEXT, FORM, RULE, CHECK, SAVE = (f"/policy/{name}" for name in ("text", "form", "form/rule", "check", "save"))
POLICY = """\
# Ours since spring.
policy:
  preset: small-instance  # to begin with
  mode: enforce
  lists:
    friends: [a.test, b.test]
  rules:
    # They asked for it.
    - {name: No videos, when: {media: video, from: c.test}, then: drop, reason: local-law}
    # Friends are friends.
    - name: Friends
      when: {from: list:friends, hashtags: [cats, dogs], posts from server: up to 90 per hour}
      then: defer 10 minutes
      reason: slow
      until: 2030-01-31
      tell: [mods]
attestation: {withhold: 0%}  # kept as it is
"""
CONFIG = """\
relay: {url: https://relay.test, data: data}
federation: {subscriptions: open}
"""


def token_of(page: Page) -> str:
    found = re.search(r'name="token" value="([0-9a-f]{64})"', page.text)
    assert found
    return found[1]


@pytest_asyncio.fixture(loop_scope="session")
async def world(worlds: Worlds) -> World:
    return await worlds.open(CONFIG + POLICY)


@pytest_asyncio.fixture(loop_scope="session")
async def admin(world: World) -> AsyncIterator[Admin]:
    async with visiting(world.relay) as opened:
        await opened.sign_in(world.relay)
        yield opened


async def test_it_is_read_aloud(admin: Admin) -> None:
    page = await admin.get("/policy")
    assert "First, always; no rule below can undo it" in page.text
    assert "&#34;Friends&#34;: if it comes from" in page.text or "Friends" in page.text
    assert "You are working on a draft" not in page.text


async def test_a_text_is_broken_explained_mended_and_put_in_force(
    world: World, admin: Admin, worlds: Worlds
) -> None:
    page = await admin.get(TEXT)
    text = dict(page.forms(TEXT)[0])["text"]
    assert text.startswith("preset: small-instance  # to begin with\n")
    page = await admin.submit(page, TEXT, text=text.replace("then: drop", "then: dorp"))
    assert "1 mistake keeps it from being used" in page.text
    assert "<mark>dorp</mark>" in page.text
    assert "unknown action &#34;dorp&#34;" in page.text
    assert "Did you mean “drop”?" in page.text
    assert "1 mistake keeps it" in (await admin.get(CHECK)).text
    assert not (await admin.get(CHECK)).forms(SAVE)
    # Whatever is sent to be saved is judged again.
    seen = hashlib.sha256(text.encode()).hexdigest()
    fields = {"token": token_of(page), "revision": "1", "seen": seen, "note": "", "version": ""}
    refused = await admin.post(SAVE, fields)
    assert refused.status == 400
    assert world.relay.office.decider.policy.rules[0].then.verb == "drop"

    page = await admin.submit(page, "/policy/mend")
    assert "mistake keeps it" not in page.text
    page = await admin.submit(page, TEXT, text=text.replace("mode: enforce", "mode: observe"), check="yes")
    assert page.path == CHECK
    assert "The policy is in mode enforce." in page.text
    assert "The policy is in mode observe." in page.text
    page = await admin.submit(page, SAVE, note="Look for a week")
    assert "Version 2 of the policy is in force" in page.text
    assert world.relay.office.decider.policy.mode == "observe"
    written = (worlds.folder / "config.yaml").read_text()
    assert written == (CONFIG + POLICY).replace("mode: enforce", "mode: observe")
    assert "You are working on a draft" not in (await admin.get("/policy")).text

    page = await admin.get("/policy/history")
    assert "Look for a week" in page.text
    assert page.text.index("Version 2") < page.text.index("Version 1")
    page = await admin.submit(page, "/policy/history/undo")
    assert page.path == f"{CHECK}?version=1"
    assert world.relay.office.decider.policy.mode == "observe"  # nothing happens unseen
    page = await admin.submit(page, SAVE)
    assert "Version 3 of the policy is in force" in page.text
    assert world.relay.office.decider.policy.mode == "enforce"
    assert (worlds.folder / "config.yaml").read_text() == CONFIG + POLICY
    last = await world.relay.office.policy_history.last()
    assert last is not None
    assert (last.who, last.why, last.note) == ("admin", "undo", "Back to version 1")
    assert "as an undo" in (await admin.get("/policy/history/3")).text
    assert (await admin.get("/policy/history/9")).status == 404


async def test_a_draft_is_kept_and_thrown_away(world: World, admin: Admin) -> None:
    page = await admin.submit(await admin.get(TEXT), TEXT, text="mode: [")
    assert "this is not YAML" in page.text
    assert "You are working on a draft" in (await admin.get("/policy")).text
    assert "cannot be read as a policy" in (await admin.get(FORM)).text
    assert "has mistakes that have to be mended first" in (await admin.get("/policy/try")).text
    page = await admin.submit(await admin.get("/policy"), "/policy/discard")
    assert "thrown away" in page.text
    assert "You are working on a draft" not in page.text


async def test_two_windows_do_not_undo_each_others_work(world: World, admin: Admin) -> None:
    first, second = await admin.get(TEXT), await admin.get(FORM)
    await admin.submit(first, TEXT, text="preset: strict")
    page = await admin.submit(second, f"{FORM}/keys", mode="observe")
    assert page.status == 409
    assert "changed in another window" in page.text
    assert "preset: strict" in (await admin.get(TEXT)).text
    page = await admin.get(CHECK)
    await admin.submit(await admin.get(FORM), f"{FORM}/keys", mode="observe")
    assert (await admin.submit(page, SAVE)).status == 409  # that was not what was looked at


async def test_a_file_that_was_changed_meanwhile_is_told(world: World, admin: Admin, worlds: Worlds) -> None:
    await admin.submit(await admin.get(FORM), f"{FORM}/keys", mode="observe")
    path = worlds.folder / "config.yaml"
    path.write_text(path.read_text().replace("b.test", "z.test"))
    page = await admin.get(CHECK)
    assert "changed elsewhere since you began" in page.text
    path.write_text(path.read_text().replace("z.test", "y.test"))
    refused = await admin.submit(page, SAVE)  # that is not what was looked at any more
    assert refused.status == 409
    assert "y.test" in path.read_text()
    assert (await admin.submit(await admin.get(CHECK), SAVE)).status == 200


async def test_a_rule_is_changed_by_form_and_nothing_else(world: World, admin: Admin, worlds: Worlds) -> None:
    page = await admin.get(f"{RULE}?section=rules&place=1")
    [fields] = page.forms(RULE)
    assert ("w:hashtags", "cats\ndogs") in fields
    assert ("l:from", "friends") in fields
    assert ("c:posts from server", "up to") in fields
    assert ("n:posts from server", "90") in fields
    assert ("u:posts from server", "hour") in fields
    assert ("verb", "defer") in fields
    assert ("wait", "10") in fields
    assert ("until", "2030-01-31") in fields
    page = await admin.submit(page, RULE, add="yes", **{"new-fact": "media size", "name": "Good friends"})
    assert ("name", "Good friends") in page.forms(RULE)[0]  # nothing that was filled in is lost
    page = await admin.submit(page, RULE, drop="hashtags")
    page = await admin.submit(
        page, RULE, keep="yes", **{"c:media size": "more than", "n:media size": "8", "u:media size": "MiB"}
    )
    assert page.path == f"{FORM}#rules-1"
    text = dict((await admin.get(TEXT)).forms(TEXT)[0])["text"]
    assert text == (
        "preset: small-instance  # to begin with\n"
        "mode: enforce\n"
        "lists:\n"
        "  friends: [a.test, b.test]\n"
        "rules:\n"
        "  # They asked for it.\n"
        "  - {name: No videos, when: {media: video, from: c.test}, then: drop, reason: local-law}\n"
        "  # Friends are friends.\n"
        "  - name: Good friends\n"
        "    when: {from: list:friends, posts from server: up to 90 per hour, media size: more than 8 MiB}\n"
        "    then: defer 10 minutes\n"
        "    reason: slow\n"
        "    until: 2030-01-31\n"
        "    tell: [mods]\n"
    )


async def test_a_rule_with_mistakes_is_not_kept_and_says_what_is_wrong(world: World, admin: Admin) -> None:
    page = await admin.get(f"{RULE}?section=rules")
    page = await admin.submit(page, RULE, add="yes", **{"new-fact": "from"})
    page = await admin.submit(
        page, RULE, keep="yes", name="", until="soon", **{"w:from": "https://bad.example/about"}
    )
    assert page.status == 422
    for said in ("a web address; a server name is needed", "Write bad.example", "is not a date"):
        assert said in page.text
    assert "https://bad.example/about" in page.text
    assert "You are working on a draft" not in (await admin.get("/policy")).text


async def test_rules_are_added_moved_and_removed(world: World, admin: Admin) -> None:
    for section, name in (("rules", "New"), ("always", "Floor")):
        page = await admin.get(f"{RULE}?section={section}")
        page = await admin.submit(page, RULE, add="yes", **{"new-fact": "match"})
        page = await admin.submit(
            page, RULE, keep="yes", name=name, reason="x", where="last", **{"w:match": "near", "verb": "drop"}
        )
        assert page.status == 200, page.text
    page = await admin.get(FORM)
    assert names(page) == ["Floor", "No videos", "Friends", "New"]
    page = await admin.submit(page, f"{FORM}/move", number=1, down="yes")
    assert names(page) == ["Floor", "Friends", "No videos", "New"]
    page = await admin.submit(page, f"{FORM}/move", number=3, up="yes")
    assert names(page) == ["Floor", "Friends", "New", "No videos"]
    page = await admin.submit(page, f"{FORM}/remove", number=1)
    page = await admin.submit(page, f"{FORM}/remove")
    assert names(page) == ["New", "No videos"]
    text = dict((await admin.get(TEXT)).forms(TEXT)[0])["text"]
    assert "  # They asked for it.\n  - {name: No videos" in text
    assert "Friends are friends" not in text


def names(page: Page) -> list[str]:
    """The names of the rules that a form shows as cards."""
    return re.findall(r"<li id=\"\w+-\d+\">\s*<h3>([^<]*)</h3>", page.text)


async def test_a_rule_of_the_preset_is_shown_and_copied(world: World, admin: Admin) -> None:
    page = await admin.get(FORM)
    assert "From the preset “small-instance”, after your own" in page.text
    page = await admin.get(f"{RULE}?section=rules&copy=Probation")
    assert ("name", "Probation") in page.forms(RULE)[0]
    page = await admin.submit(page, RULE, keep="yes", **{"n:subscribed for": "30"})
    assert names(page) == ["Probation", "No videos", "Friends"]
    assert "copy=Probation" not in page.text  # one's own takes its place
    assert (await admin.get(f"{RULE}?section=rules&copy=Nothing")).status == 404


async def test_the_other_keys_and_lists(world: World, admin: Admin) -> None:
    page = await admin.get(FORM)
    page = await admin.submit(page, f"{FORM}/keys", mode="observe", otherwise="relay-marked", preset="strict")
    page = await admin.submit(page, f"{FORM}/list", members="x.test\n*.y.test, z.test")
    page = await admin.submit(page, f"{FORM}/list", number=1, name="new", members="cats")
    text = dict((await admin.get(TEXT)).forms(TEXT)[0])["text"]
    assert text.startswith(
        "preset: strict  # to begin with\n"
        "mode: observe\n"
        "lists:\n"
        '  friends: [x.test, "*.y.test", z.test]\n'
        "  new: [cats]\n"
    )
    assert "otherwise: relay-marked\n" in text
    page = await admin.submit(page, f"{FORM}/list", number=1, remove="yes")
    assert "new" not in dict((await admin.get(TEXT)).forms(TEXT)[0])["text"]
    assert (await admin.submit(page, f"{FORM}/list", number=1, name=" ")).status == 400


async def test_trying_facts(world: World, admin: Admin) -> None:
    page = await admin.get("/policy/try?try=yes&w:media=video&w:from=c.test")
    assert "<strong>drop</strong> by “No videos”" in page.text
    page = await admin.get("/policy/try?try=yes&w:media=image&w:match=known")
    assert "<strong>quarantine</strong> by “Known match”" in page.text
    page = await admin.get("/policy/try?try=yes&w:from=https://x.test/y")
    assert "a web address; a server name is needed" in page.text


async def test_the_preview_says_what_would_change(worlds: Worlds) -> None:
    world = await worlds.open(BASE)
    server = await world.subscribe("m.test")
    for _ in range(3):
        await world.publish(server)
    async with visiting(world.relay) as admin:
        await admin.sign_in(world.relay)
        page = await admin.get(FORM)
        page = await admin.get(f"{RULE}?section=rules")
        page = await admin.submit(page, RULE, add="yes", **{"new-fact": "from"})
        fields: dict[str, Any] = {"w:from": "m.test", "verb": "drop", "name": "Not them", "reason": "x"}
        await admin.submit(page, RULE, keep="yes", **fields)
        page = await admin.get(CHECK)
        assert "<strong>3 of 3</strong> posts of the last 7 days" in page.text
        assert "<strong>drop</strong> by Not them" in page.text
        page = await admin.submit(page, SAVE)
        assert page.status == 200
        await world.publish(server)
        page = await admin.get("/posts?done=dropped")
        assert page.text.count("Not them") == 1


async def test_a_draft_does_not_read_out_files_of_this_machine(
    world: World, admin: Admin, worlds: Worlds
) -> None:
    (worlds.folder / "secret.txt").write_text("correct horse battery\n")
    text = "lists: {x: {file: secret.txt}}\nrules: [{name: a, when: {from: list:x}, then: drop}]\n"
    page = await admin.submit(await admin.get(TEXT), TEXT, text=text)
    assert "in secret.txt, line 1" in page.text
    for path in (TEXT, FORM, CHECK):
        assert "horse" not in (await admin.get(path)).text


@pytest.mark.parametrize(
    "path",
    [
        f"{RULE}?section=nothing",
        f"{RULE}?section=rules&place=x",
        f"{RULE}?section=rules&place=77",
        "/policy/history/0",
    ],
)
async def test_what_is_not_there_is_told(world: World, admin: Admin, path: str) -> None:
    page = await admin.get(path)
    assert page.status in {400, 404}
    assert "That did not work" in page.text


async def test_a_policy_that_is_too_large_is_not_kept(world: World, admin: Admin) -> None:
    page = await admin.submit(await admin.get(TEXT), TEXT, text="a" * (1024 * 1024 + 1))
    assert page.status == 413
    page = await admin.submit(await admin.get(TEXT), TEXT, text="#" * (4 * 1024 * 1024))
    assert page.status == 413
