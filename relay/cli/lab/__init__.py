"""`assay lab`: the interop lab for those who implement attestations."""

from __future__ import annotations

from typing import Final

import click

from relay.cli.command import Program

COMMANDS: Final = {
    "Documents": {
        "verify": ("relay.cli.lab.verify:verify", "Verify every attestation of a document, step by step."),
        "explain": ("relay.cli.lab.explain:explain", "Explain an outcome, a case or a clause."),
    },
    "Servers": {
        "test": ("relay.cli.lab.test:test", "Test a server from outside, case by case."),
        "answer": ("relay.cli.lab.answer:answer", "Answer questions of a test of verifiers."),
        "inbox": ("relay.cli.lab.inbox:inbox", "Make a temporary actor and show what it is sent."),
    },
    "Samples": {
        "sample": ("relay.cli.lab.sample:sample", "Write a folder of good and bad documents."),
        "issue": ("relay.cli.lab.issue:issue", "Attest a file as a test, well or in a way that must fail."),
        "canary": ("relay.cli.lab.canary:canary", "Write files that test whether media are checked."),
    },
    "Reports": {
        "report": ("relay.cli.lab.report:report", "Show a report, or write it in another format."),
        "compare": ("relay.cli.lab.report:compare", "Show what changed from one report to another."),
    },
}
"""Every command of the group: heading of the help, name, place, one line."""


@click.group(cls=Program, table=COMMANDS)
def lab() -> None:
    """Test attestations and the software that makes, carries and verifies them.

    The same checks, codes and reports as the pages under /lab of a relay.
    """
