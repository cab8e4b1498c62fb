"""Front desk: settings."""
