"""SMTP in both directions: tools and recipients in, providers out."""
