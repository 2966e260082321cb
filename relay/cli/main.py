"""The `assay` command."""

from __future__ import annotations

import click


@click.group()
def main() -> None:
    """Run and look after an Assay relay."""
