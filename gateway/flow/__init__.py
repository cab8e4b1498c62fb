"""The journeys: async, no library, they speak only to ports and to the core."""
