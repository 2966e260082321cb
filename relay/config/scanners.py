"""Scanners in the configuration: hash lists, and what is built in."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from relay.config.fields import FilePath
from relay.config.section import Section
from relay.domain.hashsubmission import CATEGORY

NAME_PATTERN = r"^[a-z0-9][a-z0-9-]{0,63}$"
"""Names of scanners, blocklists and categories: lower-case letters, digits and hyphens."""

ScannerName: TypeAlias = Annotated[str, Field(pattern=NAME_PATTERN)]


FETCHED = frozenset({"ncmec-hashes", "stopncii", "threatexchange"})
"""Kinds of lists that are fetched from their keepers (`relay.config.keepers`)."""


class ScannerSettings(Section):
    """One scanner: a hash list from a file and of what is imported, or the built-in canary."""

    name: ScannerName = Field(description="Name of the scanner in decisions and attestations; unique.")
    kind: Literal[
        "list",
        "benign",
        "submitted",
        "ncmec-hashes",
        "stopncii",
        "threatexchange",
        "photodna",
        "arachnid",
        "safer",
        "hma",
        "classifier",
    ] = Field(
        description=(
            "`list`: a hash list. `benign`: a list of what resembles entries of other lists and harms nobody; it "
            "overrules that resemblance and never a known match. `submitted`: what people hand in of their own "
            "pictures, see docs/submit.md. `ncmec-hashes`, `stopncii`, `threatexchange`: a hash list that is fetched "
            "from its keeper. Others are hash services: see docs/hash-services.md."
        )
    )
    file: FilePath | None = Field(
        default=None,
        description=(
            "CSV with the header `algorithm,value,category,source,note`, or JSON Lines of the same. Without a file "
            "the list is what is imported with `assay lists import`."
        ),
    )
    builtin: Literal["canary"] | None = Field(
        default=None,
        description="`canary`: pictures made by this project, to try the whole way without harm.",
    )
    category: str | None = Field(
        default=None,
        pattern=NAME_PATTERN,
        description="Category of entries that name none, such as `csam` or `ncii`.",
    )
    purpose: str | None = Field(
        default=None,
        min_length=1,
        max_length=500,
        description="Why the list is used, in a sentence for the public.",
    )
    country: str | None = Field(
        default=None,
        pattern=r"^(any|[A-Z]{2})$",
        description="Country whose law the list follows (two letters, ISO 3166-1), or `any`.",
    )

    @model_validator(mode="after")
    def _complete(self) -> ScannerSettings:
        if self.kind not in {"list", "benign", "submitted", *FETCHED}:
            return self
        if self.kind == "submitted" and (self.file or self.category not in CATEGORY.values()):
            cause = (
                "a list of kind submitted has no `file`, and a `category` that says whom the pictures show"
            )
            fix = f"Write category: {' or '.join(CATEGORY.values())}"
            raise PydanticCustomError("C324", "{cause}", {"cause": cause, "fix": fix})
        if self.builtin and (self.file or self.kind != "list"):
            cause = "a built-in list has no `file` and is of `kind: list`"
            raise PydanticCustomError(
                "C303", "{cause}", {"cause": cause, "fix": "Leave `builtin` out, or the others."}
            )
        lacking = [key for key in ("purpose", "country") if not self.builtin and getattr(self, key) is None]
        if lacking:
            cause = f"a list needs `{'` and `'.join(lacking)}`"
            fix = "Write why you use it and whose law it follows: purpose: …, country: any"
            raise PydanticCustomError("C304", "{cause}", {"cause": cause, "fix": fix})
        return self
