"""The interop lab's pages: the same checks and codes as `assay lab`, for people with a browser."""
