"""Attestations that the lab made: marked as tests, and worth nothing outside the lab.

Whoever makes a test attestation names in it no list but the lab's, so nobody has to know the lab's keys in order to
refuse what they signed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

LAB_LISTS: Final = "https://w3id.org/assay/lab#"
"""What the id of every list of the lab begins with."""
TEST_LIST: Final = f"{LAB_LISTS}test-list"
"""The list that test attestations name in `chk`. It has no entries, and nothing was compared with it."""
TEST_ISSUER: Final = "testIssuer"
"""The property, `true`, that marks the actor document of a test issuer."""


def is_lab_list(list_id: str) -> bool:
    """Whether a list is one of the lab, which no policy may accept."""
    return list_id.startswith(LAB_LISTS)


def is_test(lists: Iterable[str]) -> bool:
    """Whether an attestation that names these lists is a test: it names none but the lab's."""
    named = tuple(lists)
    return bool(named) and all(is_lab_list(one) for one in named)
