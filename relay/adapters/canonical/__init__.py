"""Puts what documents say in order, in processes that can be killed."""
