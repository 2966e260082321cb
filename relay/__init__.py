"""Assay: an ActivityPub relay that vouches for the media it passes on."""

__version__ = "0.1.0"
