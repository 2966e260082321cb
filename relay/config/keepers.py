"""Lists that somebody else keeps in the configuration: which keys each kind of keeper needs, and where it is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Final, Literal
from urllib.parse import urlsplit

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from relay.config.fields import Duration, Secret
from relay.config.scanners import ScannerSettings
from relay.config.services import ServiceSettings
from relay.domain.hashservice import networks_of

if TYPE_CHECKING:
    from collections.abc import Mapping

REFRESH: Final = timedelta(hours=6)
PAGE_TIMEOUT: Final = timedelta(seconds=60)
TEST_HOSTS: Final = frozenset({"exttest.cybertip.org", "hashsharing-test.ncmec.org", "betalesp.ncmec.org"})
"""NCMEC's test environments: what is on their lists is made up."""
_SHARED: Final = frozenset({"url", "refresh", "timeout"})


@dataclass(frozen=True, slots=True)
class KeeperKind:
    """What a kind of keeper is: its keys besides the shared ones, what it cannot do without, where it is by default.

    The default of NCMEC is its test environment: production is used only when it is written.
    """

    keys: frozenset[str]
    needs: tuple[str, ...]
    url: str


KEEPERS: Final[Mapping[str, KeeperKind]] = {
    "ncmec-hashes": KeeperKind(
        frozenset({"user", "password", "members"}),
        ("user", "password"),
        "https://exttest.cybertip.org/hashsharing",
    ),
    "stopncii": KeeperKind(
        frozenset({"key", "function_key"}), ("key", "function_key"), "https://api.stopncii.org/v1"
    ),
    "threatexchange": KeeperKind(
        frozenset({"key", "privacy_group", "tags"}),
        ("key", "privacy_group", "category"),
        "https://graph.facebook.com/v24.0",
    ),
}


class KeeperSettings(ServiceSettings):
    """One scanner: a hash list of yours or one that somebody keeps, or a hash service."""

    function_key: Secret | None = Field(
        default=None,
        min_length=1,
        repr=False,
        description="Second key of `stopncii`, for `FetchHashes`: each of its functions has one of its own.",
    )
    members: tuple[Annotated[int, Field(ge=0)], ...] = Field(
        default=(),
        description=(
            "Members of `ncmec-hashes` whose entries are taken, by number; without it all are. Take It Down is "
            "a member of the list for organisations."
        ),
    )
    privacy_group: int | None = Field(default=None, ge=1, description="Privacy group of `threatexchange`.")
    tags: tuple[str, ...] = Field(
        default=(), description="Take only what somebody in `threatexchange` gave one of these tags."
    )
    refresh: Duration | None = Field(
        default=None,
        description=(
            "How often a list that somebody keeps is fetched, by default every 6 hours; never more often than every "
            "10 minutes."
        ),
    )

    @property
    def is_fetched(self) -> bool:
        """Whether this is a list that somebody else keeps."""
        return self.kind in KEEPERS

    @property
    def address(self) -> str:
        """Where the service or the keeper is."""
        return self.url or KEEPERS[self.kind].url if self.kind in KEEPERS else super().address

    @property
    def is_trial(self) -> bool:
        """Whether this list is fetched from a keeper's test environment."""
        return self.kind == "ncmec-hashes" and urlsplit(self.address).hostname in TEST_HOSTS

    @property
    def list_category(self) -> str:
        """Category of a list's entries that name none."""
        if self.category is not None:
            return self.category
        if self.kind == "stopncii":
            return "ncii"
        if self.kind == "ncmec-hashes":
            exploitative = "exploitative" in urlsplit(self.address).path
            return "test" if self.is_trial else "sexual-exploitation" if exploitative else "csam"
        return "benign" if self.kind == "benign" else "known"

    @model_validator(mode="after")
    def _keeper(self) -> KeeperSettings:
        own = set(KeeperSettings.model_fields) - set(ScannerSettings.model_fields)
        kind = KEEPERS.get(self.kind)
        if kind is None:
            own -= set(ServiceSettings.model_fields)
        allowed = kind.keys | _SHARED if kind else frozenset[str]()
        files = {"file", "builtin"} if kind else set[str]()
        foreign = sorted((self.model_fields_set & (own | files)) - allowed)
        if foreign:
            named = " and ".join(f"`{key}`" for key in foreign)
            raise _wrong("C316", f"{named} does not belong to a scanner of kind {self.kind}", "Remove it.")
        if kind:
            self._check_keeper(kind)
        return self

    def _check_keeper(self, kind: KeeperKind) -> None:
        lacking = [key for key in kind.needs if getattr(self, key) is None]
        if lacking:
            cause = f"a scanner of kind {self.kind} needs `{'` and `'.join(lacking)}`"
            fix = "Write for example key: env:NAME, password: file:PATH, or category: known"
            raise _wrong("C317", cause, fix)
        parts = urlsplit(self.address)
        if parts.scheme != "https" and not networks_of(parts.hostname or ""):
            raise _wrong("C318", "keys and hashes must not leave in plain text", "Write https://…")
        if self.kind == "stopncii" and self.list_category not in {"ncii", "test"}:
            cause = "what StopNCII knows are pictures of adults, and nobody has reviewed them"
            raise _wrong("C325", cause, "Write category: ncii, or leave it out.")


def _wrong(code: Literal["C316", "C317", "C318", "C325"], cause: str, fix: str) -> PydanticCustomError:
    return PydanticCustomError(code, "{cause}", {"cause": cause, "fix": fix})


CANARY: Final = KeeperSettings(name="canary", kind="list", builtin="canary")
"""The scanner that is asked when the configuration names none."""
