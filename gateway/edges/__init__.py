"""One outside thing each; the only place that does I/O."""
