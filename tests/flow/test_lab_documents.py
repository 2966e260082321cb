"""`assay lab verify`, `explain`, `issue` and `sample` at a prompt."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from mediaattest import Step
from relay.adapters.media.canary import clean_picture, photograph
from relay.adapters.media.plain_png import plain_png
from relay.cli.lab.sample import contents
from relay.protocol.lab.variants import VARIANTS
from tests.flow.operators import Operator, at_a_prompt, documented, keys_of

ANSWER = {"where", "code", "meaning", "advice", "claims", "header", "declared", "steps"}


@pytest.fixture
def operator(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Operator:
    return at_a_prompt(tmp_path, monkeypatch)


@pytest.fixture
def samples(operator: Operator) -> Operator:
    """Somebody with the samples in the folder."""
    operator.run("lab", "sample", "s")
    return operator


def sample(name: str) -> tuple[str, ...]:
    """The words that verify a sample as its row in expected.json says."""
    rows = json.loads(Path("s/expected.json").read_text())
    [row] = [one for one in rows if one["file"] == f"documents/{name}.json"]
    words = ["lab", "verify", f"s/{row['file']}", "--offline", "--now", str(row["now"])]
    words += [word for key in row["keys"] for word in ("--keys", f"s/{key}")]
    words += [word for file in row["media"] for word in ("--media", f"s/{file}")]
    return (*words, *(["--header", row["header"]] if row["header"] is not None else []))


# -------------------------------------------------------------------- samples
def test_samples_are_the_same_each_time_and_of_every_kind() -> None:
    files = contents()
    assert contents() == files
    assert hashlib.sha256(files["media/picture-1.png"]).hexdigest() == (
        "dbde1bed3155c908c31560ea0bf433ed1326f2ef57d4e93c5810f3281281e5ab"
    )
    rows = json.loads(files["expected.json"])
    assert len(rows) > 60
    assert {row["exit"] for row in rows} == {0, 1, 69}
    assert {row["file"] for row in rows} == {name for name in files if name.startswith("documents/")}


def test_pictures_of_samples_are_pictures() -> None:
    from io import BytesIO

    pixels = photograph("clean tall", 300, 100)
    for content in (plain_png(pixels), contents()["media/picture-1.png"]):
        Image.open(BytesIO(content)).verify()
    import numpy as np

    assert np.array_equal(np.asarray(Image.open(BytesIO(plain_png(pixels)))), pixels)


@pytest.mark.parametrize(
    "name",
    [
        "mastodon",
        "expired",
        "actor-unreachable",
        "header",
        "proven",
        "added-after-signing",
        "several-documents",
    ],
)
def test_a_sample_comes_to_what_is_expected(samples: Operator, name: str) -> None:
    rows = json.loads(Path("s/expected.json").read_text())
    [row] = [one for one in rows if one["file"] == f"documents/{name}.json"]
    found = samples.ask(*sample(name), status=row["exit"])
    assert [one["code"] for one in found["attestations"]] == row["outcomes"]
    failed = {one["case"] for one in found["results"] if one["outcome"] == "failed" and one["level"] != "MAY"}
    assert sorted(failed) == row["failed"]


def test_a_folder_that_is_used_is_left_alone(samples: Operator) -> None:
    samples.fail("lab", "sample", "s", status=1, code="not-empty")
    assert set(samples.ask("lab", "sample", "again")) == documented("lab", "sample")


# -------------------------------------------------------------------- verify
def test_the_document_of_the_answer_is_documented(samples: Operator) -> None:
    found = samples.ask(*sample("note"))
    inside = keys_of(found, "attestations", "results") | set(found["media"][0])
    assert inside >= documented("lab", "verify") - {"hashes", "attestations", "url"} - {
        "step",
        "title",
        "state",
    }
    assert set(found["attestations"][0]) >= ANSWER
    assert [step["step"] for step in found["attestations"][0]["steps"]] == [int(step) for step in Step]


def test_it_is_told_step_by_step_with_what_to_do(samples: Operator) -> None:
    text = samples.run(*sample("expired"), status=1).stdout
    assert "object.attachment[0]: expired" in text
    assert "FAILED       [V-24]  https://w3id.org/assay/media-attestation/v1#V-24" in text
    assert "What to do: Ask the issuer's lookup for a newer one." in text
    assert "Grade D" in text
    assert "The bytes were not at hand" in samples.run("lab", "verify", "s/documents/note.json", "--now", "1795300000",
        "--keys", "s/keys/relay.json").stdout  # fmt: skip


@pytest.mark.parametrize(
    ("to", "part"),
    [
        ("junit", "<testsuite"),
        ("tap", "TAP version"),
        ("json", '"results"'),
        ("earl", "earl"),
        ("markdown", "| "),
    ],
)
def test_reports(samples: Operator, to: str, part: str) -> None:
    assert part in samples.run(*sample("note"), "--format", to).stdout


def test_what_merely_should_be_otherwise_fails_when_strict(samples: Operator) -> None:
    samples.run(*sample("array"))
    samples.run(*sample("array"), "--strict", status=1)
    samples.run(*sample("note"), "--strict")


def test_trust_lists_and_time(samples: Operator) -> None:
    words = sample("note")
    [first, *_] = samples.ask(*words, "--trust", "elsewhere.example", status=1)["attestations"]
    assert first["code"] == "untrusted-issuer"
    [first, *_] = samples.ask(*words, "--trust", "relay.example")["attestations"]
    assert (first["steps"][2]["state"], first["trusted_here"], first["test"]) == ("passed", False, True)
    samples.run(*words, "--list", "https://a.example/1", status=1)
    samples.run(*words, "--now", "2026-11-22T00:00:00Z")
    samples.run(*words, "--now", "tomorrow", status=2)
    assert (
        samples.ask(*words, "--now", "2030-01-01T00:00:00Z", status=1)["attestations"][0]["code"] == "expired"
    )


def test_what_is_no_document(operator: Operator) -> None:
    Path("a.json").write_text("{")
    Path("b.json").write_text("7")
    Path("actor.json").write_text("[]")
    operator.fail("lab", "verify", "a.json", "--offline", status=1, code="json-syntax")
    operator.fail("lab", "verify", "b.json", "--offline", status=1, code="not-an-object")
    Path("b.json").write_text("{}")
    operator.fail("lab", "verify", "b.json", "--keys", "actor.json", status=1, code="bad-actor")
    text = operator.run("lab", "verify", "b.json", "--offline", status=1).stdout
    assert "There is no attestation." in text
    assert not Path("data").exists()


def test_a_document_on_standard_input(samples: Operator) -> None:
    content = Path("s/documents/note.json").read_bytes()
    words = ("lab", "verify", "-", "--keys", "s/keys/relay.json", "--now", "1795300000")
    assert "object.attachment[1]: valid" in samples.run(*words, typed=content).stdout


def test_documents_media_and_keys_are_fetched(operator: Operator, files: str) -> None:
    federation = "federation: {allow_http: true, private_addresses: [127.0.0.0/8]}\n"
    Path("config.yaml").write_text(
        f"relay: {{url: https://relay.example}}\nmedia: {{decoders: 1}}\n{federation}"
    )
    Path("clean.jpg").write_bytes(clean_picture(1))
    made = operator.ask(
        "lab", "issue", "clean.jpg", "--url", f"{files}/clean.jpg", "--issuer", "https://127.0.0.1:9/actor"
    )
    media = made["activity"]["object"]["attachment"]
    gone = media[0] | {"url": f"{files}/gone.jpg"}
    post = {"id": f"{files}/post.json", "type": "Note", "attachment": [*media, gone]}
    post["@context"] = made["activity"]["@context"]
    Path("post.json").write_text(json.dumps(post))
    found = operator.ask("lab", "verify", f"{files}/post.json", status=69)
    first = found["attestations"][0]
    assert (first["verdict"], first["temporary"]) == ("key-unavailable", True)
    assert "(" in first["reason"]  # why it could not be had
    assert [one["bytes_checked"] for one in found["attestations"]] == [True, False]
    Path("actor.json").write_text(json.dumps(made["actor"]))
    [one, other] = operator.ask(
        "lab", "verify", f"{files}/post.json", "--keys", "actor.json", "--media", "clean.jpg"
    )["attestations"]
    assert (one["verdict"], one["bytes_checked"], other["bytes_checked"]) == ("valid", True, False)


# -------------------------------------------------------------------- issue, explain
@pytest.mark.parametrize(
    "variant", ["good", "wrong-bytes", "no-hash", "context-by-address", "actor-unreachable"]
)
def test_what_is_issued_comes_to_what_it_says(operator: Operator, variant: str) -> None:
    Path("clean.jpg").write_bytes(clean_picture(1))
    made = operator.ask("lab", "issue", "clean.jpg", "--variant", variant, "--out", "out")
    assert set(made) == documented("lab", "issue") - {"variants"}
    keys = ("--keys", "out/actor.json") if Path("out/actor.json").exists() else ("--offline",)
    words = ("lab", "verify", "out/activity.json", "--media", "clean.jpg", *keys)
    status = {"good": 0, "actor-unreachable": 69}.get(variant, 1)
    [one] = operator.ask(*words, status=status)["attestations"]
    assert (one["code"], one["test"]) == (made["expected"], variant != "actor-unreachable")
    assert "Nothing was checked." in operator.run("lab", "issue", "clean.jpg", "--variant", variant).stdout


def test_keys_are_thrown_away(operator: Operator) -> None:
    Path("clean.jpg").write_bytes(clean_picture(1))
    first, second = (operator.ask("lab", "issue", "clean.jpg", "--now", "1795300000") for _ in range(2))
    assert first["actor"]["assertionMethod"] != second["actor"]["assertionMethod"]
    assert first["attestation"] != second["attestation"]
    assert first["actor"]["testIssuer"] is True


def test_what_cannot_be_issued(operator: Operator) -> None:
    Path("clean.jpg").write_bytes(b"x")
    operator.run("lab", "issue", "clean.jpg", "--issuer", "http://a.example/actor", status=2)
    assert (
        "did you mean expired?"
        in operator.run("lab", "issue", "clean.jpg", "--variant", "expird", status=2).stderr
    )
    operator.run("lab", "issue", "clean.jpg", "--variant", "zzz", status=2)
    operator.run("lab", "issue", status=2)
    assert set(operator.ask("lab", "issue", "--variants")["variants"]) == set(VARIANTS)
    assert "wrong-key" in operator.run("lab", "issue", "--variants").stdout


def test_codes_are_explained(operator: Operator) -> None:
    found: dict[str, Any] = operator.ask("lab", "explain", "ATT-032")
    assert set(found) == documented("lab", "explain")
    assert found["clauses"][0]["id"] == "P-04"
    text = operator.run("lab", "explain", "header-empty", status=1).stderr
    assert "There is no code" in text
    assert "malformed-grammar or" in operator.run("lab", "explain", "malformed", status=1).stderr
    assert "Fails: Its time is over." in operator.run("lab", "explain", "expired", "--example").stdout
    assert "Media-Attestation: " in operator.run("lab", "explain", "ATT-043", "--example").stdout
    assert "W-06" in operator.run("lab", "explain", "revoked").stdout
    assert len(operator.ask("lab", "explain")["codes"]) > 150
    assert "ATT-001" in operator.run("lab", "explain").stdout
