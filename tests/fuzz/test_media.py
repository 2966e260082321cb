"""The short form of the fuzz run over media: damaged files of every format through the real sandbox."""

from __future__ import annotations

from tests.fuzz import media

FILES = 400


async def test_damaged_media_of_every_format_neither_hang_nor_leak_nor_crash_the_relay() -> None:
    result = await media.run(0, FILES)
    assert result.faults == []
    assert sum(result.answers.values()) == FILES
    assert set(result.answers) > {"whole", "corrupt", "truncated"}


def test_the_same_number_gives_the_same_file() -> None:
    assert media.damaged(7) == media.damaged(7)
    assert media.damaged(7) != media.damaged(8)
