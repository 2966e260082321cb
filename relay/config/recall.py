"""The keys of recalls."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from relay.config.fields import Duration, written
from relay.config.section import Section


class RecallSettings(Section):
    """Media that comes onto a list after it was relayed. Whatever is chosen but `off`, it does not go out any more."""

    mode: Literal["act", "ask", "off"] = Field(
        default="act",
        description=(
            "What happens when something that was relayed comes onto a hash list. `act`: after `wait` our Announces "
            "are undone and servers that received it are told, but for what only resembles an entry, test lists and "
            "floods: there you are asked. `ask`: you are asked for each. `off`: lists are not compared with what "
            "was relayed; that is made up for when it is on again."
        ),
    )
    wait: Duration = Field(
        default=written("15 minutes"),
        description="How long a recall waits before servers are told: time to undo an import that was a mistake.",
    )
    flood: int = Field(
        default=20,
        ge=1,
        le=100_000,
        description=(
            "An entry that matches in more posts is probably wrong: the recall waits for you. So do all recalls of a "
            "list that are under way when together they are in more."
        ),
    )
    notify: bool = Field(
        default=True,
        description=(
            "Tell servers that received it, with a `Flag` that only they get. Without it only our Announces are undone "
            "and attestations retracted."
        ),
    )
