"""The options that tests of the lab share, and the stage that they are run on."""

from __future__ import annotations

from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from ipaddress import ip_network
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar
from urllib.parse import urlsplit

import click

from relay.cli.problems import Problem, Status
from relay.domain import hosts
from relay.domain.errors import Malformed

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator, Callable, Sequence
    from ipaddress import IPv4Network, IPv6Network

    from aiohttp.abc import AbstractResolver

    from relay.ports import Canonicalizer
    from relay.services.lab.stage import Stage

    Network = IPv4Network | IPv6Network

F = TypeVar("F", bound="Callable[..., Any]")

FORMATS: Final = ("text", "json", "junit", "tap", "earl", "markdown")
_LOOPBACK: Final = (ip_network("127.0.0.0/8"), ip_network("::1/128"))
_LABELS: Final = ("one", "two", "three", "four", "five", "six")
_FILE: Final = click.Path(path_type=Path, dir_okay=False)


@dataclass(frozen=True, slots=True)
class StageOptions:
    """What a test is told about its surroundings.

    `timeout` in seconds, for each thing that should happen; `quiet`, after which what did not happen is taken not to.
    """

    listen: str = "127.0.0.1:0"
    urls: tuple[str, ...] = ()
    tls_cert: Path | None = None
    tls_key: Path | None = None
    ca: Path | None = None
    private: tuple[Network, ...] = ()
    timeout: float = 20.0
    quiet: float = 1.5
    hostile: bool = False
    seed: str = ""
    resolver: AbstractResolver | None = None
    canonicalizer: Canonicalizer | None = None

    def told(self) -> list[str]:
        """Return what a report says of it."""
        told = [f"timeout {self.timeout:g} seconds"]
        told += ["hostile"] if self.hostile else []
        return told + ([f"seed {self.seed}"] if self.seed else [])


@dataclass(frozen=True, slots=True)
class Part:
    """A server that a test needs. `path` is where its own actor is, `software` what its NodeInfo names."""

    path: str = "/actor"
    software: str = "assay-lab"


