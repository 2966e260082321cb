"""A certificate authority for the length of a demo, and a certificate for each of its servers."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

LIFETIME: Final = timedelta(days=1)
_AUTHORITY: Final = "Assay demo authority"


@dataclass(frozen=True, slots=True)
class Authority:
    """An authority that made one certificate for each name; nobody but the demo trusts it. Files in `folder`."""

    folder: Path

    @property
    def ca_file(self) -> Path:
        """The authority's own certificate, for whoever is to trust it."""
        return self.folder / "ca.pem"

    def server_side(self, name: str) -> ssl.SSLContext:
        """Return what the server of that name listens with."""
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(self.folder / f"{name}.pem")
        return context


def make_authority(folder: Path, names: Iterable[str], now: float) -> Authority:
    """Make an authority and the certificates of `names` in `folder`, which exists. `now`: seconds since 1970."""
    authority, key = Authority(folder), ec.generate_private_key(ec.SECP256R1())
    since = datetime.fromtimestamp(now, UTC) - timedelta(hours=1)
    ca = _builder(_AUTHORITY, key, since)
    ca = ca.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    ca = ca.add_extension(_usage(signs_certificates=True), critical=True)
    authority.ca_file.write_bytes(ca.sign(key, SHA256()).public_bytes(Encoding.PEM))
    issuer = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    for name in names:
        own = ec.generate_private_key(ec.SECP256R1())
        leaf = _builder(name, own, since)
        leaf = leaf.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        leaf = leaf.add_extension(_usage(signs_certificates=False), critical=True)
        leaf = leaf.add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        leaf = leaf.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        # RFC 5280 4.2.1.1: path building goes by it
        by = x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(issuer)
        leaf = leaf.add_extension(by, critical=False)
        _write(folder / f"{name}.pem", own, leaf.sign(key, SHA256()))
    return authority


def _builder(subject: str, key: ec.EllipticCurvePrivateKey, since: datetime) -> x509.CertificateBuilder:
    return x509.CertificateBuilder(
        issuer_name=_named(_AUTHORITY),
        subject_name=_named(subject),
        public_key=key.public_key(),
        serial_number=x509.random_serial_number(),
        not_valid_before=since,
        not_valid_after=since + LIFETIME,
    ).add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)


def _named(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _write(file: Path, key: ec.EllipticCurvePrivateKey, certificate: x509.Certificate) -> None:
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    file.touch(mode=0o600)
    file.write_bytes(pem + certificate.public_bytes(Encoding.PEM))
