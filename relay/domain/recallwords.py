"""Recalls in words, for operators."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from relay.domain.media import MatchKind
from relay.domain.recall import Cause, NoticeKind, NoticeState, RecallState

if TYPE_CHECKING:
    from relay.domain.recall import Recall

WHY_YOU: Final = {
    Cause.MODE: "you decide about each",
    Cause.NEAR: "the files only resemble the entry",
    Cause.TEST: "the list is for tests",
    Cause.UNREVIEWED: "nobody has reviewed the hash that was handed in",
    Cause.FLOOD: "very many posts are hit at once, which may be a mistake",
}
"""Why a person is asked."""

STAGES: Final = {
    RecallState.WAITING: "waits for you",
    RecallState.DUE: "servers will be told",
    RecallState.SENT: "servers were told",
    RecallState.DISMISSED: "dismissed",
    RecallState.UNDONE: "over, the entry left its list",
}
"""Where a recall stands."""

KINDS: Final = {
    MatchKind.KNOWN: "known files",
    MatchKind.NEAR: "files that resemble an entry",
    MatchKind.NCII: "intimate images",
    MatchKind.CLASSIFIER: "files by their score",
    MatchKind.TEST: "test files",
}
"""What a recall is about."""

NOTICES: Final = {
    NoticeKind.UNDO: "our Announce undone",
    NoticeKind.FLAG: "report",
    NoticeKind.MACHINE: "report for software",
    NoticeKind.WITHDRAWAL: "withdrawal",
}
"""What was sent."""

SENDING: Final = {
    NoticeState.WAITING: "on its way",
    NoticeState.DELIVERED: "delivered",
    NoticeState.REFUSED: "refused, tried again",
    NoticeState.GIVEN_UP: "given up",
    NoticeState.CANCELLED: "cancelled",
}
"""How sending goes."""


def stage(recall: Recall) -> str:
    """Where a recall stands, and why it waits."""
    if recall.state is RecallState.WAITING and recall.cause is not None:
        return f"{STAGES[recall.state]}: {WHY_YOU[recall.cause]}"
    return STAGES[recall.state]
