"""Measures the gateway beside plain Postfix and a do-it-yourself relay; `python -m bench` writes docs/performance.md."""
