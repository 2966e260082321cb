"""Scanners: each answers whether something is known, and none of them ever reads a failure as clean."""
