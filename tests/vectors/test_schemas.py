"""The schemas of fep/schema say what the vectors say, as far as a schema can."""

from __future__ import annotations

import base64
import json
import re
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from referencing import Registry, Resource

from mediaattest import claims, digest, origin
from mediaattest.model import MAX_CHECKS

FEP = Path(__file__).resolve().parents[2] / "fep"
SCHEMAS = {path.name: json.loads(path.read_text()) for path in (FEP / "schema").glob("*.json")}
KNOWN: Any = Registry().with_resources(
    (schema["$id"], Resource.from_contents(schema)) for schema in SCHEMAS.values()
)
FILES = sorted((FEP / "vectors").glob("*.json"))
DOCUMENTS = json.loads((FEP / "vectors/document.json").read_text())
NOT_SAID = {
    *("exp not after iat", "lifetime over 30 days"),
    *("iat with a fraction of zero", "iat with an exponent"),
}
"""What no schema can say: one member compared with another, and how a number is written."""
NOT_TO_BE_SENT = {
    "five attestations, the first four count",
    "what is no string among attestations",
    "digestMultibase in place of hash",
    "context by its address",
    "terms that no context defines",
    "an answer that embeds somebody's image",
    "an answer that embeds somebody's note",
}
"""Documents that a verifier has to read and nobody may send."""


def is_valid(value: object, name: str, part: str = "") -> bool:
    """Whether a value fits a schema, or a definition in it."""
    schema = {"$ref": SCHEMAS[f"{name}.schema.json"]["$id"] + (f"#/$defs/{part}" if part else "")}
    return Draft202012Validator(schema, registry=KNOWN).is_valid(value)


def of_tokens() -> list[dict[str, Any]]:
    """Every vector with an attestation to verify."""
    files = [path for path in FILES if path.stem.startswith("verify-")]
    return [vector for path in files for vector in json.loads(path.read_text())]


def outcome(vector: dict[str, Any]) -> tuple[str, int]:
    return vector["expected"]["verdict"], vector["expected"]["step"]


def part(vector: dict[str, Any], number: int) -> Any:
    """Header (0) or claims (1) of a vector's token."""
    text = vector["input"]["attestation"].split(",")[1].split(".")[number]
    return json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))


@pytest.mark.parametrize("name", SCHEMAS)
def test_schemas_are_schemas(name: str) -> None:
    Draft202012Validator.check_schema(SCHEMAS[name])
    assert SCHEMAS[name]["$id"].endswith(f"/{name}")


def test_patterns_are_those_of_the_library() -> None:
    definitions, members = SCHEMAS["claims.schema.json"]["$defs"], SCHEMAS["claims.schema.json"]["properties"]
    pairs = {
        definitions["https-id"]["pattern"]: re.sub(r"\?P<[a-z]+>", "?:", origin._HTTPS_ID.pattern),
        definitions["hash-string"]["pattern"]: digest._HASH.pattern,
        definitions["method"]["pattern"]: claims._ALGORITHM.pattern,
        members["alt"]["additionalProperties"]["pattern"]: claims._HEX.pattern,
        members["med"]["properties"]["type"]["pattern"]: claims._MEDIA_TYPE.pattern,
    }
    for ours, library in pairs.items():
        assert ours == f"^{library}$".replace("\\#", "#").replace("(?:?:", "(?:")
    assert members["chk"]["maxItems"] == members["alt"]["maxProperties"] == MAX_CHECKS


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_file_is_of_its_kind(path: Path) -> None:
    kind = "verify" if path.stem.startswith("verify-") else path.stem
    vectors = json.loads(path.read_text())
    assert [vector["name"] for vector in vectors if not is_valid(vector, "vector", kind)] == []
    assert is_valid(vectors, "vector")
    assert len({vector["name"] for vector in vectors}) == len(vectors)


@pytest.mark.parametrize("change", [{"clause": "step 3"}, {"clause": ""}, {"name": ""}, {"more": 1}], ids=str)
def test_what_is_no_vector_is_noticed(change: dict[str, Any]) -> None:
    assert not is_valid(of_tokens()[0] | change, "vector", "verify")


def test_tokens_that_verify_fit_the_schemas() -> None:
    good = [vector for vector in of_tokens() if vector["expected"]["verdict"] == "valid"]
    assert len(good) > 15
    for vector in good:
        assert is_valid(part(vector, 0), "claims", "header"), vector["name"]
        assert is_valid(part(vector, 1), "claims"), vector["name"]
        assert is_valid(vector["input"]["attestation"], "attested-object", "attestation"), vector["name"]


def test_headers_that_break_the_format_do_not_validate() -> None:
    bad = [vector for vector in of_tokens() if outcome(vector) == ("malformed", 2)]
    assert len(bad) > 15
    assert [vector["name"] for vector in bad if is_valid(part(vector, 0), "claims", "header")] == []


def test_claims_that_break_the_format_do_not_validate() -> None:
    bad = [vector for vector in of_tokens() if outcome(vector) in {("malformed", 3), ("malformed", 7)}]
    assert len(bad) > 40
    assert {vector["name"] for vector in bad if is_valid(part(vector, 1), "claims")} == NOT_SAID


def test_strings_that_break_the_grammar_do_not_validate() -> None:
    bad = [vector for vector in of_tokens() if vector["clause"].startswith("F-02")]
    bad = [vector for vector in bad if outcome(vector) == ("malformed", 1)]
    assert len(bad) > 10
    strings = {vector["name"]: vector["input"]["attestation"] for vector in bad}
    assert [name for name, text in strings.items() if is_valid(text, "attested-object", "attestation")] == []


def test_documents_that_may_be_sent_fit_the_schema() -> None:
    good = [vector for vector in DOCUMENTS if vector["name"] not in NOT_TO_BE_SENT]
    assert [vector["name"] for vector in good if not is_valid(vector["input"], "attested-object")] == []
    assert len(good) + len(NOT_TO_BE_SENT) == len(DOCUMENTS)


def test_documents_that_break_the_format_do_not_validate() -> None:
    bad = [vector for vector in DOCUMENTS if vector["name"] in NOT_TO_BE_SENT]
    assert [vector["name"] for vector in bad if is_valid(vector["input"], "attested-object")] == []


@pytest.mark.parametrize("name", ["hash", "attestation"])
def test_either_property_in_another_form_does_not_validate(name: str) -> None:
    [note] = [vector["input"] for vector in DOCUMENTS if vector["name"] == "in image"]
    assert is_valid(note, "attested-object")
    for wrong in ("1234567890", "", 7, [], note["image"][name].upper()):
        changed = note | {"image": note["image"] | {name: wrong}}
        assert not is_valid(changed, "attested-object"), wrong
