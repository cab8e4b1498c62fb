"""Front desk: cli."""
