"""Names of attestation keys."""

from __future__ import annotations

import pytest

from relay.domain.attestkey import key_age, new_key_name

AUGUST = 1_785_542_400.0  # 2026-08-01 00:00 UTC


def test_names_are_in_the_order_in_which_they_were_made() -> None:
    names = ["att-2025-12", "att-2026-08", "att-2026-08-2", "att-2026-08-10", "att-2026-09"]
    assert sorted(names, key=lambda name: key_age(name) or ()) == names


@pytest.mark.parametrize(
    "name", ["att-2026-13", "att-2026-08-1", "att-2026-08-02", "att-2026-8", "main-key", "att-2026-08-", ""]
)
def test_what_is_no_name(name: str) -> None:
    assert key_age(name) is None


def test_a_name_is_never_used_twice() -> None:
    assert new_key_name(AUGUST, ()) == "att-2026-08"
    assert new_key_name(AUGUST - 1, ()) == "att-2026-07"
    assert new_key_name(AUGUST, {"att-2026-08", "att-2026-08-2"}) == "att-2026-08-3"
