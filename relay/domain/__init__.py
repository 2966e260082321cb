"""What things are and what is decided about them: pure, total, bounded; no clock, no input or output."""
