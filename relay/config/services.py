"""Hash services in the configuration: which keys each kind needs, and what it may send away."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final, Literal
from urllib.parse import urlsplit

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from relay.config.fields import Duration, Secret, Share, WebAddress, written
from relay.config.scanners import FETCHED, ScannerSettings
from relay.domain.hashservice import networks_of

if TYPE_CHECKING:
    from collections.abc import Mapping

_LISTS: Final = frozenset({"file", "builtin"})
"""Keys that only a list has."""
TIMEOUT: Final = timedelta(seconds=15)
ANSWERS_LAST: Final = timedelta(days=1)
_SHARED: Final = frozenset({"url", "attest", "per_second", "timeout", "answers_last"})


@dataclass(frozen=True, slots=True)
class Kind:
    """What a kind of service is: its keys besides the shared ones, what it cannot do without, and its defaults.

    `sends` says what can leave: `hashes`, `media`, or either. `purpose` is what the public reads when the operator
    wrote nothing: no names of services, whose terms may ask for other words.
    """

    keys: frozenset[str]
    needs: tuple[str, ...]
    sends: frozenset[str]
    url: str | None = None
    per_second: int | None = 5
    purpose: str = "to find pictures that are known to show the sexual abuse of children"
    category: str = "csam"


KINDS: Final[Mapping[str, Kind]] = {
    "photodna": Kind(
        frozenset({"key", "send", "hasher"}),
        ("key",),
        frozenset({"hashes", "media"}),
        "https://api.microsoftmoderator.com/photodna/v1.0",
    ),
    "arachnid": Kind(
        frozenset({"user", "password", "send"}),
        ("user", "password"),
        frozenset({"hashes", "media"}),
        "https://shield.projectarachnid.com",
    ),
    "safer": Kind(frozenset({"key", "send"}), ("key",), frozenset({"media"}), "https://api.thehive.ai"),
    "hma": Kind(
        frozenset({"key", "banks", "categories"}),
        ("url",),
        frozenset({"hashes"}),
        per_second=None,
        category="known",
    ),
    "classifier": Kind(
        frozenset({"key", "threshold", "send"}),
        ("url",),
        frozenset({"media"}),
        per_second=None,
        purpose="to find pictures that a person should look at",
        category="suspected",
    ),
}


class ServiceSettings(ScannerSettings):
    """One scanner: a hash list, or a hash service with the operator's own credentials."""

    url: WebAddress | None = Field(
        default=None,
        description=(
            "Address of the service or keeper. Needed for `hma` and `classifier`; the others have one by default, "
            "which for `ncmec-hashes` is its test environment."
        ),
    )
    key: Secret | None = Field(
        default=None,
        min_length=1,
        repr=False,
        description=(
            "Key of a service, best as `file:PATH` or `env:NAME`. For `hma` and `classifier` it is sent as a bearer "
            "token, for what you put before them; for `stopncii` it is the subscription key, for `threatexchange` the "
            "access token."
        ),
    )
    user: Secret | None = Field(
        default=None, min_length=1, repr=False, description="User of `arachnid` or `ncmec-hashes`."
    )
    password: Secret | None = Field(
        default=None,
        min_length=1,
        repr=False,
        description="Password of `arachnid` or `ncmec-hashes`, best as `file:PATH`.",
    )
    send: Literal["hashes", "media"] | None = Field(
        default=None,
        description=(
            "What leaves this machine. Without it only hashes do; `media` sends the files themselves, and has to be "
            "written where a service works with nothing else."
        ),
    )
    hasher: tuple[str, ...] = Field(
        default=(),
        description="Command for `photodna` that makes a hash of the file on its input: the licensed library is yours.",
    )
    banks: tuple[str, ...] = Field(
        default=(), description="Banks of `hma` that are asked; without it all are."
    )
    categories: dict[str, str] = Field(
        default={},
        description="Category of the matches of a bank of `hma`, such as `{OURS: ncii}`; others get `category`.",
    )
    threshold: Share = Field(
        default=written("80%"), description="Score of `classifier` from which on something is a match."
    )
    attest: bool = Field(
        default=False,
        description="Attest what this service did not find. Only with the service's written consent.",
    )
    per_second: int | None = Field(
        default=None,
        ge=1,
        le=1000,
        description="Questions a second at most; by default 5, and any number for `hma` and `classifier`.",
    )
    timeout: Duration | None = Field(
        default=None,
        description="How long an answer may take; by default 15 seconds, 60 for a keeper of lists.",
    )
    answers_last: Duration | None = Field(
        default=None,
        description="How long an answer stands if the service does not tell that its list grew; 1 day by default.",
    )

    @property
    def is_service(self) -> bool:
        """Whether this is a service, not a list."""
        return self.kind in KINDS

    @property
    def shown_purpose(self) -> str:
        """What the public reads about it."""
        if self.purpose is not None:
            return self.purpose
        if self.kind in KINDS:
            return KINDS[self.kind].purpose
        return "test pictures that harm nobody, to show that checking works"

    @property
    def address(self) -> str:
        """Where the service is."""
        return self.url or KINDS[self.kind].url or ""

    @model_validator(mode="after")
    def _service(self) -> ServiceSettings:
        if self.kind in FETCHED:
            return self
        own = set(ServiceSettings.model_fields) - set(ScannerSettings.model_fields)
        kind = KINDS.get(self.kind)
        allowed = kind.keys | _SHARED if kind else frozenset[str]()
        foreign = sorted((self.model_fields_set & (own | (_LISTS if kind else set()))) - allowed)
        if foreign:
            named = " and ".join(f"`{key}`" for key in foreign)
            raise _wrong("C316", f"{named} does not belong to a scanner of kind {self.kind}", "Remove it.")
        if kind:
            self._check(kind)
        return self

    def _check(self, kind: Kind) -> None:
        lacking = [key for key in kind.needs if getattr(self, key) is None]
        if lacking:
            cause = f"a scanner of kind {self.kind} needs `{'` and `'.join(lacking)}`"
            raise _wrong("C317", cause, "Write for example key: env:NAME, or password: file:PATH")
        parts = urlsplit(self.address)
        if parts.scheme != "https" and not networks_of(parts.hostname or ""):
            raise _wrong("C318", "keys and hashes must not leave in plain text", "Write https://…")
        sends_hashes = "hashes" in kind.sends and (self.kind != "photodna" or self.hasher)
        if not sends_hashes and self.send != "media":
            cause = f"a scanner of kind {self.kind} sends the files themselves to {parts.hostname}"
            fix = "Write send: media if that is what you want"
            fix += ", or name your hasher." if self.kind == "photodna" else "."
            raise _wrong("C319", cause, fix)
        if self.attest and self.kind == "classifier":
            raise _wrong("C320", "what a classifier says cannot be attested", "Remove `attest`.")


def _wrong(
    code: Literal["C316", "C317", "C318", "C319", "C320"], cause: str, fix: str
) -> PydanticCustomError:
    return PydanticCustomError(code, "{cause}", {"cause": cause, "fix": fix})
