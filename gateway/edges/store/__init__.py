"""The stores behind the ports: SQLite here, Redis later."""
