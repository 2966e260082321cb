"""`assay demo`: a relay and three small servers on loopback, and what becomes of what they post.

`world` builds it all, `scenario` is what happens as data, `story` lets it happen and judges it, `screen` and `lines`
show it. The servers (`server`, `reading`, `actors`) speak real HTTP over TLS and check what they receive as others
do, so the demo is a test of the whole relay as well.
"""

from relay.cli.demo.command import demo

__all__ = ["demo"]
