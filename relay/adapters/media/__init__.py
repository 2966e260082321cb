"""Sandboxed decoding and perceptual hashes."""
