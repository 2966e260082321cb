"""Where servers describe themselves, and nothing that others than their admins write."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.protocol.instances import descriptions_in


@pytest.mark.parametrize(
    ("document", "texts"),
    [
        ({"metadata": {"nodeName": "n", "nodeDescription": "here"}}, ("here",)),
        ({"description": "long", "short_description": "short"}, ("long", "short")),
        (
            {"description": 3, "contact_account": {"note": "by a person"}, "rules": [{"text": "by nobody"}]},
            (),
        ),
        ({"metadata": ["nodeDescription"]}, ()),
        (["description"], ()),
    ],
)
def test_descriptions(document: Any, texts: tuple[str, ...]) -> None:
    assert descriptions_in(document) == texts


@given(st.recursive(st.none() | st.text(), lambda x: st.lists(x) | st.dictionaries(st.text(), x)))
def test_reading_is_total(document: Any) -> None:
    assert all(isinstance(text, str) for text in descriptions_in(document))
