"""Attesting and verifying on the command line, with the relay's own scanners."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from PIL import Image

from mediaattest import IssuerKey, describe_key
from relay.adapters.keys import KeyFolder
from relay.adapters.media.canary import CANARY_SEED, clean_picture, encoded, photograph
from tests.flow.operators import (
    HEADER,
    LISTED,
    Operator,
    at_a_prompt,
    documented,
    keys_of,
)


@pytest.fixture
def operator(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Operator:
    return at_a_prompt(tmp_path, monkeypatch)


# -------------------------------------------------------------------- attest, verify


@pytest.fixture(scope="module")
def pictures() -> dict[str, bytes]:
    canary = Image.fromarray(photograph(CANARY_SEED))
    return {"clean.jpg": clean_picture("a harmless one"), "canary.png": encoded(canary, "PNG")}


@pytest.fixture
def attesting(operator: Operator, pictures: dict[str, bytes]) -> Operator:
    """A relay that may attest, with a clean picture and a canary."""
    Path("local.csv").write_text(f"{HEADER}md5,{'a' * 32},,,\n")
    Path("config.yaml").write_text(f"{LISTED}media: {{decoders: 1}}\n")
    Path("data").mkdir()
    for name, content in pictures.items():
        Path(name).write_bytes(content)
    return operator


def write_actor() -> None:
    """Write the relay's actor document, as far as verifiers need it, so that nothing has to be fetched."""
    actor = "https://relay.example/actor"
    [key] = KeyFolder(Path("data")).attestation(now=0)
    published = describe_key(IssuerKey(f"{actor}#{key.name}", actor, key.public_raw))
    Path("actor.json").write_text(json.dumps({"id": actor, "assertionMethod": [published]}))


def test_an_attestation_verifies(attesting: Operator) -> None:
    found = attesting.ask("attest", "clean.jpg")
    assert set(found) == documented("attest")
    assert found["hash"].startswith("sha256:")
    token = found["attestation"]
    verified = attesting.ask("verify", "clean.jpg", "--attestation", token, "--hash", found["hash"])
    assert keys_of(verified, "attestations") == documented("verify") | {"steps"}
    assert all(step["state"] == "passed" for step in verified["attestations"][0]["steps"])


def test_verifying_without_a_network(attesting: Operator) -> None:
    found = attesting.ask("attest", "clean.jpg")
    token = found["attestation"]
    write_actor()
    offline = ("--actor", "actor.json")
    text = attesting.run("verify", "canary.png", "--attestation", token, *offline, status=1).stdout
    assert "canary.png: hash-mismatch" in text
    assert re.search(r"9 .*FAILED", text)
    attachment = {"type": "Image", "hash": found["hash"], "attestation": [token]}
    post = {"type": "Create", "object": {"type": "Note", "attachment": [attachment]}}
    Path("post.json").write_text(json.dumps(post))
    [without] = attesting.ask("verify", "post.json", *offline)["attestations"]
    assert (without["where"], without["bytes_checked"]) == ("object.attachment[0]", False)
    assert "The bytes were not at hand" in attesting.run("verify", "post.json", *offline).stdout
    [given] = attesting.ask("verify", "post.json", "--media", "clean.jpg", *offline)["attestations"]
    assert given["bytes_checked"]
    listed = given["checks"][0]["list"]
    assert attesting.ask("verify", "post.json", "--list", listed, *offline)["valid"]
    strict = attesting.ask("verify", "post.json", "--list", "https://no.example/list", *offline, status=1)
    assert strict["attestations"][0]["verdict"] == "no-accepted-check"
    Path("config.yaml").write_text("relay: {url: https://another.example}\n")
    [stranger] = attesting.ask("verify", "post.json", *offline)["attestations"]
    assert (stranger["trusted_here"], stranger["steps"][2]["state"]) == (False, "assumed")


def test_what_is_not_clean_is_not_attested(attesting: Operator) -> None:
    found = attesting.ask("attest", "canary.png", status=1)
    assert (found["outcome"], found["why_not"]) == ("vendor-test-match", "not-clean")
    text = attesting.run("attest", "config.yaml", status=1).stdout
    assert "could not be checked (unsupported)" in text


def test_why_there_is_no_attestation(attesting: Operator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASSAY_RELAY__URL", "http://localhost:8080")
    assert attesting.ask("attest", "clean.jpg", status=1)["why_not"] == "needs-https"
    monkeypatch.setenv("ASSAY_RELAY__URL", "https://relay.example")
    monkeypatch.setenv("ASSAY_ATTESTATION__WITHHOLD", "100%")
    assert attesting.ask("attest", "clean.jpg", status=1)["why_not"] == "withheld"
    monkeypatch.setenv("ASSAY_ATTESTATION__ISSUE", "false")
    assert "attestation.issue is false" in attesting.run("attest", "clean.jpg", status=1).stdout


def test_what_is_at_an_address(attesting: Operator, files: str) -> None:
    federation = "federation: {allow_http: true, private_addresses: [127.0.0.0/8]}\n"
    Path("config.yaml").write_text(f"{LISTED}media: {{decoders: 1}}\n{federation}")
    found = attesting.ask("attest", f"{files}/clean.jpg")
    assert found["attested"]
    token = found["attestation"]
    assert attesting.ask("verify", f"{files}/clean.jpg", "--attestation", token)["valid"]
    attachment = {"type": "Image", "url": f"{files}/clean.jpg", "attestation": token}
    post = {"id": f"{files}/post.json", "type": "Note", "attachment": attachment}
    Path("post.json").write_text(json.dumps(post))
    assert attesting.ask("verify", f"{files}/post.json")["valid"]
    elsewhere = ("--actor", f"{files}/actor.json")
    [gone] = attesting.ask("verify", f"{files}/post.json", *elsewhere, status=1)["attestations"]
    assert gone["verdict"] == "unknown-key"
    write_actor()
    [foreign] = attesting.ask("verify", f"{files}/post.json", *elsewhere, status=1)["attestations"]
    assert (foreign["verdict"], foreign["temporary"]) == ("key-unavailable", True)
    assert "another origin" in foreign["reason"]


def test_private_addresses_are_not_fetched(attesting: Operator) -> None:
    attesting.fail("attest", "https://127.0.0.1/x.png", status=69, code="blocked-address")
    attesting.run("attest", "missing.png", status=2)


def test_verifying_offline_needs_no_relay(operator: Operator) -> None:
    Path("actor.json").write_text(json.dumps({"id": "https://other.example/actor", "type": "Application"}))
    Path("media.bin").write_bytes(b"media")
    Path("empty.json").write_text("{}")
    broken = operator.ask("verify", "media.bin", "--attestation", "data:,", "--actor", "actor.json", status=1)
    assert broken["attestations"][0]["verdict"] == "malformed"
    assert "no attestation" in operator.run("verify", "empty.json", status=1).stdout
    operator.fail("verify", "media.bin", status=2, code="usage")
    assert not Path("data").exists()
