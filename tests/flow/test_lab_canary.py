"""The canary kit in an operator's hands: written, served, posted, caught."""

from __future__ import annotations

import asyncio
import hashlib
import json
import sys
from collections import Counter
from typing import TYPE_CHECKING

import aiohttp
import pytest
import pytest_asyncio

from relay.adapters.kit.making import make, plans
from relay.adapters.kit.table import recipes
from relay.cli.progress import progress
from relay.cli.serving import listening, public_app
from relay.domain.media import ScanOutcome
from relay.domain.subscriber_profile import SubscriberProfile
from relay.protocol.lab.kit import MANIFEST, README
from relay.services.lab.kit import Kit
from tests.flow.conftest import BASE
from tests.flow.operators import Operator, at_a_prompt, documented
from tests.flow.test_screen import LOCAL, screened
from tests.kits import errors_of, kit

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from relay.domain.lab.kit import KitFile, Plan
    from tests.flow.conftest import World, Worlds

QUICK = "unreadable-page.jpg"
"""A file that is made at once."""
WHAT_HAPPENS = {
    ScanOutcome.VENDOR_TEST_MATCH: ("held", "test-match"),
    ScanOutcome.NO_KNOWN_MATCH: ("published", "no-known-match"),
    ScanOutcome.UNSCANNABLE: ("published", "unsupported-type"),
}
"""State of the post and reason, with the default policy."""


async def test_posting_each_file_does_what_the_kit_says(worlds: Worlds) -> None:
    """What matches reaches nobody, what does not is announced and attested; what cannot be checked is not attested.

    That reaches only subscribers that chose the profile `open`.
    """
    world = await screened(worlds, BASE + LOCAL)
    server, other, strict = world.server("a.test"), world.server("b.test"), await world.subscribe("c.test")
    office = world.relay.office
    chose = await office.subscribers.find(other.actor().id)
    await office.profiles.change(chose, SubscriberProfile(name="open"), who="ann")
    for name, file in kit().items():
        url = server.serve(f"/media/{name}", file.content, file.plan.media_type)
        kind = "Video" if name.endswith(".mp4") else "Document"
        note = await world.publish(server, {"type": kind, "mediaType": file.plan.media_type, "url": url})
        told, expected = await world.why(note["id"]), file.plan.expected
        assert (name, told["state"], told["decisions"][0]["reason"]) == (
            name,
            *WHAT_HAPPENS[expected.outcome],
        )
        assert (told["media"][0]["outcome"], told["media"][0]["reason"]) == (
            expected.outcome,
            expected.reason,
        )
        assert [a["object"] for a in other.arrivals()] == (
            [note["id"]] if told["state"] == "published" else []
        )
        attested = await world.relay.attestor.look_up(hashlib.sha256(file.content).hexdigest())
        assert (attested is not None) == (expected.outcome is ScanOutcome.NO_KNOWN_MATCH), name
        assert len(strict.arrivals()) == (expected.outcome is ScanOutcome.NO_KNOWN_MATCH), name
        other.inbox.clear()
        strict.inbox.clear()


# -------------------------------------------------------------------- on the command line


