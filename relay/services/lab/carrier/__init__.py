"""The test of a relay: it is followed in both dialects, given posts of all kinds, and what comes out is looked at."""
