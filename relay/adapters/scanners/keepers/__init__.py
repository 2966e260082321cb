"""Keepers of hash lists, each module in one documented protocol.

What they share is in `relay.services.listsync`. What is not as documented changes nothing; what is not for us is
counted. No key, no hash and no answer ever goes into a log line or an error.
"""
