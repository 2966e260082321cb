"""The messages between the relay and a decoding worker.

To the worker: 8 bytes length (big-endian), then the file. From the worker: 4 bytes length, then JSON;
the first message lists what the worker's confinement achieved, each later one answers one file, in
order. Answers come from a process that may have been taken over, so they are parsed like any other input
from outside.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import orjson

from relay.domain.errors import Malformed
from relay.domain.media import Decoded, FrameHash, Undecodable

if TYPE_CHECKING:
    from collections.abc import Iterable

REQUEST_HEADER: Final = 8
ANSWER_HEADER: Final = 4

MAX_ANSWER: Final = 1 << 20
"""No worker has more to say: a thousand frames take half of this."""

_DIHEDRAL: Final = 8
_PDQ_SIZE: Final = 32
_PHASH_SIZE: Final = 8


def frame(message: bytes, header: int) -> bytes:
    """The message with its length in front."""
    return len(message).to_bytes(header, "big") + message


def pack_ready(guarantees: Iterable[str]) -> bytes:
    """A worker's first message: what its confinement achieved (names in confinement.py)."""
    return frame(orjson.dumps(sorted(guarantees)), ANSWER_HEADER)


def parse_ready(message: bytes) -> frozenset[str]:
    """Read a worker's first message. Raises Malformed."""
    value = _json(message)
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        raise Malformed("a worker did not say what confines it")
    return frozenset(value)


def pack_answer(answer: Decoded | Undecodable) -> bytes:
    """A worker's answer about one file."""
    value: dict[str, Any] = (
        {"undecodable": answer.value} if isinstance(answer, Undecodable) else _decoded_as_json(answer)
    )
    return frame(orjson.dumps(value), ANSWER_HEADER)


def _decoded_as_json(answer: Decoded) -> dict[str, Any]:
    frames = [
        [item.quality, item.phash.hex(), *(one.hex() for one in item.dihedral)] for item in answer.frames
    ]
    return {
        "type": answer.media_type,
        "width": answer.width,
        "height": answer.height,
        "frames": frames,
        "unseen": answer.unseen,
    }


def parse_answer(message: bytes) -> Decoded | Undecodable:
    """Read a worker's answer. Raises Malformed."""
    value = _json(message)
    try:
        if "undecodable" in value:
            return Undecodable(value["undecodable"])
        media_type, width, height = value["type"], value["width"], value["height"]
        frames = tuple(_frame(item) for item in value["frames"])
        unseen = None if value["unseen"] is None else Undecodable(value["unseen"])
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise Malformed("a worker's answer has the wrong shape") from error
    if not (isinstance(media_type, str) and type(width) is int and type(height) is int and frames):
        raise Malformed("a worker's answer has the wrong shape")
    return Decoded(media_type, width, height, frames, unseen)


def _frame(item: list[Any]) -> FrameHash:
    quality, phash, *hashes = item
    dihedral = tuple(bytes.fromhex(one) for one in hashes)
    sizes = {len(one) for one in dihedral}
    if len(dihedral) != _DIHEDRAL or sizes != {_PDQ_SIZE} or len(phash) != 2 * _PHASH_SIZE:
        raise ValueError("a hash has the wrong size")
    if type(quality) is not int or not 0 <= quality <= 100:
        raise ValueError("quality is not a percentage")
    return FrameHash(dihedral[0], quality, dihedral, bytes.fromhex(phash))


def _json(message: bytes) -> Any:
    try:
        return orjson.loads(message)
    except orjson.JSONDecodeError as error:
        raise Malformed("a worker answered with something that is not JSON") from error
