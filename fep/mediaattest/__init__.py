"""Media Attestation JWT v1: statements that media was checked and that no known match was found.

Synchronous and pure: time, randomness and documents come from the caller; nothing is fetched, logged or
stored. `verify` answers with a value for every input; exceptions are for a caller's own mistakes.
"""

from mediaattest.data_url import from_data_url, is_compact_jws, to_data_url
from mediaattest.digest import digest_of, from_multibase, is_hash, to_multibase
from mediaattest.documents import Claims, claims_in
from mediaattest.explain import EXPLANATIONS, Explanation, explain
from mediaattest.header import HEADER_NAME, format_header, parse_header
from mediaattest.issue import issue
from mediaattest.keys import describe_key, find_key
from mediaattest.model import (
    DEFAULT_LIFETIME,
    MAX_LIFETIME,
    Attestation,
    Check,
    IssuerClass,
    IssuerKey,
    Medium,
    Status,
    StatusReference,
    Step,
    Unverified,
    Verdict,
    Verification,
)
from mediaattest.multikey import decode_multikey, encode_multikey
from mediaattest.origin import origin_of
from mediaattest.status_list import STATUS_LIST_TYPE, StatusList, read_status_list, write_status_list
from mediaattest.verify import CLOCK_SKEW, unverified, verify

__all__ = [
    "CLOCK_SKEW",
    "DEFAULT_LIFETIME",
    "EXPLANATIONS",
    "HEADER_NAME",
    "MAX_LIFETIME",
    "STATUS_LIST_TYPE",
    "Attestation",
    "Check",
    "Claims",
    "Explanation",
    "IssuerClass",
    "IssuerKey",
    "Medium",
    "Status",
    "StatusList",
    "StatusReference",
    "Step",
    "Unverified",
    "Verdict",
    "Verification",
    "claims_in",
    "decode_multikey",
    "describe_key",
    "digest_of",
    "encode_multikey",
    "explain",
    "find_key",
    "format_header",
    "from_data_url",
    "from_multibase",
    "is_compact_jws",
    "is_hash",
    "issue",
    "origin_of",
    "parse_header",
    "read_status_list",
    "to_data_url",
    "to_multibase",
    "unverified",
    "verify",
    "write_status_list",
]
