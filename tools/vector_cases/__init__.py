"""The cases that `tools/vectors` writes to fep/vectors, by what they are about."""
