"""What must be there for the page where people hand in hashes: lists, and helplines that can be read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from relay.config.problems import span_at
from relay.domain.errors import Malformed
from relay.domain.hashsubmission import CATEGORY
from relay.domain.helplines import read_helplines

if TYPE_CHECKING:
    from relay.config.diagnostics import Findings
    from relay.config.document import Mapping
    from relay.config.settings import Settings


def check_submit(settings: Settings, root: Mapping, findings: Findings) -> None:
    """Add an error for a page without a list, two lists for the same people, or helplines that cannot be read."""
    submitted = [one for one in settings.scanners if one.kind == "submitted"]
    if settings.submit.pages and not submitted:
        fix = f"Add a scanner: {{name: …, kind: submitted, category: {', or '.join(CATEGORY.values())}, …}}"
        span = span_at(root, "submit", "pages")
        findings.error("C321", "submit.pages", span, "there is no list for what people submit", fix=fix)
    seen = set[str | None]()
    for place, scanner in enumerate(settings.scanners):
        if scanner.kind != "submitted":
            continue
        if scanner.category in seen:
            cause = f"there is another list above for what is submitted as {scanner.category}"
            span = span_at(root, "scanners", place, "category")
            findings.error("C322", f"scanners.{place}.category", span, cause, fix="Remove one of them.")
        seen.add(scanner.category)
    if settings.submit.helplines is not None:
        _check_helplines(settings, root, findings)
    elif settings.submit.pages:
        cause = "people in distress would be shown helplines that nobody has checked for you"
        fix = "Look through relay/config/helplines.json and name a copy: submit: {helplines: helplines.json}"
        findings.warn("C403", "submit.pages", span_at(root, "submit", "pages"), cause, fix=fix)


def _check_helplines(settings: Settings, root: Mapping, findings: Findings) -> None:
    assert settings.submit.helplines is not None  # noqa: S101 - the caller looked
    path, span = "submit.helplines", span_at(root, "submit", "helplines")
    try:
        read_helplines(settings.submit.helplines.read_bytes())
    except OSError:
        fix = "Paths start at the configuration file."
        findings.error("C302", path, span, "the file of helplines cannot be read", fix=fix)
    except Malformed as error:
        fix = "docs/submit.md shows the form."
        findings.error("C323", path, span, f"the file of helplines: {error}", fix=fix)
