"""The few places where the core meets the world. Comments state guarantees, not mechanics."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from relay.ports.store import Store, Tx

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from relay.domain.media import Decoded, Digests, ScanResult, Undecodable
    from relay.domain.remote import Fetched, First, Headers, Posted
    from relay.protocol.ldsig import Engine, Reading
    from relay.protocol.unproven import Failure


__all__ = ["Canonicalizer", "Clock", "Decoder", "Remote", "Scanner", "Signer", "Store", "Tx"]


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


class Remote(Protocol):
    """Other servers, reached only through the guarded connector.

    Guarantees: a connection is opened only to an address that the SSRF wall allows, whatever name, literal or
    redirect led there; at most 3 redirects, never from https to http; bodies are cut at the limit, counted
    after decoding; the whole exchange ends within its time limit. Raises `RemoteError` and nothing else.
    Refuses to run while the calling task is inside a `Store` transaction. Safe for concurrent calls.
    """

    async def get(
        self,
        url: str,
        *,
        accept: str,
        limit: int,
        timeout: float,
        sign: Callable[[str], Awaitable[Mapping[str, str]]] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Fetched:
        """Fetch `url`. `sign` gives the headers that sign a GET of the URL it is called with, anew per redirect.

        `headers` are sent besides, such as `If-None-Match`; the answer to that, 304, is not 200 either.

        Any status but 200 raises `RemoteError` with that status; 408, 425, 429 and 5xx are temporary.
        """

    async def post(self, url: str, *, headers: Headers, body: bytes, timeout: float) -> Posted:
        """Send `body` once, without following redirects. Any status is an answer; only no answer raises.

        `headers`, or what makes them: called once there is a connection, and again if that ends before it is used.
        """

    def post_now(
        self,
        url: str,
        *,
        headers: Mapping[str, str],
        body: bytes,
        timeout: float,
        answered: Callable[[First], None],
    ) -> bool:
        """Send as `post` does, if that needs no waiting for anything; return whether it was sent.

        Then `answered` is called once, later, with what `post` would return or raise; or with None when the server
        had ended the connection before it could read: then it is to be sent again.
        """

    def give_up(self) -> None:
        """End what `post_now` sent and is not answered yet: from here on no more of it reaches anybody."""


class Decoder(Protocol):
    """Turns untrusted bytes into perceptual hashes in a process that can be killed.

    Guarantees: returns within its time limit plus a second; no input, however hostile, raises, blocks the
    loop or takes the calling process down; a worker that dies is replaced. Safe for concurrent calls.
    """

    async def decode(self, content: bytes) -> Decoded | Undecodable:
        """Hash every frame that counts, or say why not."""


class Canonicalizer(Protocol):
    """Reads signed Linked Data in a process that can be killed, and puts what it says in order.

    Guarantees: returns within half a second from when a process takes the document, and a second more where one has
    to be started; no input, however hostile, raises, blocks the loop or takes the calling process down; nothing is
    fetched; a process that dies is replaced. Safe for concurrent calls.
    """

    async def read(self, body: bytes, engine: Engine) -> Reading | Failure:
        """Read the document in `body`, which `strictjson` accepts, and the options of its signature."""


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

    @property
    def methods(self) -> Sequence[str]:
        """By what media are compared, as attestations name it: `sha256`, `pdq`. None: nothing is compared."""

    @property
    def asks_others(self) -> bool:
        """Whether a question leaves the relay: it is spared what is known for certain already."""

    async def scan(
        self, digests: Digests, decoded: Decoded | Undecodable, content: bytes | None = None
    ) -> ScanResult:
        """Look the item up. The result's `versions` holds this scanner's version at the time of asking.

        `content` are the bytes: most scanners need none, and only one that the operator allowed it sends them on.
        """


class Signer(Protocol):
    """Signs for one key: RSA PKCS #1 v1.5 with SHA-256, the `rsa-sha256` of HTTP signatures.

    Guarantees: never blocks the loop; the key is loaded once; a batch that loses its worker is signed again
    by another one. Safe for concurrent calls, also when a caller is cancelled. RuntimeError once it is closed
    or if its workers cannot be kept alive: nothing expected, so no `RelayError`.
    """

    @property
    def key_id(self) -> str:
        """The URL under which the public key is published."""

    async def sign_many(self, messages: Sequence[bytes]) -> list[bytes]:
        """The signatures of `messages`, in their order."""
