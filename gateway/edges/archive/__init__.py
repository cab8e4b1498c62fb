"""The journal's archive: compressed runs of a chain, their indexes and a manifest, in a folder or in a bucket."""
