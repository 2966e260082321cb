"""Builds the world of a demo in a folder: a relay with an operator's own configuration, three servers around it."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key

from relay.cli.demo.actors import DemoActor
from relay.cli.demo.certificates import make_authority
from relay.cli.demo.loopback import ADDRESS, LoopbackResolver, client, free_ports
from relay.cli.demo.names import AUTHORS, CLUB, PHOTOS, RELAY, SERVERS
from relay.cli.demo.pictures import make_pictures
from relay.cli.demo.server import DemoServer
from relay.cli.serving import listening, running
from relay.cli.setup import make_keys
from relay.config.default_policy import DEFAULT_POLICY
from relay.config.load import load
from relay.domain.subscription import Dialect
from relay.wiring import Outside

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from pathlib import Path

    from relay.cli.demo.pictures import Pictures
    from relay.ports import Clock
    from relay.wiring import Relay

POLICY_FILE: Final = "policy.yaml"
_RULE: Final = """\
  - name: Broken picture
    when: {media: image, scan: unscannable}
    then: drop
    reason: broken-picture
"""
CANARY: Final = "  - {name: canary, kind: list, builtin: canary}\n"
_LISTS: Final = f"""\
scanners:
{CANARY}  - name: demo
    kind: list
    file: list.csv
    category: demo
    purpose: One picture made by arithmetic, to show what a match does.
    country: any
"""
_BEFORE: Final = "  - {name: Cannot be hashed"
_CONFIG: Final = """\
relay:
  url: {url}
  listen: {address}:{port}
  name: Assay demo
  description: A relay for the length of a demo.
  data: data
admin:
  listen: {address}:{admin}
federation:
  subscriptions: open
  private_addresses: [127.0.0.0/8]     # the demo's servers are on this machine
{scanners}attestation:
  trusted: [{issuer}]
  withhold: 0%                         # a demo must come out the same every time
policy: {{file: {policy}}}
"""


@dataclass(frozen=True, slots=True)
class World:
    """What runs: the relay, the servers by name, and the folder with everything they keep."""

    relay: Relay
    servers: Mapping[str, DemoServer]
    pictures: Pictures
    clock: Clock
    folder: Path
    admin: str

    @property
    def url(self) -> str:
        """The relay's origin."""
        return self.relay.office.identity.url


def demo_policy() -> str:
    """Return the policy of the demo: the built-in one, and a rule that drops pictures nobody could show."""
    return DEFAULT_POLICY.replace(_BEFORE, _RULE + _BEFORE, 1)


@asynccontextmanager
async def open_world(
    folder: Path, clock: Clock, *, scanners: str = _LISTS, policy: str | None = None
) -> AsyncIterator[World]:
    """Build the world in `folder`, which exists and is empty, and let it run until the `async with` is left.

    `scanners` is that section of the configuration, with what may stand behind it; `policy` is the text of its policy.
    """
    port, admin, *ports = free_ports(2 + len(SERVERS))
    url = f"https://{RELAY}:{port}"
    origins = {name: f"https://{name}:{at}" for name, at in zip(SERVERS, ports, strict=True)}
    authority = make_authority(folder, [RELAY, *SERVERS], clock.now())
    resolver = LoopbackResolver([RELAY, *SERVERS])
    pictures, keys = await asyncio.gather(asyncio.to_thread(make_pictures), _rsa_keys(2 * len(SERVERS)))
    people = {
        name: _people(name, origins[name], keys[place], keys[place + len(SERVERS)])
        for place, name in enumerate(SERVERS)
    }
    issuer = people[PHOTOS][0].id
    settings = {
        "url": url,
        "address": ADDRESS,
        "port": port,
        "admin": admin,
        "issuer": issuer,
        "scanners": scanners,
    }
    (folder / "list.csv").write_text(pictures.hash_list)
    (folder / POLICY_FILE).write_text(policy or demo_policy())
    (folder / "config.yaml").write_text(_CONFIG.format(**settings, policy=POLICY_FILE))
    configuration = load(folder / "config.yaml", {}, clock.now()).require()
    await asyncio.to_thread(make_keys, configuration.settings)
    async with AsyncExitStack() as stack:
        make_client = partial(client, clock=clock, resolver=resolver, ca_file=authority.ca_file)
        remotes = {name: await stack.enter_async_context(make_client(name)) for name in SERVERS}
        tasks = await stack.enter_async_context(asyncio.TaskGroup())
        servers = {
            name: DemoServer(
                site=people[name][0],
                author=people[name][1],
                dialect=Dialect.LITEPUB if name == CLUB else Dialect.MASTODON,
                relay=url,
                remote=remotes[name],
                clock=clock,
                trusted=frozenset({f"{url}/actor", issuer}),
                tasks=tasks,
            )
            for name in SERVERS
        }
        for name, at in zip(SERVERS, ports, strict=True):
            serving = listening(servers[name].app(), ADDRESS, at, tls=authority.server_side(name))
            await stack.enter_async_context(serving)
        outside = Outside(clock, resolver=resolver, ca_file=authority.ca_file)
        tls = authority.server_side(RELAY)
        relay = await stack.enter_async_context(running(configuration, outside=outside, tls=tls))
        yield World(relay, servers, pictures, clock, folder, f"http://{ADDRESS}:{admin}")


def _people(name: str, url: str, site: RSAPrivateKey, author: RSAPrivateKey) -> tuple[DemoActor, DemoActor]:
    """Return a server's own actor and its author."""
    path = "/relay" if name == CLUB else "/actor"  # FEP-ae0c: the id of a LitePub client ends with /relay
    issues = Ed25519PrivateKey.generate() if name == PHOTOS else None
    who = AUTHORS[name]
    return (
        DemoActor(url, path, "Application", "relay" if name == CLUB else name, site, issues),
        DemoActor(url, f"/users/{who}", "Person", who, author),
    )


async def _rsa_keys(count: int) -> list[RSAPrivateKey]:
    make = partial(generate_private_key, public_exponent=65537, key_size=2048)
    return await asyncio.gather(*(asyncio.to_thread(make) for _ in range(count)))
