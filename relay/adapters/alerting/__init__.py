"""The ways to reach people."""
