"""Setting a relay up and running it, with real processes where processes matter."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import stat
import subprocess
import sys
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from relay.cli.main import COMMANDS
from relay.cli.reference import reference
from tests.flow.operators import (
    HEADER,
    LISTED,
    Operator,
    at_a_prompt,
    documented,
    with_a_relay,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

ASSAY = str(Path(sys.executable).with_name("assay"))


@pytest.fixture
def operator(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Operator:
    return at_a_prompt(tmp_path, monkeypatch)


@pytest.fixture
def relay(operator: Operator) -> Operator:
    return with_a_relay(operator)


# -------------------------------------------------------------------- the command line itself


def test_help_names_every_command_and_imports_nothing_heavy() -> None:
    program = (
        "import sys; from relay.cli.main import main; main(['--help'], standalone_mode=False);"
        "print([m for m in ('asyncio', 'sqlite3', 'rich', 'pydantic', 'aiohttp', 'cryptography', 'numpy')"
        " if m in sys.modules])"
    )
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert all(name in done.stdout for rows in COMMANDS.values() for name in rows)
    assert done.stdout.endswith("[]\n")


def test_what_looks_at_the_store_imports_nothing_that_speaks_to_servers() -> None:
    program = (
        "import sys; from relay.wiring import open_office;"
        "print([m for m in ('aiohttp', 'psycopg', 'pyld', 'jinja2', 'PIL', 'structlog') if m in sys.modules])"
    )
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"


def test_shared_options_stand_before_or_after_the_command(relay: Operator) -> None:
    before = json.loads(relay.run("--json", "--config", "config.yaml", "subscribers", "list").stdout)
    assert before == relay.ask("subscribers", "list", "--config", "config.yaml")


def test_a_misspelled_command_is_guessed(operator: Operator) -> None:
    assert "Did you mean 'status'?" in operator.run("statsu", status=2).stderr
    assert operator.fail("statsu", status=2, code="usage")["detail"]


def test_version(operator: Operator) -> None:
    assert re.fullmatch(r"assay \d+\.\d+\.\d+\n", operator.run("--version").stdout)


def test_a_folder_without_a_relay_is_not_made_one(operator: Operator) -> None:
    operator.fail("status", status=69, code="no-relay")
    operator.fail("subscribers", "list", status=69, code="no-relay")
    assert not list(operator.folder.iterdir())


def test_the_reference_tells_all_commands_and_options() -> None:
    text = reference()
    for name in ("assay init URL", "assay subscribers approve SUBSCRIBER", "assay lists import NAME FILE"):
        assert f"### `{name}" in text
    assert "`--skip-bad-lines`" in text
    assert "| `watermark" not in text
    assert all(len(line) < 400 for line in text.splitlines())


# -------------------------------------------------------------------- init, check-config


def test_init_makes_configuration_keys_and_server_files(operator: Operator) -> None:
    made = operator.ask("init", "https://Relay.Example/")
    assert set(made) == documented("init")
    assert made["inbox"] == "https://relay.example/inbox"
    data = operator.folder / "data"
    assert stat.S_IMODE(data.stat().st_mode) == 0o700
    assert stat.S_IMODE((data / "main-key.pem").stat().st_mode) == 0o600
    unit = (operator.folder / "deploy" / "assay.service").read_text()
    assert f'--config "{operator.folder / "config.yaml"}" serve' in unit
    assert "proxy_pass http://127.0.0.1:8080;" in (operator.folder / "deploy" / "nginx.conf").read_text()
    assert "$" not in (operator.folder / "deploy" / "Caddyfile").read_text()
    assert "relay.example.  3600  IN  A " in made["next"]
    assert "ok" in operator.run("check-config").stdout


def test_init_never_replaces_without_force_and_keeps_the_keys(operator: Operator) -> None:
    operator.run("init", "relay.example")
    key = (operator.folder / "data" / "main-key.pem").read_bytes()
    (operator.folder / "config.yaml").write_text("relay: {url: https://mine.example}\n")
    operator.fail("init", "relay.example", status=1, code="config-exists")
    assert "https://mine.example" in operator.run("init", "relay.example", "--force").stderr
    assert "mine.example" in (operator.folder / "config.yaml.bak").read_text()
    assert (operator.folder / "data" / "main-key.pem").read_bytes() == key


def test_init_for_this_machine_listens_where_it_is_called(operator: Operator) -> None:
    made = operator.ask("init", "localhost:8123")
    assert (made["url"], made["files"]) == ("http://localhost:8123", [])
    assert "  listen: 127.0.0.1:8123\n" in (operator.folder / "config.yaml").read_text()


@pytest.mark.parametrize("url", ["", "not a name", "https://relay.example/path", "ftp://relay.example"])
def test_init_refuses_what_is_no_address(operator: Operator, url: str) -> None:
    operator.fail("init", url, status=2, code="usage")


def test_check_config_shows_everything_at_once(operator: Operator) -> None:
    (operator.folder / "local.csv").write_text(f"{HEADER}sha256,zz,,,\nmd5,{'a' * 32},,,\nnothing,aa,,,\n")
    (operator.folder / "config.yaml").write_text(f"{LISTED}federation: {{subscription: open}}\n")
    found = operator.ask("check-config", status=78)
    assert set(found) == documented("check-config") - {"diagnostics"} | {"diagnostics"}
    assert [one["code"] for one in found["diagnostics"]] == ["C102"]
    (operator.folder / "config.yaml").write_text(LISTED)
    result = operator.run("check-config", status=78)
    assert "local.csv:2:1  error L101" in result.stderr
    assert "local.csv:4:1  error L101" in result.stderr
    assert "config.yaml: 2 errors" in result.stderr


def test_check_config_with_warnings_only_is_ok(operator: Operator) -> None:
    (operator.folder / "config.yaml").write_text("relay: {url: http://relay.example}\n")
    result = operator.run("check-config")
    assert result.stdout == "config.yaml: ok, 1 warning\n"
    assert "C401" in result.stderr


def test_a_wrong_configuration_stops_every_command(relay: Operator) -> None:
    (relay.folder / "config.yaml").write_text("relay: {urk: x}\n")
    for command in (("status",), ("serve",), ("holds", "list"), ("attest", "config.yaml")):
        problem = relay.fail(*command, status=78, code="invalid-configuration")
        assert problem["diagnostics"][0]["guess"] == "url"


# -------------------------------------------------------------------- serve, as a process


@dataclass
class Serving:
    """A relay in a process of its own."""

    process: subprocess.Popen[str]
    addresses: dict[str, str]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


@contextmanager
def serving(folder: Path) -> Iterator[Serving]:
    """Start `assay serve` and wait until it says where it is; SIGTERM at the end, which must be status 0."""
    with subprocess.Popen(  # noqa: S603
        [ASSAY, "serve", "--json"], cwd=folder, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        try:
            lines = []
            for line in process.stdout:
                lines.append(line)
                if line == "}\n":
                    break
            yield Serving(process, json.loads("".join(lines)))
            process.send_signal(signal.SIGTERM)
            assert process.wait(30) == 0
        finally:
            process.kill()


def test_first_hour(tmp_path: Path) -> None:
    def assay(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(  # noqa: S603
            [ASSAY, *words], cwd=tmp_path, capture_output=True, text=True, check=False
        )

    public, admin = free_port(), free_port()
    made = assay("init", f"localhost:{public}")
    assert (made.returncode, made.stderr) == (0, "")
    config = tmp_path / "config.yaml"
    config.write_text(config.read_text().replace("  listen: 127.0.0.1:8081", f"  listen: 127.0.0.1:{admin}"))
    assert assay("check-config").stdout == "config.yaml: ok\n"
    with serving(tmp_path) as relay:
        health = f"{relay.addresses['admin']}/healthz"
        with urllib.request.urlopen(health, timeout=10) as answer:  # noqa: S310
            assert answer.read() == b"ok\n"
        assert relay.addresses["inbox"] == f"http://localhost:{public}/inbox"
        status = json.loads(assay("status", "--json").stdout)
        assert status["running"] is True
        second = assay("serve")
        assert (second.returncode, "another relay runs" in second.stderr) == (69, True)
        elsewhere = {**os.environ, "ASSAY_RELAY__DATA": str(tmp_path / "other")}
        third = subprocess.run(  # noqa: S603
            [ASSAY, "serve", "--json"],
            cwd=tmp_path,
            env=elsewhere,
            capture_output=True,
            text=True,
            check=False,
        )
        assert third.returncode == 69
        assert '"code": "address-in-use"' in third.stderr
    assert "not running" in assay("status").stdout


def test_a_link_to_sign_in_is_printed_until_somebody_signed_in(tmp_path: Path) -> None:
    public, admin = free_port(), free_port()
    data = f"relay: {{url: http://localhost:{public}, listen: 127.0.0.1:{public}, data: data}}\n"
    (tmp_path / "config.yaml").write_text(f"{data}admin: {{listen: 127.0.0.1:{admin}}}\n")
    for found in (True, False):
        with serving(tmp_path) as relay:
            assert set(relay.addresses) == documented("serve")
            link = relay.addresses["sign_in"]
            assert bool(link) is found  # who starts it by a service manager would have the link in a log
            if found:
                address, _, query = link.partition("?")
                assert address == f"http://127.0.0.1:{admin}/sign-in"
                browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
                with browser.open(address, data=query.encode(), timeout=10) as answer:
                    assert b"Waits for a person" in answer.read()


def test_progress_is_for_terminals(relay: Operator) -> None:
    Path("list.csv").write_text(HEADER + "".join(f"md5,{n:032x},,,\n" for n in range(5_000)))
    terminal, inner = os.openpty()
    try:
        done = subprocess.run(  # noqa: S603
            [ASSAY, "lists", "import", "canary", "list.csv", "--json"],
            env={**os.environ, "TERM": "xterm"},
            stdout=subprocess.PIPE,
            stderr=inner,
            check=True,
        )
        assert json.loads(done.stdout)["added"] == 5_000
        assert b"reading" in os.read(terminal, 65_536)
    finally:
        os.close(inner)
        os.close(terminal)


def test_serve_refuses_before_it_starts(operator: Operator) -> None:
    operator.run("init", "localhost:8080")
    operator.fail("serve", "--role", "web", status=78, code="one-process")
    Path("data/main-key.pem").chmod(0o644)
    problem = operator.fail("serve", status=78, code="bad-key")
    assert "chmod 600" in problem["detail"]
