"""The one place that reads XML: what it takes, and what it refuses."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.adapters.plainxml import DEEPEST, MOST, Element, read_xml
from relay.domain.errors import Malformed


def test_elements_attributes_and_text_without_namespaces() -> None:
    root = read_xml(
        b'<?xml version="1.0"?><a xmlns="urn:x" xmlns:y="urn:y" k="1 &amp; 2"> t <b y:k="2">one</b>'
        b"<c>x<!-- not said -->y</c><b/>&lt;</a>"
    )
    assert (root.name, root.attributes, root.text.split()) == ("a", {"k": "1 & 2"}, ["t", "<"])
    assert [one.name for one in root] == ["b", "c", "b"]
    assert root.children[0].attributes == {"k": "2"}
    assert root.said("c") == "xy"
    assert root.child("b") is None  # there are two
    assert root.said("d") == ""


BAD = {
    "empty": b"",
    "text": b"hello",
    "html": b"<!doctype html><title>502</title>",
    "not-closed": b"<a><b></a>",
    "more-behind": b"<a/><b/>",
    "entity-of-its-own": b'<!DOCTYPE a [<!ENTITY b "x">]><a>&b;</a>',
    "outside": b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>',
    "outside-type": b'<!DOCTYPE a SYSTEM "http://x.example/a.dtd"><a/>',
    "unknown-entity": b"<a>&nbsp;</a>",
    "not-utf-8": b"<a>\xff</a>",
    "unknown-encoding": b'<?xml version="1.0" encoding="x-none"?><a/>',
    "deep": b"<a>" * (DEEPEST + 1) + b"</a>" * (DEEPEST + 1),
    "large": b"<a>" + b"<b/>" * MOST + b"</a>",
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_refused_shows_nothing_of_it(name: str) -> None:
    with pytest.raises(Malformed) as caught:
        read_xml(BAD[name])
    assert caught.value.code == "bad-xml"
    assert "passwd" not in str(caught.value)


def test_as_deep_as_allowed() -> None:
    assert read_xml(b"<a>" * DEEPEST + b"</a>" * DEEPEST).name == "a"


@given(st.binary(max_size=200) | st.text(alphabet="<>/a!&;[] \"'=-?", max_size=60).map(str.encode))
def test_anything_is_an_element_or_refused(content: bytes) -> None:
    with suppress(Malformed):
        assert isinstance(read_xml(content), Element)
