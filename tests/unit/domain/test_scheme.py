from __future__ import annotations

from relay.domain.delivery import Verdict, verdict
from relay.domain.scheme import REFUSALS, Scheme


def test_there_are_two_ways_and_each_is_the_other_of_the_other() -> None:
    assert set(Scheme) == {Scheme.DRAFT, Scheme.RFC9421}
    assert all(scheme.other is not scheme and scheme.other.other is scheme for scheme in Scheme)


def test_nothing_that_was_delivered_or_is_gone_is_a_refusal() -> None:
    assert {verdict(status) for status in REFUSALS} == {Verdict.REFUSED, Verdict.RETRY}
