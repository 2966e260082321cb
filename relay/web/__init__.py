"""HTTP in: bytes to values, values to status codes. No decisions."""
