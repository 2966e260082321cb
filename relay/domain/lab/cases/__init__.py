"""Every case of the lab, by code: 0xx documents, 1xx issuers, 2xx carriers, 3xx verifiers.

A number is given once. A case that is no longer tested leaves its number unused.
"""

from __future__ import annotations

from itertools import chain
from operator import attrgetter
from typing import TYPE_CHECKING, Final

from relay.domain.lab.cases.carrier import CARRIER
from relay.domain.lab.cases.document import DOCUMENT
from relay.domain.lab.cases.issuer import ISSUER
from relay.domain.lab.cases.verifier import VERIFIER

if TYPE_CHECKING:
    from collections.abc import Mapping

    from relay.domain.lab.model import Case

TABLES: Final = (DOCUMENT, ISSUER, CARRIER, VERIFIER)
CASES: Final[Mapping[str, Case]] = {
    case.code: case for case in sorted(chain(*TABLES), key=attrgetter("code"))
}
"""In the order of their numbers."""
