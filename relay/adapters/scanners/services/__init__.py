"""Hash services: scanners that ask somebody else, each module in one documented protocol.

What they share is in `relay.services.asking`. Whatever a service's documentation does not promise counts as no answer,
never as clean. No key, no hash and no answer ever goes into a log line, an error or a metric.
"""
