"""`assay demo --services`: hash services and keepers of lists as small servers on loopback, and a relay that asks them.

`frame` is what the fakes share, and each has a module that speaks its documented protocol, errors included; tests
use the same ones. `table` names them all: a new fake is a row there. `world` puts a relay before them, `scenario` is
what happens as data (`steps`; of lists `liststeps`), `story` lets it happen and judges it, `errands` are what the relay
does between posts, `telling` shows it.
"""
