"""Wire formats of the interop lab: reports, badges, and the clauses that cases name."""
