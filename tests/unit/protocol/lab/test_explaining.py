"""Every code can be explained, and the samples that show it do show it."""

from __future__ import annotations

import json
import re

import pytest

from mediaattest import EXPLANATIONS
from relay.domain.lab.cases import CASES
from relay.domain.lab.cases.document import DOCUMENT
from relay.domain.lab.model import Level
from relay.protocol.lab.clauses import clauses
from relay.protocol.lab.documents import Given, examine
from relay.protocol.lab.explaining import explain, titles
from relay.protocol.lab.stepping import Terms
from relay.protocol.lab.variants import VARIANTS

UNSHOWN = {"untrusted-issuer", "revoked", "status-unavailable", "valid"}
"""Outcomes that are not in a document, but in the verifier or at the issuer."""


@pytest.mark.parametrize("code", titles())
def test_each_code_is_explained(code: str) -> None:
    found = explain(code)
    assert found is not None
    assert found.code == code
    assert all(text.endswith((".", "?")) for text in (found.title, found.meaning, found.advice)), found
    assert found.clauses or code.startswith("ATT-2")  # what relays do without the profile
    assert all(explain(one) for one in found.related)


def test_codes_are_taken_in_any_case_and_others_are_none() -> None:
    assert explain("att-001") == explain("ATT-001")
    assert explain("p-01") == explain("P-01")
    assert explain("malformed") is None
    assert len(titles()) == len(EXPLANATIONS) + len(CASES) + len(clauses())


def test_outcomes_have_a_document_that_comes_to_them() -> None:
    for why in EXPLANATIONS.values():
        found = explain(why.code)
        assert found is not None
        assert found.passes is not None
        assert (found.fails is None) is (why.code in UNSHOWN)
        if found.fails is not None and why.code not in {
            "missing",
            "hash-mismatch-received",
            "key-unavailable",
        }:
            document = json.loads(found.fails.document)
            issuer = document["object"]["attachment"][0]
            assert issuer["attestation"]


def test_cases_have_documents_that_fail_and_pass() -> None:
    shown = {case.code for case in DOCUMENT if (found := explain(case.code)) and found.fails}
    without = {case.code for case in DOCUMENT} - shown
    assert {code for code in without if CASES[code].level is not Level.MAY} == {
        "ATT-011",
        "ATT-037",
        "ATT-041",
        "ATT-045",
    }
    for code in shown:
        found = explain(code)
        assert found is not None
        assert found.passes is not None
        for one in (found.fails, found.passes):
            assert one is not None
            examine(Given(json.loads(one.document), Terms({}, frozenset(), None, one.now), one.header))


def test_variants_say_what_they_are() -> None:
    for name, variant in VARIANTS.items():
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name)
        assert variant.says.endswith(".")
