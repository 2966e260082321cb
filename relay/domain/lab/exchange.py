"""A request of the lab and the whole answer to it, as it is shown to people."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from relay.domain.lab.model import Evidence

_SHOWN: Final = 2000
"""Characters of a body that are shown."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """What was asked (`method`, `url`) and answered. `headers` are in the order received, with lower-case names.

    `whole`: the body was not cut. `seconds` is how long the answer took.
    """

    method: str
    url: str
    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    seconds: float
    whole: bool = True

    def header(self, name: str) -> str:
        """The value of a header field, its lines joined; empty without one (RFC 9110 5.3)."""
        return ", ".join(value for key, value in self.headers if key == name)

    @property
    def media_type(self) -> str:
        """The media type of the body without parameters, in lower case (RFC 9110 8.3.1)."""
        return self.header("content-type").partition(";")[0].strip().lower()

    def evidence(self, label: str) -> Evidence:
        """The exchange for a report."""
        text = self.body.decode("utf-8", "replace")
        shown = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
        lines = (f"{name}: {value}" for name, value in self.headers)
        head = "\n".join((f"{self.method} {self.url}", "", str(self.status), *lines))
        return Evidence(label, f"{head}\n\n{shown}".rstrip())
