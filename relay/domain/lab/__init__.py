"""The interop lab: what is tested, what came of it, and what a run is worth. Pure values."""
