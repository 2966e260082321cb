from __future__ import annotations

import json
import runpy
from typing import TYPE_CHECKING

import pytest

from mediaattest import digest_of
from mediaattest.__main__ import main
from relay.adapters.system import SystemClock

from .samples import ACTOR, LIST, MEDIA, NOW, attest

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def command(tmp_path: Path) -> list[str]:
    media, actor = tmp_path / "cat.png", tmp_path / "actor.json"
    media.write_bytes(MEDIA)
    actor.write_text(json.dumps(ACTOR))
    return ["verify", str(media), "--actor", str(actor), "--now", str(NOW)]


def test_valid(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*command, "--attestation", attest(), "--hash", digest_of(MEDIA), "--list", LIST]) == 0
    output = capsys.readouterr().out
    assert output.startswith("valid: ")
    assert output.count("passed") == 11
    assert "does not mean: safe" in output


def test_any_list_is_accepted_unless_one_is_named(command: list[str]) -> None:
    assert main([*command, "--attestation", attest()]) == 0
    assert main([*command, "--attestation", attest(), "--list", LIST + "0"]) == 1


def test_not_valid(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*command, "--attestation", attest(b"other")]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("hash-mismatch: ")
    assert [line.split()[1] for line in lines[1:]] == ["passed"] * 8 + ["failed"] + ["not"] * 2


def test_it_verifies_for_the_present_unless_told_otherwise(command: list[str]) -> None:
    media, actor = command[1], command[3]
    now = int(SystemClock().now())
    attestation = attest(now=now)
    assert main(["verify", media, "--actor", actor, "--attestation", attestation]) == 0
    assert (
        main(["verify", media, "--actor", actor, "--attestation", attestation, "--now", str(now + 10**8)])
        == 1
    )


def test_missing(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(command) == 1
    assert capsys.readouterr().out.startswith("missing: ")


@pytest.mark.parametrize("document", ["{", "[]", "{}", '{"id": 1}', None])
def test_unreadable_actor(
    command: list[str], tmp_path: Path, document: str | None, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "actor.json").unlink()
    if document is not None:
        (tmp_path / "actor.json").write_text(document)
    assert main(command) == 2
    assert capsys.readouterr().err.startswith("mediaattest: ")


@pytest.mark.parametrize(
    "arguments", [[], ["verify"], ["issue"], ["verify", "x"], ["verify", "x", "--actor", "y", "--now", "z"]]
)
def test_usage(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(arguments)
    assert end.value.code == 2


def test_run_as_a_module(command: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["mediaattest", *command])
    with pytest.raises(SystemExit) as end, pytest.warns(RuntimeWarning, match="found in sys.modules"):
        runpy.run_module("mediaattest", run_name="__main__", alter_sys=True)
    assert end.value.code == 1
