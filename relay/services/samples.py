"""What held posts say, as plain text, for a person who has to tell spam from the rest: never media, never markup."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from relay.domain import strictjson
from relay.domain.errors import Malformed
from relay.domain.waves.wording import plain

if TYPE_CHECKING:
    from relay.domain.intake import Hold

LONGEST: Final = 500
"""Characters of one sample."""
_ENTITIES: Final = {"amp": "&", "lt": "<", "gt": ">", "quot": '"', "#39": "'", "apos": "'", "nbsp": " "}
_ENTITY: Final = re.compile(r"&(amp|lt|gt|quot|#39|apos|nbsp);")


def sample(hold: Hold) -> str:
    """The first words of a held post; empty when its activity holds none."""
    try:
        activity = strictjson.loads(hold.body)
    except Malformed:
        return ""
    post = activity.get("object") if isinstance(activity, dict) else None
    if not isinstance(post, dict):
        return ""
    text = _ENTITY.sub(lambda found: _ENTITIES[found[1]], plain(post))
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"
