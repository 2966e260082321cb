"""Hash services: what speaks to one, and how they are doing, for commands that look at a running relay."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from relay.domain.hashservice import Question, ServiceState, Unfit
    from relay.domain.media import Match
    from relay.domain.toolcheck import ToolCheck


class HashService(Protocol):
    """A service, in its own protocol. Raises `RemoteError` for every failure, and for whatever is not documented."""

    @property
    def kind(self) -> str:
        """The `kind` in the configuration."""

    @property
    def methods(self) -> Sequence[str]:
        """By what media are compared, as attestations name it."""

    @property
    def terms(self) -> str:
        """What of the configuration an answer depends on."""

    async def ask(self, question: Question) -> Sequence[Match] | Unfit:
        """Return what matched: nothing if the service says that nothing did."""

    async def list_version(self) -> str | None:
        """Return the version of its list; None when the service does not tell."""


class HashServices(Protocol):
    """The last known state of every service by name, and of tools beside. No question and no answer is kept."""

    async def save(self, state: ServiceState) -> None:
        """Write the state of a service in place of the one before."""

    async def all(self) -> Sequence[ServiceState]:
        """Return the states by name."""

    async def checked(self, check: ToolCheck) -> None:
        """Write what a look at a tool found in place of the one before."""

    async def checks(self) -> Sequence[ToolCheck]:
        """Return what was last found at every tool, by name."""


class Tool(Protocol):
    """What somebody else runs for the operator. Raises `RemoteError` when it cannot be looked at."""

    @property
    def name(self) -> str:
        """What it is called in `assay status`."""

    async def problems(self) -> tuple[str, ...]:
        """Look, and say in words what is wrong; nothing when all is well."""
