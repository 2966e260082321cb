"""Who takes part in the demo."""

from __future__ import annotations

from typing import Final

RELAY: Final = "relay.test"
PHOTOS, BLOG, CLUB = SERVERS = ("photos.test", "blog.test", "club.test")
"""The servers: photos.test attests its own pictures, club.test speaks litepub, the others mastodon."""

OPEN: Final = frozenset({BLOG})
"""Servers that chose the profile `open`: they take media that could not be checked; the others are strict."""

AUTHORS: Final = {PHOTOS: "paula", BLOG: "bruno", CLUB: "clara"}
