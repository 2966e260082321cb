"""`assay policy apply`, `undo`, `diff`, `history` and `assay reload`, without a relay that runs and beside one."""

from __future__ import annotations

import asyncio
import fcntl
import os
import signal
import sqlite3
import stat
import subprocess
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from relay.adapters.system import SystemClock
from relay.config.load import load
from relay.domain.errors import Conflict
from relay.domain.policy_version import Why
from relay.wiring import open_office
from relay.wiring.live import record_start
from relay.wiring.saving import open_desk
from tests.flow.operators import Operator, at_a_prompt, documented, keys_of
from tests.flow.test_cli_serve import ASSAY, free_port, serving

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CONFIG = """\
# My relay
relay: {url: "https://relay.example", data: data}   # do not move

policy:
  # since the spring
  preset: small-instance

attestation: {withhold: 0%}
"""
INCIDENT = """\
preset: small-instance
rules:
  - {name: Incident, when: {from: "*.bad.example", media: any}, then: drop, reason: incident}
"""
BROKEN = """\
preset: small-instance
rules:
  - {name: Incident, when: {form: "*.bad.example"}, then: drop}
  - {name: Incident, when: {media: any}, then: dorp}
"""


@pytest.fixture
def operator(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Operator:
    Path(tmp_path, "config.yaml").write_text(CONFIG)
    Path(tmp_path, "new.yaml").write_text(INCIDENT)
    Path(tmp_path, "data").mkdir()
    return at_a_prompt(tmp_path, monkeypatch)


@pytest.fixture
def started(operator: Operator) -> Operator:
    """A relay that ran with its policy, and does not any more."""
    start()
    return operator


def start() -> None:
    """Let a relay start and stop, as far as its policy is concerned."""

    async def work() -> None:
        clock = SystemClock()
        configuration = load(Path("config.yaml"), {}, clock.now()).require()
        async with open_office(configuration, exclusive=True) as office:
            await record_start(office, configuration)

    asyncio.run(work())


def numbers(operator: Operator) -> list[tuple[int, str]]:
    return [(one["number"], one["why"]) for one in operator.ask("policy", "history")["versions"]]


# -------------------------------------------------------------------- without a relay that runs


def test_before_the_first_start_there_is_no_history(operator: Operator) -> None:
    assert "No policy was in force yet" in operator.run("policy", "history").stdout
    assert operator.ask("policy", "history") == {"versions": []}
    operator.fail("policy", "undo", "--yes", status=1, code="not-found")
    operator.fail("policy", "diff", status=1, code="not-found")
    assert 'rule "Incident" added' in operator.run("policy", "diff", "new.yaml").stdout


def test_apply_writes_only_the_lines_of_the_policy_and_keeps_the_file(started: Operator) -> None:
    Path("config.yaml").chmod(0o640)
    found = started.ask("policy", "apply", "new.yaml", "--note", "Spam wave.", "--yes")
    assert set(found) == documented("policy", "apply")
    assert (found["saved"], found["running"], found["version"]) == (True, False, None)
    assert [one["what"] for one in found["changes"]] == ['rule "Incident"']
    indented = "".join(f"  {line}\n" for line in INCIDENT.splitlines())
    block = "policy:\n  # since the spring\n  preset: small-instance\n"
    assert Path("config.yaml").read_text() == CONFIG.replace(block, f"policy:\n{indented}")
    assert Path("config.yaml.bak").read_text() == CONFIG
    assert stat.S_IMODE(Path("config.yaml").stat().st_mode) == 0o640
    assert not [one for one in Path().iterdir() if one.name.startswith(".config")]
    assert started.run("check-config").stdout == "config.yaml: ok\n"
    start()
    [_, last] = started.ask("policy", "history")["versions"]
    assert (last["why"], last["note"], last["who"][:4]) == ("apply", "Spam wave.", "cli:")


def test_apply_asks_and_takes_no_for_an_answer(started: Operator) -> None:
    result = started.run("policy", "apply", "new.yaml", typed=b"n\n", status=1)
    assert '+ rule "Incident" added' in result.stdout
    assert "There are no facts yet" in result.stdout
    assert "Nothing was changed." in result.stdout
    assert "Put it in force?" in result.stderr
    assert Path("config.yaml").read_text() == CONFIG
    started.run("policy", "apply", "new.yaml", status=130)
    started.fail("policy", "apply", "nowhere.yaml", "--yes", status=2, code="usage")
    assert started.run("policy", "apply", "new.yaml", "--json", status=2).stderr
    assert 'rule "Incident" added' in started.run("policy", "apply", "new.yaml", "--dry-run").stdout
    assert started.ask("policy", "apply", "new.yaml", "--dry-run")["saved"] is False
    assert Path("config.yaml").read_text() == CONFIG
    assert "in force from the next start" in started.run("policy", "apply", "new.yaml", typed=b"y\n").stdout


def test_a_policy_with_mistakes_is_not_applied_and_all_are_told(started: Operator) -> None:
    Path("new.yaml").write_text(BROKEN)
    problem = started.fail("policy", "apply", "new.yaml", "--yes", status=78, code="invalid-configuration")
    assert {"P201", "P105"} <= {one["code"] for one in problem["diagnostics"]}
    assert {one["file"] for one in problem["diagnostics"]} == {"new.yaml"}
    Path("new.yaml").write_text(INCIDENT + "examples: [{given: {media: none}, expect: drop}]\n")
    problem = started.fail("policy", "apply", "new.yaml", "--yes", status=78, code="invalid-configuration")
    assert "this example gives relay" in problem["diagnostics"][0]["cause"]
    Path("new.yaml").write_bytes(b"\xff\xfe")
    started.fail("policy", "apply", "new.yaml", "--yes", status=78, code="invalid-configuration")
    assert Path("config.yaml").read_text() == CONFIG


def test_a_configuration_that_does_not_go_with_it_stays_as_it_was(started: Operator) -> None:
    text = CONFIG + "federation: {profile: open}\n"
    Path("config.yaml").write_text(text)
    Path("new.yaml").write_text("preset: strict\nprofiles: {strict: [relay, relay-and-attest]}\n")
    problem = started.fail("policy", "apply", "new.yaml", "--yes", status=78, code="invalid-configuration")
    assert "open" in problem["diagnostics"][0]["cause"]
    assert Path("config.yaml").read_text() == text


def test_a_policy_in_a_file_of_its_own_is_written_there(started: Operator) -> None:
    Path("config.yaml").write_text('relay: {url: "https://relay.example"}\npolicy: {file: rules/mine.yaml}\n')
    Path("rules").mkdir()
    Path("rules/names.txt").write_text("bad.example\n")
    Path("rules/mine.yaml").write_text("preset: small-instance\n")
    text = INCIDENT.replace('"*.bad.example"', "list:names") + "lists: {names: {file: names.txt}}\n"
    Path("new.yaml").write_text(text)
    found = started.ask("policy", "apply", "new.yaml", "--yes")
    assert Path(found["path"]).name == "mine.yaml"
    assert Path("rules/mine.yaml").read_text() == text
    assert Path("rules/mine.yaml.bak").read_text() == "preset: small-instance\n"
    again = started.run("policy", "apply", "rules/mine.yaml", "--yes").stdout
    assert "says so already" in again


def test_undo_brings_the_older_text_back_as_a_new_version(started: Operator) -> None:
    started.run("policy", "apply", "new.yaml", "--yes")
    start()
    found = started.ask("policy", "undo", "--yes", "--note", "It was a mistake.")
    assert [(one["kind"], one["what"]) for one in found["changes"]] == [("removed", 'rule "Incident"')]
    assert Path("config.yaml").read_text() == CONFIG
    start()
    assert numbers(started) == [(1, "start"), (2, "apply"), (3, "undo")]
    last = started.ask("policy", "history")["versions"][-1]
    assert last["note"] == "Version 1 again. It was a mistake."
    started.ask("policy", "undo", "--yes")  # an undo can be undone
    assert "Incident" in Path("config.yaml").read_text()
    started.ask("policy", "undo", "1", "--yes")
    assert Path("config.yaml").read_text() == CONFIG
    started.fail("policy", "undo", "9", "--yes", status=1, code="not-found")


def test_undo_mends_a_policy_that_was_broken_by_hand(started: Operator) -> None:
    Path("config.yaml").write_text(CONFIG.replace("small-instance", "smal-instance"))
    started.fail("status", status=78, code="invalid-configuration")
    started.run("policy", "undo", "1", "--yes")
    assert Path("config.yaml").read_text() == CONFIG


def test_undo_says_when_a_list_is_another_one_now(started: Operator) -> None:
    Path("names.txt").write_text("bad.example\n")
    text = INCIDENT.replace('"*.bad.example"', "list:names") + "lists: {names: {file: names.txt}}\n"
    Path("new.yaml").write_text(text)
    started.run("policy", "apply", "new.yaml", "--yes")
    start()
    started.run("policy", "undo", "--yes")
    start()
    Path("names.txt").write_text("bad.example\nworse.example\n")
    result = started.run("policy", "undo", "2", "--yes")
    assert "does not come back as it was" in result.stderr
    assert '+ list "names" added' in result.stdout


def test_diff_tells_versions_and_files_in_sentences_and_lines(started: Operator) -> None:
    started.run("policy", "apply", "new.yaml", "--yes")
    start()
    found = started.ask("policy", "diff")
    assert keys_of(found, "changes") <= documented("policy", "diff") | {"old", "new", "before", "after"}
    assert (found["old"], found["new"]) == ("version 1", "version 2")
    assert "-# since the spring\n" in found["text"]
    assert "+  - {name: Incident" in found["text"]
    shown = started.run("policy", "diff", "2", "1").stdout
    assert '- rule "Incident" removed' in shown
    Path("other.yaml").write_text(INCIDENT.replace("drop", "quarantine"))
    for words in (("other.yaml",), ("2", "other.yaml")):
        found = started.ask("policy", "diff", *words)
        assert [(one["kind"], one["what"]) for one in found["changes"]] == [("changed", 'rule "Incident"')]
        assert found["changes"][0]["before"].endswith("drop it. Reason code: incident.")
    assert "Nothing: both decide alike." in started.run("policy", "diff", "2").stdout
    started.fail("policy", "diff", "7", status=1, code="not-found")
    started.fail("policy", "diff", "nowhere.yaml", status=78, code="invalid-configuration")


def test_history_shows_one_version_and_checks_all(started: Operator) -> None:
    started.run("policy", "apply", "new.yaml", "--yes", "--note", "Spam wave.")
    start()
    found = started.ask("policy", "history", "2")
    assert set(found) <= documented("policy", "history")
    assert found["text"] == INCIDENT
    assert found["statement"].count(".") == 2
    text = started.run("policy", "history", "2").stdout
    assert "Preset small-instance said then:" in text
    assert '+ rule "Incident" added' in text
    started.fail("policy", "history", "3", status=1, code="not-found")
    assert "All 2 are as they were signed" in started.run("policy", "history", "--verify").stdout
    assert started.ask("policy", "history", "--verify")["faults"] == []
    with closing(sqlite3.connect(started.database)) as database:
        database.execute("UPDATE policy_versions SET note = 'Nothing.' WHERE number = 2")
        database.commit()
    found = started.ask("policy", "history", "--verify", status=1)
    assert found["faults"] == [{"number": 2, "cause": "note is not what was signed"}]
    assert "version 2: note is not" in started.run("policy", "history", "--verify", status=1).stdout


def test_colours_are_for_terminals(started: Operator) -> None:
    terminal, inner = os.openpty()
    try:
        subprocess.run(  # noqa: S603
            [ASSAY, "policy", "diff", "new.yaml"],
            env={**os.environ, "TERM": "xterm"},
            stdout=inner,
            check=True,
        )
        assert b'\x1b[32m  + rule "Incident" added' in os.read(terminal, 65_536)
    finally:
        os.close(inner)
        os.close(terminal)


def test_without_a_configuration_there_is_nothing_to_write_to(operator: Operator) -> None:
    Path("config.yaml").unlink()
    operator.fail("policy", "apply", "new.yaml", "--yes", status=78, code="no-configuration")


def write(more: str) -> None:
    """Write something below the configuration."""
    Path("config.yaml").write_text(CONFIG + more)


def test_nobody_writes_over_what_another_wrote_meanwhile(started: Operator) -> None:
    async def work() -> None:
        clock = SystemClock()
        async with open_desk(load(Path("config.yaml"), {}, clock.now())) as desk:
            draft = await desk.draft(INCIDENT, shown="a page")
            write("# somebody else\n")
            with pytest.raises(Conflict, match="changed meanwhile"):
                await desk.save(draft, who="admin", why=Why.APPLY)

    asyncio.run(work())
    assert Path("config.yaml").read_text() == CONFIG + "# somebody else\n"


def test_a_folder_without_a_relay_is_not_made_one(operator: Operator) -> None:
    Path("data").rmdir()
    for words in (("history",), ("diff", "new.yaml"), ("apply", "new.yaml", "--yes"), ("undo", "--yes")):
        operator.fail("policy", *words, status=69, code="no-relay")
    assert not Path("data").exists()


def test_reload_without_a_relay_says_so(started: Operator) -> None:
    started.fail("reload", status=69, code="not-running")
    Path("config.yaml").write_text("relay: {urk: x}\n")
    started.fail("reload", status=78, code="invalid-configuration")
    Path("config.yaml").write_text("relay: {data: elsewhere}\n")
    started.fail("reload", status=69, code="no-relay")


def test_a_relay_that_is_too_old_to_be_asked_is_told_apart(started: Operator) -> None:
    with Path("data/relay.lock").open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        problem = started.fail("reload", status=69, code="no-answer")
        assert "restart it" in problem["detail"]
        started.fail("policy", "apply", "new.yaml", "--yes", status=69, code="no-answer")
        assert Path("config.yaml").read_text() == CONFIG


# -------------------------------------------------------------------- beside a relay that runs


@pytest.fixture
def running(operator: Operator) -> Iterator[Running]:
    """A relay that runs in a process of its own."""
    public, admin = free_port(), free_port()
    head = f'relay: {{url: "http://localhost:{public}", listen: "127.0.0.1:{public}", data: data}}\n'
    head += f'admin: {{listen: "127.0.0.1:{admin}"}}\nmedia: {{decoders: 1}}\n'
    Path("config.yaml").write_text(head + "policy: {preset: small-instance}\n")
    with serving(operator.folder) as relay:
        yield Running(operator, head, relay.process.pid)


@dataclass
class Running:
    """Somebody at a prompt beside a relay that runs; `head` is its configuration without a policy."""

    operator: Operator
    head: str
    pid: int

    def write(self, more: str) -> None:
        Path("config.yaml").write_text(self.head + more)

    def versions(self) -> list[str]:
        return [why for _, why in numbers(self.operator)]


def test_a_running_relay_takes_up_what_is_right_and_keeps_what_it_has_otherwise(running: Running) -> None:
    running.write("policy: {preset: strict}\nlab: {pages: false}\n")
    answer = running.operator.ask("reload")
    assert set(answer) == documented("reload")
    assert (answer["changed"], answer["restart"]) == (["policy"], ["lab.pages"])
    assert (answer["version"], answer["new_version"]) == (2, True)

    running.write("policy: {preset: stric}\n")
    assert "P110" in running.operator.run("reload", status=78).stderr
    os.kill(running.pid, signal.SIGHUP)
    running.write("policy: {preset: strict}\n")
    assert "Nothing changed" in running.operator.run("reload").stdout
    assert running.versions() == ["start", "reload"]

    running.write("policy: {preset: single-user}\n")
    os.kill(running.pid, signal.SIGHUP)
    wait_for(lambda: len(running.versions()) == 3)


def test_a_running_relay_takes_a_policy_and_gives_it_back(running: Running) -> None:
    text = running.operator.run("policy", "apply", "new.yaml", "--yes", "--note", "Spam wave.").stdout
    assert "Version 2 of the policy is in force." in text
    assert "Incident" in Path("config.yaml").read_text()
    found = running.operator.ask("policy", "undo", "--yes")
    assert (found["saved"], found["running"], found["version"]) == (True, True, 3)
    assert Path("config.yaml").read_text() == running.head + "policy:\n  {preset: small-instance}\n"
    assert running.versions() == ["start", "apply", "undo"]


def wait_for(done: Callable[[], bool], rounds: int = 1000) -> None:
    """Ask again and again; each question takes a while by itself."""
    assert any(done() for _ in range(rounds))
