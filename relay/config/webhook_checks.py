"""What can be wrong with web hooks beyond the form of each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from relay.config.problems import span_at

if TYPE_CHECKING:
    from relay.config.diagnostics import Findings
    from relay.config.document import Mapping
    from relay.config.settings import Settings


def check_webhooks(settings: Settings, root: Mapping, findings: Findings) -> None:
    """Add an error for a name that is there twice: its address could be of one of them only."""
    names = set[str]()
    for place, hook in enumerate(settings.webhooks):
        if hook.name in names:
            span = span_at(root, "webhooks", place, "name")
            cause = f'there is another web hook "{hook.name}" above'
            findings.error("C305", f"webhooks.{place}.name", span, cause, fix="Give each its own name.")
        names.add(hook.name)
