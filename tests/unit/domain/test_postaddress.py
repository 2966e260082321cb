"""What people paste, and the ids that are meant."""

from __future__ import annotations

import pytest

from relay.domain.postaddress import spellings


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("https://m.test/@alice/109", "https://m.test/users/alice/statuses/109"),
        (" https://m.test/@alice/109/?x=1#y ", "https://m.test/users/alice/statuses/109"),
        (
            "https://g.test/@bob/statuses/01HABCDEFGHJKMNPQRSTVWXYZ0",
            "https://g.test/users/bob/statuses/01HABCDEFGHJKMNPQRSTVWXYZ0",
        ),
        ("https://mi.test/notes/9abc?utm=1", "https://mi.test/notes/9abc"),
        ("https://l.test/post/7#comment", "https://l.test/post/7"),
    ],
)
def test_the_address_in_a_browser_leads_to_the_id(written: str, meant: str) -> None:
    assert meant in spellings(written)


@pytest.mark.parametrize(
    "written", ["https://m.test/@alice@far.test/109", "https://m.test/users/alice/statuses/1", "17", ""]
)
def test_other_text_stays_what_it_is(written: str) -> None:
    assert spellings(written) == (written,)


def test_what_was_written_comes_first() -> None:
    assert spellings("https://m.test/x?id=1")[0] == "https://m.test/x?id=1"
