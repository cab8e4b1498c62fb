"""Pure words and rules: no I/O, no clock, no randomness, no asyncio, no logging."""
