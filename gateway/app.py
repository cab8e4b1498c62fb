"""Front desk: app."""
