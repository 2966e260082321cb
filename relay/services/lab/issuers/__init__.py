"""Testing a server that attests, from outside: its keys, tokens, objects, lookup, status lists and service."""
