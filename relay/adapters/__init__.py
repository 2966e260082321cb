"""What touches the world. Each adapter translates the world's errors into the domain's."""
