"""One room a provider: proves that a call comes from it, and reads its events into signals; nothing else knows its words."""
