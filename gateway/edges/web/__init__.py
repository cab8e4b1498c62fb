"""HTTP in: the public opt-out pages, health and metrics."""
