"""Pure wire formats. Every rule cites its clause."""
