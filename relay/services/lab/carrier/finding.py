"""How the relay is found: its actor, WebFinger, NodeInfo, and what it says of itself (ATT-200 to 203)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from relay.domain import hosts, strictjson
from relay.domain.attachments import flat
from relay.domain.errors import Malformed, RelayError, RemoteError
from relay.domain.lab.model import Outcome
from relay.protocol.actors import parse_actor
from relay.protocol.discovery import nodeinfo_address, software_in
from relay.protocol.documents import PROFILE
from relay.protocol.identity import ACCEPT, check_content_type
from relay.services.lab.carrier.scene import RelayFound

if TYPE_CHECKING:
    from relay.services.lab.carrier.scene import Scene

LIMIT: Final = 256 * 1024
_UNREACHABLE: Final = frozenset({"unreachable", "timeout", "tls", "blocked-address"})
_ANY_JSON: Final = "application/jrd+json, application/json"


async def find(scene: Scene, url: str) -> RelayFound | None:
    """Find the relay that `url` names: its actor, its inbox, or its origin. None when there is no actor to be had.

    Raises `RemoteError` when the server cannot be reached at all: then there is nothing to report on.
    """
    document = await _actor(scene, url)
    if document is None:
        return None
    try:
        actor = parse_actor(document)
    except Malformed as error:
        scene.note(200, Outcome.FAILED, f"The actor document cannot be used: {error}")
        return None
    fault = [] if actor.keys else ["The actor document has no public key of its own."]
    scene.judge(200, fault, f"{actor.id} is of type {actor.type}, its inbox is {actor.inbox}.")
    await _webfinger(scene, actor.id, actor.preferred_username)
    await _nodeinfo(scene, actor.id)
    claims = _claims(scene, document)
    return RelayFound(actor.id, actor.inbox, document, claims)


async def _actor(scene: Scene, url: str) -> Mapping[str, object] | None:
    """Fetch the actor: where the URL says, where WebFinger says, or where relays have it."""
    faults = []
    for address in dict.fromkeys([url, f"{hosts.origin(url)}/actor", f"{hosts.origin(url)}/relay"]):
        try:
            document = await _json(scene, address, ACCEPT)
        except RemoteError as error:
            if error.code in _UNREACHABLE:
                raise
            faults.append(f"{address}: {error}.")
            continue
        if "inbox" in document and "id" in document:
            return document
        faults.append(f"{address}: this is no actor document.")
    scene.note(200, Outcome.FAILED, " ".join(faults))
    return None


async def _webfinger(scene: Scene, actor_id: str, name: str | None) -> None:
    if name is None:
        scene.note(
            201, Outcome.FAILED, "The actor has no preferredUsername, so nobody can look for it by name."
        )
        return
    account = f"acct:{name}@{hosts.server_name(actor_id)}"
    address = f"{hosts.origin(actor_id)}/.well-known/webfinger?resource={quote(account, safe='')}"
    try:
        found = await _json(scene, address, _ANY_JSON)
    except RelayError as error:
        scene.note(201, Outcome.FAILED, f"{account} is not found: {error}.")
        return
    links = [link for link in flat(found.get("links")) if isinstance(link, Mapping)]
    own = {str(link.get("href")) for link in links if link.get("rel") == "self"}
    fault = (
        []
        if actor_id in own
        else [f"`self` of {account} is {', '.join(sorted(own)) or 'missing'}, not {actor_id}."]
    )
    scene.judge(201, fault, f"{account} is {actor_id}.")


async def _nodeinfo(scene: Scene, actor_id: str) -> None:
    try:
        links = await _json(scene, f"{hosts.origin(actor_id)}/.well-known/nodeinfo", _ANY_JSON)
        address = nodeinfo_address(links)
        software = None if address is None else software_in(await _json(scene, address, _ANY_JSON))
    except RelayError as error:
        scene.note(202, Outcome.FAILED, f"There is no NodeInfo: {error}.")
        return
    fault = [] if software else ["The link document leads to no NodeInfo that names the software."]
    scene.judge(
        202, fault, f"It is {software.name} {software.version or ''}".strip() + "." if software else ""
    )


def _claims(scene: Scene, document: Mapping[str, object]) -> bool:
    """Whether the actor says that it keeps to the profile (FEP-844e)."""
    generator, endpoints = document.get("generator"), document.get("endpoints")
    names = flat(generator.get("implements")) if isinstance(generator, Mapping) else ()
    hrefs = {one.get("href", one.get("id")) if isinstance(one, Mapping) else one for one in names}
    claims = PROFILE in hrefs
    lookup = endpoints.get("mediaAttestation") if isinstance(endpoints, Mapping) else None
    told = f"The lookup is {lookup}." if lookup else "It names no lookup."
    fault = [] if claims else [f"`generator.implements` does not name {PROFILE}."]
    scene.judge(203, fault, f"It names the profile. {told}")
    return claims or lookup is not None


async def _json(scene: Scene, url: str, accept: str) -> Mapping[str, object]:
    """Fetch a JSON object without a signature. Raises `RemoteError`."""
    remote = scene.stage.outgoing.remote
    fetched = await remote.get(url, accept=accept, limit=LIMIT, timeout=scene.patience)
    if accept == ACCEPT and not check_content_type(fetched.content_type):
        kind = fetched.content_type or "without a type"
        raise RemoteError(f"the answer is {kind}, not ActivityPub", code="bad-type", temporary=False)
    try:
        found = strictjson.loads(fetched.body)
    except Malformed as error:
        raise RemoteError(str(error), code="bad-document", temporary=False) from error
    if not isinstance(found, dict):
        raise RemoteError("the answer is not a JSON object", code="bad-document", temporary=False)
    return found
