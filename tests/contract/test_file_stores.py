"""Media as other servers keep them: every store lists and reads alike, and nothing is ever changed."""

from __future__ import annotations

import asyncio
import os
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Protocol

import pytest

from relay.adapters.filestores.folder import FolderStore
from relay.adapters.filestores.s3 import S3Store, read_place
from relay.domain.errors import StoreTrouble
from relay.domain.storescan import StoredFile
from tests.contract.buckets import BUCKET, Bucket, bucket, credentials

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from relay.ports.storescan import FileStore

NAMES = (
    "a-first.png",
    "a.b/deep/er/one.png",
    "a/one.png",
    "a/two and more.png",
    "b/größe.png",
    "media_attachments/files/110/original/x.jpg",
)
LIMIT = 100_000


class Filled(Protocol):
    """A store with some files in it."""

    def __call__(self, *names: str) -> FileStore: ...


@pytest.fixture(scope="module")
def server() -> Iterator[Bucket]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ACCESS_KEY_ID", "tester")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "not a secret")
        with bucket() as opened:
            yield opened


@pytest.fixture
def s3(server: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bucket:
    credentials(monkeypatch, tmp_path)
    server.empty()
    server.line.breaks = 0
    return server


def opened(s3: Bucket, prefix: str = "", **more: Any) -> S3Store:
    return S3Store(BUCKET, prefix, at_once=2, endpoint=more.pop("endpoint", s3.endpoint), **more)


@pytest.fixture(params=["folder", "s3"])
def filled(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Filled]:
    with ExitStack() as stack:

        def fill(*names: str) -> FileStore:
            if request.param == "s3":
                server: Bucket = request.getfixturevalue("s3")
                for name in names:
                    server.put(name, name.encode())
                return opened(server)
            root = tmp_path / "media"
            for name in names:
                path = root / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(name.encode())
            return stack.enter_context(FolderStore(root, at_once=2))

        yield fill


async def names_of(store: FileStore, after: str | None = None) -> list[str]:
    return [file.name async for file in store.files(after)]


async def test_everything_is_listed_once_and_read(filled: Filled) -> None:
    store = filled(*NAMES)
    found = [file async for file in store.files(None)]
    assert {file.name for file in found} == set(NAMES)
    assert len(found) == len(NAMES)
    for file in found:
        assert await store.read(file, LIMIT) == file.name.encode()
        assert file.size == len(file.name.encode())
        assert file.trouble is None
        assert file.changed_at > 1_700_000_000
        assert store.place_of(file.name).endswith(f"/{file.name}")


async def test_listing_goes_on_behind_any_name_also_one_that_is_gone(filled: Filled) -> None:
    store = filled(*NAMES)
    whole = await names_of(store)
    for place, name in enumerate(whole, 1):
        assert await names_of(store, name) == whole[place:]
    assert await names_of(store, "zzz") == []
    assert await names_of(store, "a/one.zzz") == whole[whole.index("a/one.png") + 1 :]


async def test_a_file_that_is_gone_or_too_large_is_told(filled: Filled) -> None:
    store = filled("a/one.png")
    [file] = [file async for file in store.files(None)]
    with pytest.raises(StoreTrouble) as large:
        await store.read(file, 3)
    with pytest.raises(StoreTrouble) as gone:
        await store.read(StoredFile("a/other.png", 1, 0.0), LIMIT)
    assert [(one.value.code, one.value.temporary) for one in (large, gone)] == [
        ("too-large", False),
        ("gone", False),
    ]


# -------------------------------------------------------------------- folders


async def test_no_link_leads_out_of_a_folder(tmp_path: Path) -> None:
    root, secret = tmp_path / "media", tmp_path / "secret"
    (root / "a").mkdir(parents=True)
    secret.mkdir()
    (secret / "x.png").write_bytes(b"not ours")
    (root / "file").symlink_to(secret / "x.png")
    (root / "folder").symlink_to(secret)
    os.mkfifo(root / "pipe")
    with FolderStore(root, at_once=1) as store:
        found = {file.name: file async for file in store.files(None)}
        assert {name: file.trouble for name, file in found.items()} == {
            "file": "link",
            "folder": "link",
            "pipe": "not-a-file",
        }
        for name, why in (
            ("file", "link"),
            ("folder/x.png", "gone"),
            ("pipe", "not-a-file"),
            ("../secret/x.png", "gone"),
        ):
            with pytest.raises(StoreTrouble) as error:
                await store.read(StoredFile(name, 1, 0.0), LIMIT)
            assert error.value.code in {why, "link"}, name


async def test_a_folder_that_becomes_a_link_meanwhile_leads_nowhere(tmp_path: Path) -> None:
    root, secret = tmp_path / "media", tmp_path / "secret"
    (root / "a").mkdir(parents=True)
    secret.mkdir()
    (root / "a/x.png").write_bytes(b"ours")
    (secret / "x.png").write_bytes(b"not ours")
    with FolderStore(root, at_once=1) as store:
        [file] = [file async for file in store.files(None)]
        (root / "a").rename(tmp_path / "moved")
        (root / "a").symlink_to(secret)
        with pytest.raises(StoreTrouble):
            await store.read(file, LIMIT)


async def test_reading_changes_nothing_not_even_when_it_was_read_last(tmp_path: Path) -> None:
    root = tmp_path / "media"
    root.mkdir()
    path = root / "x.png"
    path.write_bytes(b"content")
    os.utime(path, (1_000_000_000, 1_000_000_000))
    with FolderStore(root, at_once=1) as store:
        async for file in store.files(None):
            await store.read(file, LIMIT)
    assert (path.stat().st_atime, path.stat().st_mtime) == (1_000_000_000, 1_000_000_000)
    assert [one.name for one in root.iterdir()] == ["x.png"]


async def test_a_single_file_and_names_that_are_no_text(tmp_path: Path) -> None:
    odd = os.fsdecode(b"\xff\xfe.png")
    (tmp_path / odd).write_bytes(b"odd")
    (tmp_path / "other.png").write_bytes(b"other")
    with FolderStore(tmp_path, at_once=1) as store:
        assert set(await names_of(store)) == {odd, "other.png"}
        assert await store.read(StoredFile(odd, 3, 0.0), LIMIT) == b"odd"
    with FolderStore(tmp_path / "other.png", at_once=1) as store:
        [file] = [file async for file in store.files(None)]
        assert (file.name, await store.read(file, LIMIT)) == ("other.png", b"other")


async def test_listings_side_by_side_are_whole_each(tmp_path: Path) -> None:
    """One that counts runs beside the one that hands out: a descriptor that they share would part the names."""
    for number in range(2_000):
        (tmp_path / f"{number:04}").touch()

    async def count() -> int:
        return len([file async for file in store.files(None)])

    with FolderStore(tmp_path, at_once=1) as store:
        for _ in range(10):
            assert await asyncio.gather(count(), count(), count()) == [2_000] * 3


async def test_a_folder_that_vanishes_stops_the_scan_and_one_below_is_told(tmp_path: Path) -> None:
    root = tmp_path / "media"
    for name in ("a", "b"):
        (root / name).mkdir(parents=True)
        (root / name / "x.png").write_bytes(b"x")
    with FolderStore(root, at_once=1) as store:
        found = []
        async for file in store.files(None):
            found.append((file.name, file.trouble))
            if file.name == "a/x.png":
                (root / "b/x.png").unlink()
                (root / "b").rmdir()
        assert found == [("a/x.png", None), ("b/", "gone")]
        (root / "b").mkdir()
        (root / "b/y.png").write_bytes(b"y")
        assert await names_of(store, "b/") == ["b/y.png"]


# -------------------------------------------------------------------- S3


async def test_only_what_begins_with_the_prefix_and_no_marks_of_folders(s3: Bucket) -> None:
    for name in ("files/a.png", "files/b.png", "other/c.png", "files/empty/"):
        s3.put(name, b"x")
    assert await names_of(opened(s3, "files/")) == ["files/a.png", "files/b.png"]
    assert await names_of(opened(s3, "none/")) == []


async def test_a_bucket_with_more_than_a_page_is_listed_page_by_page(s3: Bucket) -> None:
    for number in range(10):
        s3.put(f"{number:05}", b"x")
    assert await names_of(opened(s3, page=3)) == [f"{number:05}" for number in range(10)]
    assert await names_of(opened(s3, page=2), "00006") == ["00007", "00008", "00009"]


async def test_an_answer_that_breaks_off_is_asked_for_again(s3: Bucket) -> None:
    content = os.urandom(50_000)
    s3.put("x.png", content, ContentType="image/png")
    file = StoredFile("x.png", len(content), 0.0)
    s3.line.breaks = 2
    assert await opened(s3).read(file, LIMIT) == content
    s3.line.breaks = 100
    with pytest.raises(StoreTrouble) as error:
        await opened(s3).read(file, LIMIT)
    assert (error.value.code, error.value.temporary) == ("unreachable", True)


async def test_an_object_that_grew_is_not_read_to_its_end(s3: Bucket) -> None:
    s3.put("x.png", bytes(300_000))
    with pytest.raises(StoreTrouble) as error:
        await opened(s3).read(StoredFile("x.png", 10, 0.0), LIMIT)
    assert error.value.code == "too-large"


async def test_a_server_that_does_not_answer_is_told_and_can_be_asked_again(
    s3: Bucket, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async def failing(store: S3Store) -> StoreTrouble:
        with pytest.raises(StoreTrouble) as error:
            await names_of(store)
        assert error.value.temporary
        return error.value

    assert (await failing(S3Store("no-such", "", at_once=1, endpoint=s3.endpoint))).code == "no-bucket"
    with pytest.raises(StoreTrouble) as error:
        opened(s3, profile="nobody")
    assert error.value.code == "no-credentials"
    with pytest.raises(StoreTrouble):
        opened(s3, endpoint="no address")
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    told = await failing(opened(s3))
    assert told.code == "no-credentials"
    assert "AWS_ACCESS_KEY_ID" in str(told)
    (tmp_path / "aws-credentials").write_text(
        "[media]\naws_access_key_id = tester\naws_secret_access_key = other\n"
    )
    assert await names_of(opened(s3, profile="media")) == []


@pytest.mark.parametrize("wrong", ["s3:///x", "s3://", "https://bucket/x", "s3://me:secret@bucket/x"])
def test_what_is_no_bucket_is_refused(wrong: str) -> None:
    with pytest.raises(ValueError, match="s3://bucket"):
        read_place(wrong)
    assert read_place("s3://media/a/b c#d") == ("media", "a/b c#d")
