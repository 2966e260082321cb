"""Who asks, and for what: a client by its address, a person or a program."""

from __future__ import annotations

from ipaddress import ip_address
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aiohttp import web


def client(request: web.Request) -> str:
    """Return the address of who asks; behind a proxy on this machine the last one that the proxy wrote down.

    The addresses before the last are whatever the client sent.
    """
    peer = request.remote or ""
    forwarded = request.headers.getall("X-Forwarded-For", [])
    if forwarded and _is_local(peer):
        return forwarded[-1].rpartition(",")[2].strip()
    return peer


def _is_local(peer: str) -> bool:
    try:
        return not peer or ip_address(peer.partition("%")[0]).is_loopback
    except ValueError:
        return False


def wants_html(request: web.Request) -> bool:
    """Whether a person asks. Mastodon names text/html, too, behind what it would rather have."""
    accepted = request.headers.get("Accept", "")
    return "text/html" in accepted and "activity+json" not in accepted and "ld+json" not in accepted