def stage_options(command: F) -> F:
    """Add the options of `StageOptions`, and those of the report; see `stage_options_of`."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def _networks(_ctx: click.Context, _param: click.Parameter, value: Sequence[str]) -> tuple[Network, ...]:
    try:
        return tuple(ip_network(text) for text in value)
    except ValueError as error:
        raise click.BadParameter(f"{error}: write 10.0.0.0/8 or fd00::/8") from error


def _urls(_ctx: click.Context, _param: click.Parameter, value: Sequence[str]) -> tuple[str, ...]:
    try:
        return tuple(hosts.origin(text.replace("*", "x", 1)) and text.rstrip("/") for text in value)
    except Malformed as error:
        raise click.BadParameter(f"{error} Write https://lab.example or https://*.lab.example.") from error


_OPTIONS: Final = (
    click.option(
        "--listen",
        metavar="HOST:PORT",
        default="127.0.0.1:0",
        show_default=True,
        help="Where the lab's own servers listen; port 0 takes free ones.",
    ),
    click.option(
        "--url",
        "urls",
        multiple=True,
        metavar="URL",
        callback=_urls,
        help="Where the tested server reaches them: one for each server of the test, or one with `*` for a name in "
        "front. By default the addresses that are listened at, for servers on this machine.",
    ),
    click.option(
        "--tls-cert",
        type=_FILE,
        metavar="FILE",
        help="Certificate (PEM) to listen with; without it plain http.",
    ),
    click.option("--tls-key", type=_FILE, metavar="FILE", help="Its key, if it is in a file of its own."),
    click.option(
        "--ca", type=_FILE, metavar="FILE", help="An authority (PEM) to trust besides those of the system."
    ),
    click.option(
        "--allow-private",
        "private",
        multiple=True,
        metavar="CIDR",
        callback=_networks,
        help="A private network that may be reached. This machine may, when the tested server is on it.",
    ),
    click.option(
        "--timeout",
        type=click.FloatRange(0.1, 600),
        default=20,
        show_default=True,
        metavar="SECONDS",
        help="How long to wait for each thing that should happen.",
    ),
    click.option("--hostile", is_flag=True, help="Also what attackers and unlucky networks do."),
    click.option(
        "--seed", default="", metavar="TEXT", help="Makes chance, and the pictures, come out the same."
    ),
    click.option(
        "--format",
        "form",
        type=click.Choice(FORMATS),
        default="text",
        show_default=True,
        help="The form of the report.",
    ),
    click.option(
        "--out",
        type=_FILE,
        metavar="FILE",
        help="Write the report to a file and say only the grade; text becomes Markdown there.",
    ),
)


@asynccontextmanager
async def on_stage(options: StageOptions, target: str, parts: Sequence[Part]) -> AsyncIterator[Stage]:
    """Open the stage with these servers, and listen. Raises `Problem`, `BadParameter`; see `StageOptions`."""
    from relay.adapters.system import SystemClock
    from relay.cli.serving import listening
    from relay.web.lab.stage import StagePages
    from relay.wiring.lab import Building, Surroundings, open_stage

    clock, pages, tls = SystemClock(), StagePages(), _tls(options)
    host, port = _address(options.listen)
    urls = _spread(options.urls, len(parts))
    outside = Surroundings(
        clock=clock,
        seed=options.seed or clock.new_id(),
        private=private_networks(options, target),
        ca_file=options.ca,
        timeout=options.timeout,
        resolver=options.resolver,
        canonicalizer=options.canonicalizer,
    )
    async with AsyncExitStack() as stack:
        try:
            for place in range(1 if urls else len(parts)):
                wanted = port + place if port else 0
                at = await stack.enter_async_context(listening(pages.app(), host, wanted, tls=tls))
                if not options.urls:
                    urls.append(_own_url(host, at, is_secure=tls is not None))
        except OSError as error:
            message = f"cannot listen at {options.listen}: {error.strerror}"
            raise Problem(message, code="port-taken", status=Status.UNAVAILABLE) from error
        buildings = [Building(url, one.path, one.software) for url, one in zip(urls, parts, strict=True)]
        stage = await stack.enter_async_context(open_stage(buildings, outside))
        pages.stage = stage
        yield stage


def _spread(given: Sequence[str], count: int) -> list[str]:
    """Return a URL for each server; none when none was given."""
    if len(given) == 1 and "*" in given[0]:
        return [given[0].replace("*", label, 1) for label in _LABELS[:count]]
    if given and (len(given) < count or len({hosts.origin(url) for url in given}) < len(given)):
        message = f"this test needs {count} servers: give --url {count} times, or once with `*`"
        raise click.BadParameter(message, param_hint="--url")
    if len({urlsplit(url).scheme for url in given}) > 1:
        raise click.BadParameter("all of them have to be http or all https", param_hint="--url")
    return list(given[:count])


def _own_url(host: str, port: int, *, is_secure: bool) -> str:
    """The URL of a listener of ours: a certificate for this machine names localhost."""
    if is_secure:
        return f"https://localhost:{port}" if _is_here(f"http://{host}") else f"https://{host}:{port}"
    return f"http://{host}:{port}"


def private_networks(options: StageOptions, target: str) -> tuple[Network, ...]:
    """Return the private networks that may be reached: those named, and this machine when the target is on it."""
    return (*options.private, *(_LOOPBACK if _is_here(target) else ()))


def _is_here(url: str) -> bool:
    """Whether a URL is one of this machine."""
    name = urlsplit(url if "://" in url else f"https://{url}").hostname or ""
    return name == "localhost" or name.startswith("127.") or name == "::1"


def _address(text: str) -> tuple[str, int]:
    host, separator, port = text.rpartition(":")
    if not separator or not port.isdigit() or int(port) > 65535:
        raise click.BadParameter("write HOST:PORT, such as 127.0.0.1:8090", param_hint="--listen")
    return host.strip("[]"), int(port)


def _tls(options: StageOptions) -> ssl.SSLContext | None:
    if options.tls_cert is None:
        return None
    import ssl

    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(options.tls_cert, options.tls_key)
    except OSError as error:
        raise click.BadParameter(f"{options.tls_cert}: {error}", param_hint="--tls-cert") from error
    return context
