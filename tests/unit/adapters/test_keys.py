"""Key files: made once, whole, and for their owner only."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_public_key,
)

from relay.adapters.keys import KeyFolder, SlowKeyWarning, UnsafeKeyFileError, public_pem, write_private

if TYPE_CHECKING:
    from pathlib import Path

AUGUST = 1_785_542_400.0  # 2026-08-01 00:00 UTC
JULY = AUGUST - 1


def _rsa_pem(bits: int) -> bytes:
    key = generate_private_key(public_exponent=65537, key_size=bits)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def test_the_main_key_is_made_once(tmp_path: Path) -> None:
    keys = KeyFolder(tmp_path)
    first = keys.main()
    assert (first.private.key_size, first.private.public_key().public_numbers().e) == (2048, 65537)
    assert first.pem.startswith(b"-----BEGIN PRIVATE KEY-----\n")
    assert KeyFolder(tmp_path).main().pem == first.pem
    assert [file.name for file in tmp_path.iterdir()] == ["main-key.pem"]
    assert stat.S_IMODE((tmp_path / "main-key.pem").stat().st_mode) == 0o600


def test_what_is_derived_from_the_main_key_stays_the_same_and_differs_by_purpose(tmp_path: Path) -> None:
    keys = KeyFolder(tmp_path)
    first = keys.derived("one")
    assert (len(first), keys.derived("one"), KeyFolder(tmp_path).derived("one")) == (32, first, first)
    assert keys.derived("two") != first
    (tmp_path / "main-key.pem").unlink()
    assert keys.derived("one") != first


def test_the_public_key_is_spki(tmp_path: Path) -> None:
    main = KeyFolder(tmp_path).main()
    assert main.public_pem.startswith("-----BEGIN PUBLIC KEY-----\n")
    assert load_pem_public_key(main.public_pem.encode()) == main.private.public_key()
    edwards = Ed25519PrivateKey.generate().public_key()
    assert load_pem_public_key(public_pem(edwards).encode()) == edwards


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o660, 0o666, 0o602])
def test_a_file_that_others_can_use_stops_the_start(tmp_path: Path, mode: int) -> None:
    keys = KeyFolder(tmp_path)
    keys.main()
    keys.add(now=AUGUST)
    for name in ("main-key.pem", "att-2026-08.pem"):
        (tmp_path / name).chmod(mode)
    with pytest.raises(UnsafeKeyFileError, match=rf"main-key\.pem .*{mode:04o}.*chmod 600"):
        keys.main()
    with pytest.raises(UnsafeKeyFileError, match=r"att-2026-08\.pem"):
        keys.attestation(now=AUGUST)


def test_a_large_main_key_is_used_with_a_warning(tmp_path: Path) -> None:
    write_private(tmp_path / "main-key.pem", _rsa_pem(3072))
    with pytest.warns(SlowKeyWarning, match="3072 bits"):
        assert KeyFolder(tmp_path).main().private.key_size == 3072


@pytest.mark.parametrize("content", ["garbage", "small", "ed25519", "locked", "empty"])
def test_a_file_that_is_not_such_a_key(tmp_path: Path, content: str) -> None:
    edwards = Ed25519PrivateKey.generate()
    texts = {
        "garbage": b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
        "small": _rsa_pem(1024),
        "ed25519": edwards.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
        "locked": edwards.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"x")),
        "empty": b"",
    }
    for name in ("main-key.pem", "att-2026-08.pem"):
        write_private(tmp_path / name, texts[content])
    with pytest.raises(ValueError, match=r"main-key\.pem: "):
        KeyFolder(tmp_path).main()
    if content != "ed25519":
        with pytest.raises(ValueError, match=r"att-2026-08\.pem: "):
            KeyFolder(tmp_path).attestation(now=AUGUST)


def test_attestation_keys(tmp_path: Path) -> None:
    keys = KeyFolder(tmp_path)
    (first,) = keys.attestation(now=JULY)
    assert (first.name, len(first.public_raw)) == ("att-2026-07", 32)
    # A new month does not make a new key by itself: rotation is somebody's decision.
    assert [key.name for key in keys.attestation(now=AUGUST)] == ["att-2026-07"]
    second = keys.add(now=AUGUST)
    third = keys.add(now=AUGUST, taken={"att-2026-08-2"})
    assert third.name == "att-2026-08-3"
    (tmp_path / "att-2026-13.pem").write_text("not a month")
    (tmp_path / "att-2026-08.pem.bak").write_text("not ours")
    found = keys.attestation(now=AUGUST)
    assert [(key.name, key.public_raw) for key in found] == [
        ("att-2026-08-3", third.public_raw),
        ("att-2026-08", second.public_raw),
        ("att-2026-07", first.public_raw),
    ]
    assert stat.S_IMODE((tmp_path / "att-2026-08.pem").stat().st_mode) == 0o600
    for name in ("att-2026-08", "att-2026-08", "main-key", "att-2026-13"):
        keys.remove(name)
    assert [key.name for key in keys.attestation(now=AUGUST)] == ["att-2026-08-3", "att-2026-07"]
    assert (tmp_path / "att-2026-13.pem").exists()


def test_a_key_is_never_replaced(tmp_path: Path) -> None:
    file = tmp_path / "main-key.pem"
    write_private(file, b"first")
    with pytest.raises(FileExistsError):
        write_private(file, b"second")
    assert (file.read_bytes(), [path.name for path in tmp_path.iterdir()]) == (b"first", ["main-key.pem"])


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    keys = KeyFolder(tmp_path / "missing")
    with pytest.raises(FileNotFoundError):
        keys.main()
    with pytest.raises(FileNotFoundError):
        keys.attestation(now=AUGUST)
