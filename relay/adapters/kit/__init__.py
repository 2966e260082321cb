"""The canary kit: generated files in every format, with what a scan must say of each."""
