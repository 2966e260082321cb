"""The cases about one document."""

from __future__ import annotations

from typing import Final

from relay.domain.lab.model import Case, Level, Role

DOCUMENT: Final[tuple[Case, ...]] = (
    Case(
        code="ATT-001",
        role=Role.DOCUMENT,
        title="The attestation is a data URL that holds a compact JWS.",
        clauses=("F-02", "F-03", "F-04", "F-05"),
        level=Level.MUST,
        advice="Write `data:application/jwt,` and the token, without padding, white space or escapes.",
    ),
    Case(
        code="ATT-020",
        role=Role.DOCUMENT,
        title="The attestation is one string.",
        clauses=("P-05",),
        level=Level.SHOULD,
        advice="Write a string and not an array: some software reads nothing else.",
    ),
)
