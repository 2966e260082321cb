"""The lab on the web."""
