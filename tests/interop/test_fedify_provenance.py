"""What Fedify signed inside of documents, checked by the part of the relay that decides what may be forwarded."""

from __future__ import annotations

import json
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

import pytest

from relay.adapters.canonical.pool import CanonicalProcesses
from relay.adapters.sql.sqlite import SqliteStore
from relay.cli.demo.actors import HandSigner
from relay.domain.activity import parse_activity
from relay.services.blocks import Blocks
from relay.services.fetch import Fetcher
from relay.services.keyring import KeyRing
from relay.services.provenance import Proven, Provenance, Unproven
from relay.services.signing import Signing
from tests.fakes import ACTIVITY, FakeClock, FakeFediverse, rsa_key
from tests.interop.actors import RELAY, Author
from tests.interop.test_fedify_documents import ALICE, MALLORY, create, forged, mastodon_like

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from relay.adapters.system import SystemClock
    from tests.interop.oracle import Oracle


@pytest.fixture
async def provenance(tmp_path: Path, clock: SystemClock) -> AsyncIterator[Provenance]:
    """The relay's check, with keys from a server that has Alice and Mallory."""
    time = FakeClock(clock.now())
    remote = FakeFediverse(time)
    for one in (ALICE, MALLORY):
        remote.server("social.test").serve(
            one.id.removeprefix("https://social.test"), one.document(), ACTIVITY
        )
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(SqliteStore(tmp_path / "relay.sqlite"))
        canonicalizer = await stack.enter_async_context(CanonicalProcesses(workers=1))
        signing = Signing(HandSigner(f"{RELAY}/actor#main-key", rsa_key(0)), remote, time)
        fetcher = Fetcher(signing=signing, store=store, clock=time)
        keys = KeyRing(store=store, fetcher=fetcher, clock=time, blocks=Blocks(()), allow_http=False)
        yield Provenance(keys=keys, canonicalizer=canonicalizer, clock=time)


async def check(provenance: Provenance, document: dict[str, Any]) -> Proven | Unproven:
    return await provenance.check(parse_activity(json.dumps(document).encode()))


def signed(oracle: Oracle, kind: str, document: dict[str, Any], by: Author = ALICE) -> dict[str, Any]:
    """The document as Fedify signs it: `ld` or `proof`."""
    key, key_id = (by.rsa_pem, by.key_id) if kind == "ld" else (by.ed25519_pem, by.proof_key_id)
    made: dict[str, Any] = oracle.ask(f"sign_{kind}", document=document, key=key, key_id=key_id)
    return made


@pytest.mark.parametrize("kind", ["ld", "proof"])
@pytest.mark.parametrize("document", [create(), mastodon_like()], ids=["plain", "mastodon"])
async def test_we_accept_what_fedify_signed(
    oracle: Oracle, provenance: Provenance, document: dict[str, Any], kind: str
) -> None:
    found = await check(provenance, signed(oracle, kind, document))
    assert isinstance(found, Proven), found
    assert (found.actor, found.by, found.same) == (ALICE.id, kind, True)
    assert found.activity.object_id == document["object"]["id"]


@pytest.mark.parametrize("kind", ["ld", "proof"])
async def test_we_notice_what_was_changed(oracle: Oracle, provenance: Provenance, kind: str) -> None:
    found = await check(provenance, forged(signed(oracle, kind, create())))
    assert isinstance(found, Unproven)
    assert found.code.endswith("mismatch")


@pytest.mark.parametrize("kind", ["ld", "proof"])
async def test_we_do_not_take_mallory_for_alice(oracle: Oracle, provenance: Provenance, kind: str) -> None:
    found = await check(provenance, signed(oracle, kind, create(), MALLORY))
    assert isinstance(found, Unproven), found
