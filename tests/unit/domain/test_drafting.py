"""What pages say about a draft and about holds, as values."""

from __future__ import annotations

from relay.domain.drafting import DraftReading, Remark
from relay.domain.triage import Narrowed
from relay.domain.waves.wording import plain


def test_warnings_do_not_keep_a_draft_from_being_used() -> None:
    remarks = [
        Remark(error=error, code="P1", line=1, column=1, width=1, text="", cause="")
        for error in (True, False)
    ]
    assert DraftReading(None, None, remarks, (), None).errors == 1


def test_holds_are_narrowed_down_by_what_is_named() -> None:
    assert Narrowed().by == {}
    assert Narrowed(reason="rate", brake=3).by == {"reason": "rate", "brake": "3"}


def test_what_a_post_says_is_shown_without_its_markup() -> None:
    post = {"summary": "About", "content": "<p>a <b>nice</b> cat<br>and <i>more</i></p>\n"}
    assert plain(post) == "About a nice cat and more"
