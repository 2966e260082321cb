"""What a hash service is asked, and where one may be."""

from __future__ import annotations

from ipaddress import ip_network

import pytest

from relay.domain.hashservice import INSIDE, Question, ServiceState, networks_of
from relay.domain.media import Decoded, FrameHash
from relay.domain.screening import digests_of

TURNED = tuple(bytes([number]) * 32 for number in range(8))


def test_every_orientation_of_every_frame_that_says_something_once() -> None:
    good = FrameHash(TURNED[0], 50, TURNED, b"\0" * 8)
    poor = FrameHash(b"\xff" * 32, 49, (b"\xff" * 32,) * 8, b"\0" * 8)
    decoded = Decoded("image/gif", 10, 10, (good, poor, good))
    assert Question(digests_of(b""), decoded).hashes == TURNED


@pytest.mark.parametrize(
    ("host", "networks"),
    [
        ("hma", INSIDE),
        ("localhost", INSIDE),
        ("HMA.internal.", INSIDE),
        ("hma.example", ()),
        ("127.0.0.1", (ip_network("127.0.0.1"),)),
        ("10.1.2.3", (ip_network("10.1.2.3"),)),
        ("::1", (ip_network("::1"),)),
        ("169.254.169.254", ()),
        ("192.0.2.1", ()),
    ],
)
def test_where_a_service_may_be(host: str, networks: tuple[object, ...]) -> None:
    assert networks_of(host) == networks


def test_failing_until_it_answers_again() -> None:
    assert not ServiceState("a", "hma", 0.0).failing
    assert ServiceState("a", "hma", 0.0, error_at=1.0).failing
    assert ServiceState("a", "hma", 0.0, error_at=2.0, answered_at=1.0).failing
    assert not ServiceState("a", "hma", 0.0, error_at=1.0, answered_at=1.0).failing
