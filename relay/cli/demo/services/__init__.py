"""`assay demo --services`: every hash service as a small server on loopback, and a relay that asks them all.

`frame` is what the fakes share, and each has a module that speaks its documented protocol, errors included; tests
use the same ones. `table` names them all: a new fake is a row there. `world` puts a relay before them, `scenario` is
what happens as data, `story` lets it happen and judges it, `telling` shows it.
"""
