"""The durable store: SQL lives in .sql files, dialects differ in a handful of tokens."""
