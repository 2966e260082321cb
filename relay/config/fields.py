"""Types of configuration values: how each is written, read and described in the JSON Schema.

Readers raise `ValueError("is not …; write …")`; `relay.config.load` puts the offending text before it and
makes the part after the semicolon the fix. Paths and secrets need to know where the file lies and what the
environment is; `load` passes a `Place` as validation context, without one they stay as written.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeAlias
from urllib.parse import urlsplit

from pydantic import BeforeValidator, PlainSerializer, PlainValidator, ValidationInfo, WithJsonSchema
from pydantic_core import PydanticCustomError

from relay.config.quantities import (
    Address,
    read_address,
    read_count,
    read_duration,
    read_rate,
    read_share,
    read_size,
)
from relay.config.servers import NotAServer, read_server
from relay.domain.errors import Malformed
from relay.domain.hosts import is_http_url, origin
from relay.domain.lab.testing import is_lab_list
from relay.domain.rates import Rate
from relay.domain.software import PATTERN

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

MAX_SECRET_BYTES: Final = 64 * 1024
"""Largest secret file that is read."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a configuration is read: the directory that relative paths start from, and the environment."""

    directory: Path
    environ: Mapping[str, str] = field(default_factory=dict)


def _schema(example: str, *kinds: str) -> WithJsonSchema:
    return WithJsonSchema({"type": list(kinds) if len(kinds) > 1 else kinds[0], "examples": [example]})


def _reader(read: Callable[[object], object]) -> PlainValidator:
    """A validator that leaves alone what is already of the value's own type."""

    def validate(value: object) -> object:
        own = isinstance(value, Address | Rate | timedelta | ipaddress.IPv4Network | ipaddress.IPv6Network)
        return value if own else read(value)

    return PlainValidator(validate)


def _network(value: object) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    try:
        return ipaddress.ip_network(str(value))
    except ValueError:
        raise ValueError("is not a network; write for example 127.0.0.0/8") from None


def _server(value: object) -> object:
    try:
        return read_server(value) if isinstance(value, str) else value
    except NotAServer as problem:
        code = problem.code.replace("P", "C")
        raise PydanticCustomError(code, "{cause}", {"cause": str(problem), "fix": problem.fix}) from None


def _issuer(value: object) -> object:
    return value if is_http_url(value) else _server(value)


def _origin(value: object) -> object:
    """A URL without path: actor ids are built from it, so it must be in one form only (RFC 6454 6.2)."""
    wrong = "is not a web address; write for example https://relay.example"
    try:
        found = origin(value) if isinstance(value, str) else ""
    except Malformed:
        found = ""
    if not found or not isinstance(value, str):
        raise ValueError(wrong)
    parts = urlsplit(value)
    if parts.path not in {"", "/"} or parts.query or parts.fragment:
        raise ValueError(f"has a path; write {found}")
    return found


def _accepted_list(value: object) -> object:
    """The id of a hash list; those of the lab attest nothing (domain/lab/testing.py)."""
    if not isinstance(value, str) or not value:
        raise ValueError("is not the id of a list; write for example https://relay.example/lists/1")
    if is_lab_list(value):
        raise PydanticCustomError(
            "C309",
            "{cause}",
            {
                "cause": "a list of the lab must not be accepted",
                "fix": "Test attestations name it: take it out.",
            },
        )
    return value


def _url(value: object) -> object:
    if not is_http_url(value):
        raise ValueError("is not a web address; write for example https://lists.example/blocks.csv")
    return value


def _software(value: object) -> object:
    if not isinstance(value, str) or not PATTERN.fullmatch(value):
        raise ValueError("is not a software as NodeInfo names it; write for example spamd or spamd/1.*")
    return value


def _path(value: object, info: ValidationInfo) -> object:
    if isinstance(value, Path):
        value = str(value)
    if not isinstance(value, str) or not value:
        raise ValueError("is not a path; write for example ./data")
    return info.context.directory / value if isinstance(info.context, Place) else Path(value)


def _secret(value: object, info: ValidationInfo) -> object:
    """The secret itself for `file:PATH` and `env:NAME`; any other text is the secret."""
    if not isinstance(value, str) or not isinstance(info.context, Place):
        return value
    kind, _, name = value.partition(":")
    if kind == "env":
        if name not in info.context.environ:
            raise ValueError(f"names a variable that is not set; set {name} in the environment")
        return info.context.environ[name]
    if kind == "file":
        return _secret_file(info.context.directory / name)
    return value


def _secret_file(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(MAX_SECRET_BYTES).decode().rstrip("\r\n")
    except (OSError, UnicodeDecodeError):
        raise ValueError("cannot be read; see that the file exists and that this user may read it") from None


def written(text: str) -> Any:
    """A default as people write it; the field's own reader makes the value of it."""
    return text


def _written(value: object) -> str:
    return str(value)


ByteSize: TypeAlias = Annotated[int, BeforeValidator(read_size), _schema("16 MiB", "string")]
"""Bytes, written `16 MiB`."""

Duration: TypeAlias = Annotated[timedelta, _reader(read_duration), _schema("14 days", "string")]
"""A length of time, written `14 days`."""

Count: TypeAlias = Annotated[int, BeforeValidator(read_count), _schema("100 million", "string", "integer")]
"""A number of things, written `100 million` or as a number."""

Share: TypeAlias = Annotated[float, BeforeValidator(read_share), _schema("1%", "string")]
"""A number from 0 to 1, written `1%`."""

Listen: TypeAlias = Annotated[
    Address, _reader(read_address), PlainSerializer(_written), _schema("127.0.0.1:8080", "string")
]
"""Where to listen, written `127.0.0.1:8080`."""

Network: TypeAlias = Annotated[
    ipaddress.IPv4Network | ipaddress.IPv6Network,
    _reader(_network),
    PlainSerializer(_written),
    _schema("127.0.0.0/8", "string"),
]
"""A network, written `127.0.0.0/8`."""

Server: TypeAlias = Annotated[str, BeforeValidator(_server)]
"""A server name in lower-case A-labels; `*.example` covers subdomains."""

RateLimit: TypeAlias = Annotated[
    Rate | None, _reader(read_rate), PlainSerializer(_written), _schema("300 per minute", "string")
]
"""How often something may happen, written `300 per minute`; None for `unlimited`."""

WebAddress: TypeAlias = Annotated[
    str, BeforeValidator(_url), _schema("https://lists.example/blocks.csv", "string")
]
"""An http or https URL."""

SoftwareName: TypeAlias = Annotated[str, BeforeValidator(_software)]
"""A software as NodeInfo names it, with a pattern for the version or without: `spamd/1.*`."""

Issuer: TypeAlias = Annotated[str, BeforeValidator(_issuer)]
"""An actor id (a web address) or a server name."""

AcceptedList: TypeAlias = Annotated[str, BeforeValidator(_accepted_list)]
"""The id of a hash list that attestations may name."""

Origin: TypeAlias = Annotated[str, BeforeValidator(_origin)]
"""A web address without path, in its shortest form and without a slash at the end."""

FilePath: TypeAlias = Annotated[Path, BeforeValidator(_path)]
"""A path; relative ones start at the configuration file."""

Secret: TypeAlias = Annotated[str, BeforeValidator(_secret)]
"""Text that may be kept elsewhere: `file:PATH` or `env:NAME`."""
