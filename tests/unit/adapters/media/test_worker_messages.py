"""Answers of a worker that was taken over: nothing but a well-formed answer gets through."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import orjson
import pytest

from relay.adapters.media import wire
from relay.adapters.media.canary import clean_picture
from relay.adapters.media.hashing import Limits
from relay.adapters.media.pictures import hash_picture
from relay.domain.errors import Malformed
from relay.domain.media import Decoded, Undecodable

FRAME: list[Any] = [90, "ab" * 8, *(["cd" * 32] * 8)]
GOOD: dict[str, Any] = {"type": "image/png", "width": 9, "height": 9, "frames": [FRAME], "unseen": None}


def test_answers_survive_the_way() -> None:
    found = hash_picture(clean_picture("wire"), Limits(1_000_000))
    assert isinstance(found, Decoded)
    for answer in (found, replace(found, unseen=Undecodable.SOUND_ONLY), *Undecodable):
        assert wire.parse_answer(wire.pack_answer(answer)[wire.ANSWER_HEADER :]) == answer
    assert wire.parse_ready(wire.pack_ready({"memory"})[wire.ANSWER_HEADER :]) == {"memory"}


def test_a_whole_answer_is_read() -> None:
    assert isinstance(wire.parse_answer(orjson.dumps(GOOD)), Decoded)


@pytest.mark.parametrize(
    "value",
    [
        [],
        1,
        {},
        {"undecodable": "because"},
        {"undecodable": 7},
        GOOD | {"unseen": "because"},
        {name: value for name, value in GOOD.items() if name != "unseen"},
        GOOD | {"frames": []},
        GOOD | {"frames": 5},
        GOOD | {"width": "9"},
        GOOD | {"height": True},
        GOOD | {"type": None},
        GOOD | {"frames": [FRAME[:-1]]},
        GOOD | {"frames": [[*FRAME[:-1], "cd" * 31]]},
        GOOD | {"frames": [[*FRAME[:-1], "xy" * 32]]},
        GOOD | {"frames": [[101, *FRAME[1:]]]},
        GOOD | {"frames": [[-1, *FRAME[1:]]]},
        GOOD | {"frames": [["90", *FRAME[1:]]]},
        GOOD | {"frames": [[90, "ab", *FRAME[2:]]]},
    ],
)
def test_a_malformed_answer_is_refused(value: object) -> None:
    with pytest.raises(Malformed):
        wire.parse_answer(orjson.dumps(value))


@pytest.mark.parametrize("message", [b"", b"{", b'{"a": 1}', b"[1]", b"\xff"])
def test_a_malformed_greeting_is_refused(message: bytes) -> None:
    with pytest.raises(Malformed):
        wire.parse_ready(message)
