"""What a signature over statements covers: attestations of this format, and not what the draft's examples show."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pyld import jsonld

VECTORS = Path(__file__).resolve().parents[2] / "fep" / "vectors" / "expansion.json"
[ATTESTED] = [v["input"] for v in json.loads(VECTORS.read_text()) if v["name"] == "hash and attestation"]


def signed(document: dict[str, Any]) -> str:
    """What a Linked Data signature of the document hashes (RDFC-1.0)."""
    options = {"algorithm": "URDNA2015", "format": "application/n-quads", "base": None}
    return str(jsonld.normalize(document, options))


@pytest.mark.parametrize("name", ["hash", "attestation"])
def test_a_changed_or_removed_property_breaks_the_signature(name: str) -> None:
    changed = ATTESTED | {name: ATTESTED[name][:-1] + ("A" if ATTESTED[name][-1] != "A" else "B")}
    removed = {other: value for other, value in ATTESTED.items() if other != name}
    assert len({signed(ATTESTED), signed(changed), signed(removed)}) == 3


def test_what_was_added_after_signing_breaks_the_signature() -> None:
    bare = {name: ATTESTED[name] for name in ("@context", "@id", "hash")}
    assert signed(bare) != signed(ATTESTED)


def test_values_of_the_drafts_kind_come_and_go_unnoticed() -> None:
    bare = {name: ATTESTED[name] for name in ("@context", "@id", "hash")}
    assert signed(bare) == signed(bare | {"attestation": "1234567890"}) == signed(bare | {"attestation": "0"})
