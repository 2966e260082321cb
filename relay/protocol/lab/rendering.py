"""A run in the formats that people and programs read.

A SHOULD that is not kept fails nothing in JUnit and TAP, where it would stop somebody's build: it is shown as skipped,
or as a failure that is expected. A MUST of which nothing can be told is an error there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, TypeAlias, get_args

from relay.protocol.lab import report
from relay.protocol.lab.earl import earl
from relay.protocol.lab.junit import junit
from relay.protocol.lab.markdown import markdown
from relay.protocol.lab.tap import tap

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from relay.domain.lab.model import Run

Format: TypeAlias = Literal["json", "junit", "tap", "earl", "markdown"]
FORMATS: Final[tuple[Format, ...]] = get_args(Format)

MEDIA_TYPES: Final[Mapping[Format, tuple[str, str]]] = {
    "json": ("application/json", ".json"),
    "junit": ("application/xml", ".xml"),
    "tap": ("text/plain", ".tap"),
    "earl": ("application/ld+json", ".jsonld"),
    "markdown": ("text/markdown", ".md"),
}
"""Media type and suffix of file names of each format."""

_WRITERS: Final[Mapping[Format, Callable[[Run], str]]] = {
    "json": lambda run: report.dump(run).decode(),
    "junit": junit,
    "tap": tap,
    "earl": earl,
    "markdown": markdown,
}


def render(run: Run, to: Format) -> str:
    """Return a run in a format."""
    return _WRITERS[to](run)
