"""Snapshots: an index of a whole list as one file, which every process maps and all share.

Arrays come first, each at a multiple of 64 bytes; the description of all of them comes last, then its length and a
word that says that the file is whole. A file is written under another name, flushed to the disk and renamed, so what a
crash leaves is never looked at; a description that does not fit its digest, or a file of another length, is ignored.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import mmap
import os
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from relay.adapters.scanners.hashindex import HashIndex

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    import numpy.typing as npt

SUFFIX: Final = ".index"
_FORMAT: Final = 1
END: Final = struct.Struct("<Q32s8s")
"""Length of the description, its SHA-256, and the word."""
_WHOLE: Final = b"assayidx"
_ALIGN: Final = 64


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A mapped snapshot: what it was made of (digests, oldest first), and the index."""

    path: Path
    made_of: tuple[str, ...]
    size: int
    index: HashIndex


def write(
    path: Path,
    made_of: Sequence[str],
    arrays: Iterable[tuple[str, npt.NDArray[Any]]],
    categories: Callable[[], Sequence[str]],
) -> int:
    """Write a snapshot, whole or not at all; return its size in bytes. `categories` is asked after the last array."""
    unfinished = path.with_name(f"{path.name}.{os.getpid()}.new")
    try:
        with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            described = {}
            for name, array in arrays:
                file.write(bytes(-file.tell() % _ALIGN))
                described[name] = (array.dtype.str, array.shape, file.tell())
                file.write(np.ascontiguousarray(array).data.cast("B"))
            head = {
                "format": _FORMAT,
                "made_of": [*made_of],
                "arrays": described,
                "categories": [*categories()],
            }
            text = json.dumps(head).encode()
            file.write(text)
            file.write(END.pack(len(text), hashlib.sha256(text).digest(), _WHOLE))
            file.flush()
            os.fsync(file.fileno())
            size = file.tell()
        unfinished.replace(path)
        _flush_folder(path.parent)
    finally:
        unfinished.unlink(missing_ok=True)
    return size


def read(path: Path) -> Snapshot | None:
    """Map a snapshot; None when there is none, or when it is not whole or of another version."""
    try:
        with path.open("rb") as file, contextlib.suppress(ValueError):
            mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            return _read(path, mapped)
    except FileNotFoundError:
        return None
    return None


def _read(path: Path, mapped: mmap.mmap) -> Snapshot | None:
    end = len(mapped) - END.size
    if end < 0:
        return None
    length, digest, word = END.unpack_from(mapped, end)
    text = mapped[max(0, end - length) : end]
    if word != _WHOLE or hashlib.sha256(text).digest() != digest:
        return None
    head = json.loads(text)
    if head["format"] != _FORMAT:
        return None
    arrays = {
        name: np.frombuffer(mapped, kind, count=int(np.prod(shape)), offset=offset).reshape(shape)
        for name, (kind, shape, offset) in head["arrays"].items()
    }
    return Snapshot(path, tuple(head["made_of"]), len(mapped), HashIndex(arrays, head["categories"]))


def _flush_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
