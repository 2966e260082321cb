"""The messages between the relay and a process that reads documents.

To the worker: 8 bytes length (big-endian), then one byte for the engine and the document. From the worker: 4 bytes
length, then JSON. Answers are parsed like any other input from outside.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import orjson

from relay.adapters.media.wire import ANSWER_HEADER, MAX_ANSWER, frame
from relay.domain.errors import Malformed
from relay.protocol.ldsig import Reading
from relay.protocol.unproven import Failure

if TYPE_CHECKING:
    from relay.protocol.ldsig import Engine

_ENGINES: Final[dict[Engine, bytes]] = {"first": b"1", "second": b"2"}
_FAILURES: Final = {failure.code: failure for failure in Failure}


def pack_question(body: bytes, engine: Engine) -> bytes:
    """What a worker is sent, without its length."""
    return _ENGINES[engine] + body


def parse_question(message: bytes) -> tuple[bytes, Engine]:
    """The document and the engine."""
    return message[1:], "second" if message[:1] == _ENGINES["second"] else "first"


def pack_answer(answer: Reading | Failure) -> bytes:
    """A worker's answer with its length; one that is too long is `TOO_LARGE`."""
    message = orjson.dumps(
        answer.code
        if isinstance(answer, Failure)
        else [answer.document_hash, answer.options_hash, answer.same, answer.compacted.decode()]
    )
    return pack_answer(Failure.TOO_LARGE) if len(message) > MAX_ANSWER else frame(message, ANSWER_HEADER)


def parse_answer(message: bytes) -> Reading | Failure:
    """Read a worker's answer. Raises `Malformed`."""
    try:
        value = orjson.loads(message)
        if isinstance(value, str):
            return _FAILURES[value]
        document, options, same, compacted = value
        if type(same) is not bool or len(document) != 64 or len(options) != 64:
            raise Malformed("a worker's answer has the wrong shape")
        return Reading(document, options, same, compacted.encode())
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise Malformed("a worker's answer has the wrong shape") from error