@pytest.fixture
def operator(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Operator:
    return at_a_prompt(tmp_path, monkeypatch)


def test_the_whole_kit_is_written_with_its_documents_and_again(operator: Operator) -> None:
    answer = operator.ask("lab", "canary", "kit")
    folder = operator.folder / "kit"
    assert answer["folder"] == str(folder)
    assert {*answer, *answer["files"][0]} == documented("lab", "canary")
    manifest = json.loads((folder / MANIFEST).read_text())
    assert errors_of(manifest) == []
    assert manifest["files"] == answer["files"]
    assert {path.name for path in folder.iterdir()} == {*recipes(), MANIFEST, README}
    for row in manifest["files"]:
        content = (folder / row["name"]).read_bytes()
        assert (hashlib.sha256(content).hexdigest(), len(content)) == (row["sha256"], row["bytes"])
        assert content == kit()[row["name"]].content
    assert hashlib.sha256((folder / README).read_bytes()).hexdigest() == manifest["readme_sha256"]
    text = operator.run("lab", "canary", "kit").stdout
    assert f"{len(recipes()) + 2} files" in text
    assert "match (near)" in text


def test_one_file_is_written_without_a_manifest(operator: Operator) -> None:
    answer = operator.ask("lab", "canary", "kit", "--only", QUICK)
    assert [row["name"] for row in answer["files"]] == [QUICK]
    assert [path.name for path in (operator.folder / "kit").iterdir()] == [QUICK]
    assert "cannot be checked" in operator.run("lab", "canary", "kit", "--only", QUICK).stdout


def test_a_file_that_is_in_no_kit_is_a_mistake(operator: Operator) -> None:
    error = operator.run("lab", "canary", "kit", "--only", "canray.jpg", status=2).stderr
    assert "did you mean 'canary.jpg'?" in error
    assert "did you mean" not in operator.run("lab", "canary", "kit", "--only", "%%%", status=2).stderr
    assert not (operator.folder / "kit").exists()


def test_foreign_files_are_never_replaced(operator: Operator) -> None:
    folder = operator.folder / "kit"
    folder.mkdir()
    mine = folder / QUICK
    mine.write_text("mine")
    other = folder / "canary.svg"
    other.symlink_to(operator.folder / "elsewhere")
    problem = operator.fail(
        "lab", "canary", "kit", "--only", QUICK, "--only", other.name, status=1, code="file-exists"
    )
    assert problem["files"] == [QUICK, other.name]
    assert mine.read_text() == "mine"
    assert not (operator.folder / "elsewhere").exists()


@pytest.mark.parametrize(
    "manifest", ["", "[]", "{}", '{"format": "other"}', '{"format": "assay-canary-kit-1"}']
)
def test_a_manifest_that_is_no_kits_vouches_for_nothing(operator: Operator, manifest: str) -> None:
    folder = operator.folder / "kit"
    folder.mkdir()
    (folder / MANIFEST).write_text(manifest)
    (folder / QUICK).write_text("mine")
    operator.fail("lab", "canary", "kit", "--only", QUICK, status=1, code="file-exists")
    assert (folder / MANIFEST).read_text() == manifest


def test_what_an_older_kit_wrote_is_replaced_unless_it_was_changed(operator: Operator) -> None:
    folder = operator.folder / "kit"
    folder.mkdir()
    old = {"name": QUICK, "sha256": hashlib.sha256(b"older").hexdigest()}
    document = {"format": "assay-canary-kit-1", "files": [old], "readme_sha256": "0" * 64}
    (folder / MANIFEST).write_text(json.dumps(document))
    (folder / QUICK).write_bytes(b"older, and changed")
    operator.fail("lab", "canary", "kit", "--only", QUICK, status=1, code="file-exists")
    (folder / QUICK).write_bytes(b"older")
    operator.run("lab", "canary", "kit", "--only", QUICK)
    assert (folder / QUICK).read_bytes() == kit()[QUICK].content


def test_a_folder_that_cannot_be_made_is_said(operator: Operator) -> None:
    (operator.folder / "file").write_text("")
    operator.fail("lab", "canary", "file/kit", "--only", QUICK, status=1, code="cannot-write")
    assert "is a file" in operator.run("lab", "canary", "file", "--only", QUICK, status=2).stderr


def test_progress_is_shown_on_a_terminal_only(operator: Operator, monkeypatch: pytest.MonkeyPatch) -> None:
    assert operator.run("lab", "canary", "kit", "--only", QUICK).stderr == ""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    with progress("making", 2) as told:
        told(1, 2)


# -------------------------------------------------------------------- over HTTP


@pytest_asyncio.fixture(loop_scope="session")
async def web(world: World) -> AsyncIterator[aiohttp.ClientSession]:
    async with (
        listening(public_app(world.relay), "127.0.0.1", 0) as port,
        aiohttp.ClientSession(f"http://127.0.0.1:{port}", headers={"Host": "relay.test"}) as session,
    ):
        yield session


async def test_the_page_names_every_file_and_runs_nothing(web: aiohttp.ClientSession) -> None:
    async with web.get("/lab/canary") as answer:
        assert answer.url.path == "/lab/canary/"
        text = await answer.text()
        policy = answer.headers["Content-Security-Policy"]
        assert answer.content_type == "text/html"
    assert "default-src 'none'" in policy
    assert "script" not in policy
    assert "<script" not in text
    assert [name for name in (*recipes(), MANIFEST, README) if f'href="{name}"' not in text] == []
    assert "match, near" in text
    assert "cannot be checked: too-many-pixels" in text


async def test_files_are_served_as_what_they_are_and_cannot_do_anything(web: aiohttp.ClientSession) -> None:
    for name in ("canary.jpg", "canary.svg", "canary.mp4", "unreadable-page.jpg", "unreadable-empty.jpg"):
        async with web.get(f"/lab/canary/{name}") as answer:
            assert (answer.status, answer.content_type) == (200, recipes()[name].plan.media_type)
            assert await answer.read() == kit()[name].content
            headers = answer.headers
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
        assert headers["Cache-Control"] == "public, max-age=86400"
        for known, status in ((headers["ETag"], 304), ('"other"', 200), ("*", 304)):
            async with web.get(f"/lab/canary/{name}", headers={"If-None-Match": known}) as answer:
                assert (answer.status, answer.headers["ETag"]) == (status, headers["ETag"])
        async with web.head(f"/lab/canary/{name}") as answer:
            assert (answer.status, answer.headers["ETag"]) == (200, headers["ETag"])


async def test_a_crowd_has_each_file_made_once_and_one_at_a_time() -> None:
    under_way, most, calls = 0, 0, Counter[str]()

    def counted(plan: Plan) -> KitFile:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        calls[plan.name] += 1
        file = make(plan)
        under_way -= 1
        return file

    quick = [plan for plan in plans() if plan.name in {QUICK, "unreadable-empty.jpg", "canary.mp4"}]
    service = Kit(quick, counted, (), made_by="assay")
    async with asyncio.TaskGroup() as tasks:
        for _ in range(20):
            tasks.create_task(service.manifest())
            tasks.create_task(service.file(QUICK))
    assert calls == {plan.name: 1 for plan in quick}
    assert most == 1


async def test_manifest_and_text_are_those_of_the_command(web: aiohttp.ClientSession) -> None:
    async with web.get(f"/lab/canary/{MANIFEST}") as answer:
        manifest = await answer.json()
    assert errors_of(manifest) == []
    assert {row["name"]: row["sha256"] for row in manifest["files"]} == {
        name: hashlib.sha256(file.content).hexdigest() for name, file in kit().items()
    }
    async with web.get(f"/lab/canary/{README}") as answer:
        assert (answer.content_type, answer.charset) == ("text/plain", "utf-8")
        assert hashlib.sha256(await answer.read()).hexdigest() == manifest["readme_sha256"]


@pytest.mark.parametrize("name", ["nothing.jpg", "..%2Fcanary.jpg", "canary.jpg%00", "manifest.json%2F"])
async def test_what_is_not_in_the_kit_is_not_found(web: aiohttp.ClientSession, name: str) -> None:
    async with web.get(f"/lab/canary/{name}") as answer:
        assert (answer.status, answer.content_type) == (404, "application/problem+json")
