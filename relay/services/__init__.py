"""Use cases on ports: they order effects around the decisions of the domain."""
