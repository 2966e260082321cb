"""The few places where the core meets the world. Comments state guarantees, not mechanics."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from relay.domain.media import Decoded, Digests, ScanResult, Undecodable


class Clock(Protocol):
    """Time, chance and names. Everything above the core takes them from here, so a test can drive them."""

    def now(self) -> float:
        """Seconds since the Unix epoch. May jump when the machine's clock is set."""

    def monotonic(self) -> float:
        """Seconds that never go backwards, for intervals."""

    def jitter(self) -> float:
        """A number in [0, 1), evenly distributed."""

    def new_id(self) -> str:
        """An unguessable name, 128 bits, safe in URLs."""

    def token(self, size: int) -> bytes:
        """`size` bytes from the system's cryptographic generator."""

    async def sleep(self, seconds: float) -> None:
        """Return after `seconds` by this clock."""


class Decoder(Protocol):
    """Turns untrusted bytes into perceptual hashes in a process that can be killed.

    Guarantees: returns within its time limit plus a second; no input, however hostile, raises, blocks the
    loop or takes the calling process down; a worker that dies is replaced. Safe for concurrent calls.
    """

    async def decode(self, content: bytes) -> Decoded | Undecodable:
        """Hash every frame that counts, or say why not."""


class Scanner(Protocol):
    """Answers whether bytes match something known. A failure is `unavailable`, never raised, never clean."""

    @property
    def name(self) -> str:
        """The name in the configuration; part of every result."""

    @property
    def version(self) -> str:
        """Changes whenever the same question may get another answer."""

    @property
    def attests(self) -> bool:
        """Whether the operator may attest what this scanner found clean."""

    async def scan(self, digests: Digests, decoded: Decoded | Undecodable) -> ScanResult:
        """Look the item up. The result's `versions` holds this scanner's version at the time of asking."""
