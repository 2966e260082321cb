"""Every sample of the lab is found to be what it says it is."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest

from mediaattest import EXPLANATIONS, digest_of
from relay.adapters.canonical import engines
from relay.domain.lab.cases import CASES
from relay.domain.lab.model import Level, Outcome
from relay.domain.lab.testing import TEST_LIST
from relay.protocol.documents import dump
from relay.protocol.lab import samples
from relay.protocol.lab.covering import without
from relay.protocol.lab.documents import Given, examine
from relay.protocol.lab.looking import LinkedData
from relay.protocol.lab.samples import NOW, Picture, Sample
from relay.protocol.lab.stepping import Terms

if TYPE_CHECKING:
    from relay.protocol.lab.documents import Examination

PICTURES = [Picture(f"picture-{number}.png", digest_of(f"picture {number}".encode())) for number in (1, 2)]
SAMPLES = list(samples.samples(PICTURES))


def examined(sample: Sample) -> Examination:
    document = sample.document
    linked = None
    if isinstance(document, dict):
        body, less = dump(document), dump(without(document))
        linked = LinkedData(
            (engines.read(body, "first"), engines.read(body, "second")), (engines.read(less, "first"),)
        )
    terms = Terms({one["id"]: one for one in sample.actors}, frozenset(), None, NOW)
    digests = {picture.url: picture.digest for picture in PICTURES}
    return examine(Given(document, terms, sample.header, digests, linked=linked))


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.name)
def test_a_sample_is_what_it_says(sample: Sample) -> None:
    found = examined(sample)
    failed = {
        result.code
        for result in found.results
        if result.outcome is Outcome.FAILED and CASES[result.code].level is not Level.MAY
    }
    assert [one.explanation.code for one in found.examined] == list(sample.codes)
    assert sorted(failed) == sample.failed


def test_there_is_a_sample_for_each_outcome_but_those_of_status_lists() -> None:
    codes = {code for sample in SAMPLES for code in sample.codes}
    assert {why.code for why in EXPLANATIONS.values()} - codes == {
        "missing",
        "untrusted-issuer",
        "revoked",
        "status-unavailable",
    }
    assert len(SAMPLES) >= 30
    assert len({sample.name for sample in SAMPLES}) == len(SAMPLES)
    assert all(re.fullmatch(r"[a-z0-9-]+", sample.name) for sample in SAMPLES)


def test_samples_are_the_same_each_time() -> None:
    assert [dump({"document": one.document}) for one in samples.samples(PICTURES)] == [
        dump({"document": one.document}) for one in SAMPLES
    ]


def test_test_issuers_are_marked() -> None:
    for sample in SAMPLES:
        marked = [one for one in sample.actors if one["id"] == samples.ISSUER]
        assert all(one["testIssuer"] is True for one in marked)
    lists = re.findall(
        r'"list": ?"([^"]*)"', json.dumps([str(examined(one).examined) for one in SAMPLES[:1]])
    )
    assert set(lists) <= {TEST_LIST}
