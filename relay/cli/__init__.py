"""The `assay` command: one file per command group."""
