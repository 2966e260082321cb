"""The `assay` command."""

from __future__ import annotations

from typing import Final

import click

from relay import __version__
from relay.cli.command import Program

COMMANDS: Final = {
    "Set up and run": {
        "init": ("relay.cli.setup:init", "Make a relay: configuration, keys, and what a server needs."),
        "check-config": (
            "relay.cli.setup:check_config",
            "Show everything that is wrong with the configuration.",
        ),
        "serve": ("relay.cli.run:serve", "Run the relay until it is told to stop."),
        "reload": ("relay.cli.reload:reload", "Let the running relay read its configuration again."),
        "migrate": (
            "relay.cli.migrate:migrate",
            "Bring the tables up to date, or move everything to PostgreSQL.",
        ),
        "demo": ("relay.cli.demo.command:demo", "Show the whole way of a post with servers made up for it."),
    },
    "Look after it": {
        "status": ("relay.cli.status:status", "Show what the relay did and what waits."),
        "subscribers": (
            "relay.cli.subscribers:subscribers",
            "List, approve, suspend and remove subscribers; choose what they get.",
        ),
        "follow": ("relay.cli.follow:follow", "Follow another relay, or list those that are followed."),
        "unfollow": ("relay.cli.follow:unfollow", "Stop following another relay."),
        "holds": ("relay.cli.holds:holds", "List, show, release and drop what waits for a person."),
        "recall": (
            "relay.cli.recall:recall",
            "Show, send and dismiss recalls of what came onto a list after it was relayed.",
        ),
        "waves": ("relay.cli.waves:waves", "List, show, release and purge waves of spam."),
        "incident": ("relay.cli.incident:incident", "Hold everything of a sort for a while."),
        "blocks": ("relay.cli.blocks:blocks", "Show who is blocked; refresh and undo blocklists."),
        "webhooks": (
            "relay.cli.webhooks:webhooks",
            "Show web hooks, and what was found in posts that came by them.",
        ),
        "lists": ("relay.cli.lists:lists", "List the hash lists and import entries."),
        "hashes": ("relay.cli.hashes:hashes", "Review what people handed in of their own pictures."),
        "scan": ("relay.cli.scan:scan", "Look through media that a server has stored already."),
        "alerts": ("relay.cli.alerts:alerts", "Show who is told of what, and try it."),
        "policy": ("relay.cli.policy:policy", "Read the policy aloud, try it, change it, take changes back."),
        "why": ("relay.cli.why:why", "Explain why a post was relayed or not."),
        "admin": ("relay.cli.admin:admin", "Sign in to the admin pages, and see who is signed in."),
    },
    "Attestations": {
        "attest": ("relay.cli.attest:attest", "Scan a media file and attest it."),
        "keys": ("relay.cli.keys:keys", "List, rotate and revoke the keys of attestations."),
        "submissions": (
            "relay.cli.submissions:submissions",
            "List submitted files that are on a list.",
        ),
        "verify": ("relay.cli.verify:verify", "Verify attestations, step by step."),
        "lab": ("relay.cli.lab:lab", "Test documents, issuers, carriers and verifiers of attestations."),
    },
}
"""Every command: heading of the help, name, place, one line."""

EPILOG: Final = """\
Shared options may also stand after the command. Exit status: 0 done, 1 the answer is no, 2 usage,
69 unavailable, 78 configuration.

Shell completion: eval "$(_ASSAY_COMPLETE=bash_source assay)", likewise zsh_source and fish_source.
"""


@click.group(
    cls=Program,
    table=COMMANDS,
    epilog=EPILOG,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="assay", message="%(prog)s %(version)s")
def main() -> None:
    """Run and look after an Assay relay."""
