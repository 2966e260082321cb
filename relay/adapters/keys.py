"""The relay's private keys: files in the data folder, readable by their owner only.

`main-key.pem`      RSA-2048, PKCS8: the `#main-key` that signs requests. Every server's trust hangs on it.
`att-YYYY-MM.pem`   Ed25519, PKCS8: signs attestations from that month on, `#att-YYYY-MM` of the actor. A second one of
                    a month is `att-YYYY-MM-2.pem`.

A key is on the disk, synchronised, before anybody can publish it. Files are created with mode 0600, and a
file that others can read stops the start: it may have been copied, which only the operator can judge.
"""

from __future__ import annotations

import hmac
import os
import stat
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkstemp
from typing import TYPE_CHECKING
from warnings import warn

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from relay.adapters.signing import load_rsa
from relay.domain.attestkey import key_age, new_key_name

if TYPE_CHECKING:
    from collections.abc import Collection

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey

MAIN_KEY = "main-key.pem"


class UnsafeKeyFileError(PermissionError):
    """Others can use a key file. The text says how to mend it."""


class SlowKeyWarning(UserWarning):
    """The main key works, and is much slower than it need be."""


@dataclass(frozen=True, slots=True)
class MainKey:
    """The RSA key, loaded, and its PEM for a process that loads it again."""

    private: RSAPrivateKey
    pem: bytes

    @property
    def public_pem(self) -> str:
        """For `publicKeyPem` in the actor document."""
        return public_pem(self.private.public_key())


@dataclass(frozen=True, slots=True)
class AttestationKey:
    """An Ed25519 key; `name` (`att-2026-08`) is the fragment of its id."""

    name: str
    private: Ed25519PrivateKey

    @property
    def public_raw(self) -> bytes:
        """The 32 bytes of the public key, for a Multikey (RFC 8032 5.1.5)."""
        return self.private.public_key().public_bytes_raw()


@dataclass(frozen=True, slots=True)
class KeyFolder:
    """The keys in `path`, which exists.

    Every method raises `UnsafeKeyFileError`, OSError, or ValueError (not such a key), naming the file.
    """

    path: Path

    def main(self) -> MainKey:
        """The RSA key, created if there is none. Warns (`SlowKeyWarning`) if it is larger than 2048 bits."""
        file = self.path / MAIN_KEY
        if not file.exists():
            _create(file, generate_private_key(public_exponent=65537, key_size=2048))
        pem = _read_private(file)
        try:
            key = load_rsa(pem)
        except (ValueError, TypeError) as error:
            raise ValueError(f"{file.name}: {error}") from error
        if key.key_size < 2048:
            raise ValueError(f"{file.name}: {key.key_size} bits are not safe any more, 2048 are needed")
        if key.key_size > 2048:
            # design/performance: RSA-4096 signs 250 times a second, RSA-2048 3,900 times.
            warn(f"{file.name} has {key.key_size} bits: each delivery is signed slowly", SlowKeyWarning, 2)
        return MainKey(key, pem)

    def derived(self, purpose: str) -> bytes:
        """32 bytes for a purpose that nobody makes without the RSA key, the same for as long as there is that key."""
        file = self.path / MAIN_KEY
        pem = _read_private(file) if file.exists() else self.main().pem
        return hmac.digest(pem, purpose.encode(), "sha256")

    def attestation(self, *, now: float) -> tuple[AttestationKey, ...]:
        """Every attestation key there is, newest first.

        Creates the key of the month of `now` (seconds since the Unix epoch, UTC) if there is none at all.
        Keys of a month to come, which a wrong clock made, count like all others.
        """
        names = self._attestation_names()
        if not names:
            return (self.add(now=now),)
        return tuple(self._load_attestation(name) for name in names)

    def add(self, *, now: float, taken: Collection[str] = ()) -> AttestationKey:
        """A new attestation key of the month of `now`, with a name that neither a file nor `taken` has."""
        name = new_key_name(now, {*taken, *self._attestation_names()})
        _create(self.path / f"{name}.pem", Ed25519PrivateKey.generate())
        return self._load_attestation(name)

    def remove(self, name: str) -> None:
        """Delete an attestation key; nothing happens when there is none of that name."""
        if key_age(name) is not None:
            (self.path / f"{name}.pem").unlink(missing_ok=True)

    def _attestation_names(self) -> list[str]:
        stems = (file.stem for file in self.path.iterdir() if file.suffix == ".pem")
        aged = {name: age for name in stems if (age := key_age(name)) is not None}
        return sorted(aged, key=aged.__getitem__, reverse=True)

    def _load_attestation(self, name: str) -> AttestationKey:
        file = self.path / f"{name}.pem"
        try:
            key = load_pem_private_key(_read_private(file), password=None)
        except (ValueError, TypeError) as error:
            raise ValueError(f"{file.name}: {error}") from error
        if not isinstance(key, Ed25519PrivateKey):
            raise ValueError(f"{file.name}: not an Ed25519 key")  # noqa: TRY004 (the file's content is wrong)
        return AttestationKey(name, key)


def public_pem(key: RSAPublicKey | Ed25519PublicKey) -> str:
    """The public key as PEM, SubjectPublicKeyInfo (RFC 5280 4.1.2.7)."""
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode("ascii")


def temporary_pair() -> tuple[str, str]:
    """Make an RSA-2048 key that no file keeps: private (PKCS8) and public (SPKI) PEM."""
    key = generate_private_key(public_exponent=65537, key_size=2048)
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    return private, public_pem(key.public_key())


def write_private(file: Path, content: bytes) -> None:
    """Create `file` with mode 0600, whole or not at all, also over a power cut. FileExistsError if it exists.

    `link` and not `rename`: of two processes that start together one creates the key and the other fails
    instead of replacing a key that may be published already.
    """
    descriptor, partial = mkstemp(prefix=f".{file.name}.", dir=file.parent)  # mode 0600 by its contract
    try:
        with os.fdopen(descriptor, "wb") as sink:
            sink.write(content)
            sink.flush()
            os.fsync(descriptor)
        os.link(partial, file)
    finally:
        Path(partial).unlink()
    folder = os.open(file.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _create(file: Path, key: RSAPrivateKey | Ed25519PrivateKey) -> None:
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    # Another process was faster: then its key is the key.
    with suppress(FileExistsError):
        write_private(file, pem)


def _read_private(file: Path) -> bytes:
    with file.open("rb") as source:
        # On the open file, not on the name: nobody can swap it in between.
        mode = stat.S_IMODE(os.fstat(source.fileno()).st_mode)
        if mode & 0o077:
            raise UnsafeKeyFileError(
                f"{file.name} can be used by others (mode {mode:04o}): chmod 600 it, "
                "and replace the key if somebody may have copied it"
            )
        return source.read()
